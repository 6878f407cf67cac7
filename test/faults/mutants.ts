/**
 * Builds of the program in which one rule of the protocol is missing. The fault test must find stale reads in each:
 * a check that finds nothing there would find nothing in the program either.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectFile } from '../setup/process.ts';
import { runSeed } from './run.ts';

export interface Mutant {
  name: string;
  file: string;
  /** Text of the source that is replaced; a mutant whose text is gone is an error, not a pass. */
  from: string;
  to: string;
  /** The faults under which it shows; none: without any. */
  faults: string[];
  env?: Record<string, string>;
}

export const MUTANTS: Mutant[] = [
  {
    name: 'the entry is deleted after the commit, and nothing else',
    file: 'src/cache/fences.ts',
    from: 'const tokens = await waitAtMost(this.#deadlineMs, permit.session, this.#ask(turn));',
    to: "const tokens = new Map((waiting[0]?.tags ?? []).map((tag) => [tag, 'constant token ']));",
    faults: [],
    env: { CACHE_LOCAL_MB: '0' },
  },
  {
    name: 'tokens are read after the load',
    file: 'src/cache/read.ts',
    from: 'const { tags, ttlMs } = question;',
    to: "const { tags, ttlMs } = question;\n    tokens = (await parts.fences.read(permit, tags))?.join('') ?? tokens;",
    faults: [],
  },
  {
    name: 'a writer does not wait',
    file: 'src/cache/settle.ts',
    from: 'if (this.outlived(reading, leases)) return;',
    to: 'return;',
    faults: ['one’s Redis link swallows', 'Redis link slow'],
  },
  {
    name: 'a lease outlives its term',
    file: 'src/cache/lease.ts',
    from: "if (performance.now() >= state.untilMs || Date.now() >= state.untilWallMs) return 'no-lease';",
    to: '',
    faults: ['one cut from PostgreSQL, the others from Redis'],
  },
  {
    name: 'any load is joined',
    file: 'src/cache/read.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
    from: '`${asked.entryKey} ${tokens}`',
    to: 'asked.entryKey',
    faults: [],
  },
  {
    name: 'in bypass any load is joined',
    file: 'src/cache/loads.ts',
    from: 'if (newest && !newest.begun)',
    to: 'if (newest && newest.begun !== undefined)',
    faults: ['all cut from Redis'],
  },
  {
    name: 'the row is deleted before the invalidation',
    file: 'src/cache/settle.ts',
    from: 'const entries = await this.#unlink(held, tags);',
    to: 'await this.#options.ledger.confirmed(changes.map((change) => change.id));\n    const entries = await this.#unlink(held, tags);',
    faults: ['Redis link slow', 'one’s Redis link swallows', 'an instance killed'],
  },
  {
    name: 'a write that changed nothing is answered at once',
    file: 'src/cache/settle.ts',
    from: 'if (txid === null) return this.settleAll(permit, held, operation);',
    to: 'if (txid === null) return true;',
    faults: ['Redis link slow', 'one’s Redis link swallows', 'an instance frozen in the middle of a write'],
  },
  {
    name: 'no identity: any server’s memory counts',
    file: 'src/cache/session.ts',
    from: "identity: [field('run_id'), field('master_replid'), role, database, namespace].join(' '),",
    to: "identity: 'any',",
    faults: ['Redis demoted, resynchronised and promoted', 'Redis restarted from an old dump'],
  },
];

const SEEDS = 4;
const SECONDS = 45;

/** Runs a mutant until it shows a stale read. @returns false when some seeds showed none */
export async function findsStaleReads(mutant: Mutant, firstSeed: number): Promise<boolean> {
  const { program, remove } = buildMutant(mutant);
  try {
    const build = { program, ...(mutant.env ? { env: mutant.env } : {}) };
    for (let seed = firstSeed; seed < firstSeed + SEEDS; seed += 1) {
      const { stale } = await runSeed({
        seed,
        seconds: SECONDS,
        only: mutant.faults,
        build,
        untilStale: true,
      });
      if (stale > 0) return true;
    }
    return false;
  } finally {
    remove();
  }
}

/** Compiles the program with one rule missing. @returns its main file, and how to remove it */
function buildMutant(mutant: Mutant): { program: string; remove(): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-mutant-'));
  for (const name of [
    'src',
    'migrations',
    'plugin',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    cpSync(projectFile(name), path.join(folder, name), { recursive: true });
  }
  symlinkSync(projectFile('node_modules'), path.join(folder, 'node_modules'));
  const file = path.join(folder, mutant.file);
  const source = readFileSync(file, 'utf8');
  if (!source.includes(mutant.from))
    throw new Error(`${mutant.name}: ${mutant.file} no longer holds\n${mutant.from}`);
  writeFileSync(file, source.replace(mutant.from, mutant.to));
  // A rule that is missing leaves unused names behind: that is no reason not to run it.
  const flags = ['--noUnusedLocals', 'false', '--noUnusedParameters', 'false', '--noEmitOnError', 'false'];
  execFileSync(
    process.execPath,
    [projectFile('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', ...flags],
    {
      cwd: folder,
      stdio: 'inherit',
    },
  );
  return {
    program: path.join(folder, 'dist/main.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
