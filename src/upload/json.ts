/** The text of a document -> its value, with refusals that say where the text is wrong. */
import { ReportError } from '../trivy/problem.ts';

export const MAX_DEPTH = 100;

export const QUOTE = 0x22;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const BACKSLASH = 0x5c;

/** Where the string that begins at `start` ends, after its closing quote; -1 where it does not. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return -1;
}

/** Refuses a document nested deeper than any report, before anything recursive meets it. */
function checkDepth(text: string): void {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      const end = endOfString(text, index);
      if (end === -1) return;
      index = end - 1;
    } else if (unit === OPEN_LIST || unit === OPEN_OBJECT) {
      if (++depth > MAX_DEPTH) {
        const detail = `The document is nested deeper than ${MAX_DEPTH} levels at position ${index}.`;
        throw new ReportError(400, 'too_deep', detail, { position: index });
      }
    } else if (unit === CLOSE_LIST || unit === CLOSE_OBJECT) {
      depth--;
    }
  }
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Control characters, and escapes; of a broken escape the backslash alone. */
const IN_STRING = /[^ -\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4})?/g;

function match(pattern: RegExp, text: string, index: number): number {
  pattern.lastIndex = index;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/** Where a string stops being one, by its control characters and escapes; -1 where all are right. */
function findStringError(text: string, start: number, end: number): number {
  for (const found of text.slice(start, end).matchAll(IN_STRING)) {
    if (found[0].length === 1) return start + found.index;
  }
  return -1;
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

/**
 * The position of the first character with which the text stops being JSON (RFC 8259); the length of the text where
 * it only ends too early. V8 tells the position for some mistakes and not for others.
 */
export function findJsonError(text: string): number {
  const open: ('[' | '{')[] = [];
  let expected: Expected = 'value';
  let index = 0;
  const afterValue = (): Expected => (open.length === 0 ? 'nothing' : ', or end');
  for (;;) {
    index = match(SPACE, text, index);
    if (index >= text.length) return text.length;
    const sign = text[index];
    const isKey: boolean = expected === 'key' || expected === 'key or }';
    if (sign === '"' && (isKey || expected === 'value' || expected === 'value or ]')) {
      const end = endOfString(text, index);
      const bad = findStringError(text, index, end === -1 ? text.length : end);
      if (bad !== -1 && !(end === -1 && text.length - bad < 6)) return bad;
      if (end === -1) return text.length;
      index = end;
      expected = isKey ? ':' : afterValue();
    } else if ((sign === '[' || sign === '{') && (expected === 'value' || expected === 'value or ]')) {
      open.push(sign);
      expected = sign === '[' ? 'value or ]' : 'key or }';
      index++;
    } else if (
      (sign === ']' && open.at(-1) === '[' && (expected === 'value or ]' || expected === ', or end')) ||
      (sign === '}' && open.at(-1) === '{' && (expected === 'key or }' || expected === ', or end'))
    ) {
      open.pop();
      expected = afterValue();
      index++;
    } else if (sign === ':' && expected === ':') {
      expected = 'value';
      index++;
    } else if (sign === ',' && expected === ', or end') {
      expected = open.at(-1) === '[' ? 'value' : 'key';
      index++;
    } else {
      const end = expected === 'value' || expected === 'value or ]' ? match(SCALAR, text, index) : -1;
      if (end === -1) return isCutWord(text, index) ? text.length : index;
      index = end;
      expected = afterValue();
    }
  }
}

/** True where the text ends inside `true`, `false`, `null` or a number. */
function isCutWord(text: string, index: number): boolean {
  if (text.length - index > 400) return false;
  const rest = text.slice(index);
  return /^[-+.eE\d]+$/.test(rest) || ['true', 'false', 'null'].some((word) => word.startsWith(rest));
}

/** @throws ReportError 400 `invalid_json` or `too_deep` */
export function parseJson(text: string): unknown {
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch {
    throw invalidJson(text);
  }
}

function invalidJson(text: string): ReportError {
  const position = findJsonError(text);
  const line = text.slice(0, position).split('\n').length;
  const column = position - text.lastIndexOf('\n', position - 1);
  const where = `at position ${position} (line ${line}, column ${column})`;
  if (text.trim() === '') {
    return new ReportError(400, 'invalid_json', 'The body is empty.', { position: 0 });
  }
  if (position === text.length) {
    const detail = `The JSON is truncated: it ends ${where} before it is complete.`;
    return new ReportError(400, 'invalid_json', detail, { position });
  }
  const sign = JSON.stringify(String.fromCodePoint(text.codePointAt(position) ?? 0));
  const hint = /^\s*[[{]/.test(text)
    ? ''
    : ' Send only what --format json prints on the standard output, without log lines or tables.';
  return new ReportError(400, 'invalid_json', `This is not JSON: unexpected ${sign} ${where}.${hint}`, {
    position,
  });
}
