import { readFileSync } from 'node:fs';

/** The text of a file of the project. @param name as seen from its root */
export function projectText(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}
