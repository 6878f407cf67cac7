import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ArtifactSummary, List, ScanSummary } from '../../../src/schemas.ts';
import { get } from '../api.ts';
import { Failure } from '../components/States.tsx';
import { useGet } from '../data.ts';
import { formatDateTime } from '../format.ts';
import classes from './Compare.module.css';

interface ScanPickerProps {
  label: string;
  scanId: string | null;
  onPick: (scanId: string) => void;
}

const scansOf = (artifact: string | number, limit: number) =>
  `/api/scan-results?artifact=${artifact}&limit=${limit}`;

/** Chooses an artifact, then one of its scans; the newest is chosen with the artifact. */
export function ScanPicker({ label, scanId, onPick }: ScanPickerProps) {
  const picked = useGet<ScanSummary>(scanId && `/api/scan-results/${scanId}`).data?.body;
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.trim(), 200);
  const artifactId = picked?.artifact.id;
  const matches =
    asked.length >= 2 && asked !== picked?.artifact.name ? `&q=${encodeURIComponent(asked)}` : '';
  const found = useGet<List<ArtifactSummary>>(`/api/artifacts?limit=30&sort=lastSeenAt${matches}`, {
    keep: true,
  });
  const scans = useGet<List<ScanSummary>>(artifactId ? scansOf(artifactId, 100) : null);
  const pickNewest = useMutation({
    mutationFn: (artifact: string) => get<List<ScanSummary>>(scansOf(artifact, 1)),
    onSuccess: ({ body: { items } }) => items[0] && onPick(String(items[0].id)),
  });

  const artifacts = new Map((found.data?.body.items ?? []).map((item) => [String(item.id), item.name]));
  if (picked) artifacts.set(String(picked.artifact.id), picked.artifact.name);
  return (
    <fieldset className={classes.picker}>
      <legend>{label}</legend>
      <Select
        label="Artifact"
        placeholder="Search"
        searchable
        value={artifactId ? String(artifactId) : null}
        data={[...artifacts].map(([value, name]) => ({ value, label: name }))}
        filter={({ options }) => options}
        onSearchChange={setSearch}
        onChange={(value) => value && pickNewest.mutate(value)}
        nothingFoundMessage="Nothing matches"
        maxDropdownHeight={320}
      />
      <Select
        label="Scan"
        value={scanId}
        disabled={!artifactId}
        data={scans.data?.body.items.map((scan) => ({
          value: String(scan.id),
          label: `${formatDateTime(scan.scannedAt)}${scan.latest ? ' (latest)' : ''}`,
        }))}
        onChange={(value) => value && onPick(value)}
        allowDeselect={false}
      />
      {pickNewest.error && <Failure error={pickNewest.error} retry={() => pickNewest.reset()} />}
    </fieldset>
  );
}
