// What must be there before Trivet can run: a Node.js that is new enough, the npm packages, the built program.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Problem, readText, root, run, step } from './process.mjs';

/** @throws {Problem} when this Node.js is older than package.json asks for */
export function requireNode() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const [wantedMajor, wantedMinor] = engines.node.replace('>=', '').split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Problem(
    `Trivet needs Node.js ${wantedMajor}.${wantedMinor} or newer; this is ${process.version}. ` +
      'See https://nodejs.org/en/download for a newer one.',
  );
}

/**
 * Whether node_modules is what package-lock.json asks for. npm writes node_modules/.package-lock.json last, so
 * that an interrupted installation has none. Optional packages (other platforms) may be missing.
 */
function packagesAreInstalled() {
  const installed = readText(path.join(root, 'node_modules/.package-lock.json'));
  if (!installed) return false;
  const { packages } = JSON.parse(installed);
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([folder, { version, optional, devOptional }]) => {
    if (folder === '') return true;
    const found = packages[folder];
    return found ? found.version === version : Boolean(optional || devOptional);
  });
}

/**
 * Installs the npm packages with `npm ci` unless they are there.
 * @param {{signal?: AbortSignal}} options
 * @throws {Problem} with npm's output when that fails
 */
export async function ensurePackages({ signal } = {}) {
  requireNode();
  if (packagesAreInstalled()) return;
  step('Installing npm packages (npm ci)');
  const { status, output } = await run('npm', ['ci', '--include=dev', '--no-fund', '--no-audit'], {
    cwd: root,
    timeoutMs: 900_000,
    signal,
  });
  if (status !== 0) throw new Problem(`npm ci failed:\n${output}`);
}

const buildInputs = [
  'src',
  'web',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'vite.config.ts',
];

/** @returns {string} a hash of everything that the build reads */
function hashOfSources() {
  const hash = createHash('sha256');
  const visit = (name) => {
    const file = path.join(root, name);
    if (!existsSync(file)) return;
    if (statSync(file).isDirectory()) {
      for (const child of readdirSync(file).sort()) visit(path.join(name, child));
    } else {
      const content = readFileSync(file);
      hash.update(`${name}\0${content.length}\0`).update(content);
    }
  };
  for (const input of buildInputs) visit(input);
  return hash.digest('hex');
}

/**
 * Builds program and dashboard unless that was done since the sources last changed.
 * @param {{signal?: AbortSignal}} options
 * @throws {Problem} with the compiler's output when the build fails
 */
export async function ensureBuild({ signal } = {}) {
  const stamp = path.join(root, 'dist/.sources');
  const sources = hashOfSources();
  if (readText(stamp) === sources) return;
  step('Building (npm run build)');
  const { status, output } = await run('npm', ['run', 'build'], { cwd: root, timeoutMs: 300_000, signal });
  if (status !== 0) throw new Problem(`npm run build failed:\n${output}`);
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, sources);
}
