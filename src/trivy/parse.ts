/** A parsed JSON document that Trivy printed -> what it says. Pure. */
import { renamed } from './artifact.ts';
import { parseCompact, parseReport, parseResultList } from './cli.ts';
import { detectLayout } from './detect.ts';
import { parseKubernetes } from './kubernetes.ts';
import { parseEnvelope, parseResource, parseResources } from './operator.ts';
import { ReportError } from './problem.ts';
import { at, isObject, type JsonObject, listAt, type Place } from './read.ts';
import type { ParsedDocument, ParsedScan, ParseOptions } from './report.ts';

function single(scan: ParsedScan): ParsedDocument {
  return { ignored: null, scans: [scan], skipped: [], warnings: [], multiple: false };
}

function placed(list: unknown[], place: Place | null): [unknown, Place][] {
  return list.map((entry, index) => [entry, at(place, index)]);
}

function parseMap(document: JsonObject, options: ParseOptions): ParsedDocument {
  const resources = Object.keys(document).flatMap((key) =>
    placed(listAt(document, key, null), at(null, key)),
  );
  return parseResources(resources, options);
}

function parseObject(document: JsonObject, options: ParseOptions): ParsedDocument {
  const layout = detectLayout(document);
  switch (layout) {
    case 'kubernetes':
      return parseKubernetes(document, options);
    case 'operator resource':
      return parseResource(document, null, options);
    case 'operator envelope':
      return parseEnvelope(document, options);
    case 'operator list':
      return parseResources(placed(listAt(document, 'items', null), at(null, 'items')), options);
    case 'operator map':
      return parseMap(document, options);
    case 'compact':
      return single(parseCompact(document, options));
    default:
      return single(parseReport(document, options));
  }
}

function parseList(document: unknown[], options: ParseOptions): ParsedDocument {
  if (detectLayout(document) === 'operator list') return parseResources(placed(document, null), options);
  return single(parseResultList(document, options));
}

/** `?artifact=` names one artifact: it can rename scans only where all are of one. */
function applyArtifact(document: ParsedDocument, options: ParseOptions): ParsedDocument {
  const { artifact } = options;
  if (artifact === null || document.scans.length === 0) return document;
  const names = new Set(document.scans.map((scan) => `${scan.artifact.type} ${scan.artifact.name}`));
  if (names.size > 1) {
    const detail = `?artifact= names one artifact, but the document holds scans of ${names.size}: leave it out.`;
    throw new ReportError(422, 'artifact_not_applicable', detail);
  }
  const scans = document.scans.map((scan) => ({ ...scan, artifact: renamed(scan.artifact, artifact) }));
  return { ...document, scans };
}

/**
 * @param value the document, as JSON.parse gives it; keys that are not known are ignored
 * @throws ReportError where it is no Trivy report, or one with a mistake
 */
export function parseDocument(value: unknown, options: ParseOptions): ParsedDocument {
  if (Array.isArray(value)) return reviewed(parseList(value, options), options);
  if (isObject(value)) return reviewed(parseObject(value, options), options);
  detectLayout(value);
  return single(parseResultList([], options));
}

/** The command line's layouts have taken `?artifact=` already, as it may be their only name. */
function reviewed(document: ParsedDocument, options: ParseOptions): ParsedDocument {
  const named = document.scans.every(
    ({ artifact, reportHash }) => artifact.type !== 'kubernetes' && reportHash === null,
  );
  return named ? document : applyArtifact(document, options);
}
