import { Button, TextInput, UnstyledButton } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { ScanSummary } from '../../../src/schemas.ts';
import { send } from '../api.ts';
import { refreshAll } from '../data.ts';
import classes from './Labels.module.css';
import { Failure } from './States.tsx';

/** The labels of a scan, which can be taken away and added. */
export function Labels({ scan }: { scan: ScanSummary }) {
  const [text, setText] = useState('');
  const [adding, setAdding] = useState(false);
  const change = useMutation({
    mutationFn: (labels: Record<string, string | null>) =>
      send('PATCH', `/api/scan-results/${scan.id}`, { labels }),
    onSuccess: () => {
      setText('');
      setAdding(false);
      return refreshAll();
    },
  });
  const add = () => {
    const cut = text.indexOf('=');
    change.mutate({ [text.slice(0, cut)]: text.slice(cut + 1) });
  };
  return (
    <div className={classes.labels}>
      {Object.entries(scan.labels).map(([name, value]) => (
        <span key={name} className={classes.label}>
          {name}={value}
          <UnstyledButton aria-label={`Remove label ${name}`} onClick={() => change.mutate({ [name]: null })}>
            ×
          </UnstyledButton>
        </span>
      ))}
      {adding ? (
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <TextInput
            size="xs"
            aria-label="New label"
            placeholder="name=value"
            pattern="[^=]+=.*"
            title="name=value"
            required
            maxLength={513}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
          <Button size="xs" type="submit" loading={change.isPending}>
            Add
          </Button>
        </form>
      ) : (
        <Button size="compact-xs" variant="default" onClick={() => setAdding(true)}>
          Add label
        </Button>
      )}
      {change.error && <Failure error={change.error} retry={() => change.reset()} />}
    </div>
  );
}
