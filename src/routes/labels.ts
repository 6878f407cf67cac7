import { checkLabelCount } from '../db/labels.ts';
import { badParameter, HttpError } from '../errors.ts';

const MAX_LENGTH = 256;

/** @returns what is wrong with a label's name or value, as the end of a sentence; null: nothing */
function complaintAbout(text: string): string | null {
  if (text.length > MAX_LENGTH) return `has more than ${MAX_LENGTH} characters`;
  // PostgreSQL's jsonb holds neither NUL nor half of a surrogate pair.
  if (text.includes('\0') || /\p{Surrogate}/u.test(text)) return 'has characters that cannot be stored';
  return null;
}

/**
 * Labels as they are given in an address: `name=value`; the last of a name counts.
 * @throws HttpError 400 `bad_parameter`, TooManyLabels
 */
export function labelsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const end = text.indexOf('=');
    const pair = [text.slice(0, end), text.slice(end + 1)] as const;
    const complaint = complaintAbout(pair[0]) ?? complaintAbout(pair[1]);
    if (complaint) throw badParameter('label', complaint);
    return pair;
  });
  const labels = Object.fromEntries(pairs);
  checkLabelCount(labels);
  return labels;
}

/**
 * The labels of a merge patch. Checked here and not by a schema: Fastify would make texts of numbers and of null.
 * @throws HttpError 400 `bad_parameter` with the place
 */
export function patchOf(body: unknown): Record<string, string | null> {
  if (!isObject(body) || !isObject(body.labels))
    throw wrong('', 'has to be {"labels": {NAME: VALUE or null}}');
  const unknown = Object.keys(body).find((name) => name !== 'labels');
  if (unknown !== undefined) throw wrong(pointerTo(unknown), 'cannot be changed');
  const labels = Object.entries(body.labels).map(([name, value]) => {
    const place = `/labels${pointerTo(name)}`;
    if (name === '') throw wrong(place, 'has no name');
    // `label=NAME=VALUE` of an address ends a name at the first of them.
    if (name.includes('=')) throw wrong(place, 'has a "=" in its name');
    if (value !== null && typeof value !== 'string') throw wrong(place, 'has to be a text, or null');
    const complaint = complaintAbout(name) ?? complaintAbout(value ?? '');
    if (complaint) throw wrong(place, complaint);
    return [name, value] as const;
  });
  return Object.fromEntries(labels);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A step of a JSON pointer (RFC 6901). */
function pointerTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function wrong(pointer: string, complaint: string): HttpError {
  const detail = `${complaint}.`;
  return new HttpError('bad_parameter', `${pointer || 'The body'} ${detail}`, {
    errors: [{ pointer, detail }],
  });
}
