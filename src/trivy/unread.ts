/** What is large in reports and read by nobody: a large document is read without it. */
import { MAX_CODE_LINES } from './others.ts';

/** Members of objects below the document itself, under whatever key these stand. */
export const UNREAD: ReadonlySet<string> = new Set([
  'CustomResources',
  'DataSource',
  'ImageConfig',
  'Layer',
  'Layers',
  'Occurrences',
  'RenderedCause',
  'Text',
  'Traces',
  'VendorIDs',
]);

/** How many entries are read of a list, by the key it stands under: of packages only whether there are any. */
export const ENTRIES_READ: ReadonlyMap<string, number> = new Map([
  ['Packages', 1],
  ['Lines', MAX_CODE_LINES],
]);
