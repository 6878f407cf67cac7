// npm run seed [-- --findings 20000000]: builds if need be, then fills the database that DATABASE_URL names.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { ensureBuild, ensurePackages, requireNode } from './services/packages.mjs';
import { root, runScript } from './services/process.mjs';

await runScript(
  async ({ signal }) => {
    requireNode();
    await ensurePackages({ signal });
    await ensureBuild({ signal });
    const program = [path.join(root, 'dist/seed.js'), ...process.argv.slice(2)];
    const child = spawn(process.execPath, program, { stdio: 'inherit' });
    signal.addEventListener('abort', () => child.kill('SIGTERM'));
    const [status] = await once(child, 'exit');
    return status ?? 1;
  },
  { interrupted: 130 },
);
