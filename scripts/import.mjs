// npm run import -- FILE|FOLDER…: builds if need be, then sends report files to a running instance.
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
    // npm runs this in the project's folder; paths are relative to where the user is.
    const cwd = process.env.INIT_CWD ?? process.cwd();
    const program = [path.join(root, 'dist/import.js'), ...process.argv.slice(2)];
    const child = spawn(process.execPath, program, { cwd, stdio: 'inherit' });
    signal.addEventListener('abort', () => child.kill('SIGTERM'));
    const [status] = await once(child, 'exit');
    return status ?? 1;
  },
  { interrupted: 130 },
);
