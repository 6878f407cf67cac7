import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from './options.ts';

/**
 * Finds the reports: a file that is named whatever its name, of a folder all *.json and *.json.gz at any depth.
 * Hidden folders are left out, links to folders are not followed.
 * @throws UsageError when something named is not there, or there is no report at all
 */
export async function findReports(paths: string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const name of paths) {
    const info = await stat(name).catch((error: Error) => {
      throw new UsageError(error.message);
    });
    if (!info.isDirectory()) found.add(name);
    else for await (const file of walk(name)) found.add(file);
  }
  if (found.size === 0) throw new UsageError(`No *.json or *.json.gz file in ${paths.join(', ')}`);
  return [...found];
}

async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.')) yield* walk(file);
    else if (!entry.isDirectory() && /\.json(\.gz)?$/i.test(entry.name)) yield file;
  }
}
