import { parseArgs } from 'node:util';
import type { SeverityCounts } from '../schemas.ts';

/** A mistake in the command line, or a server that cannot be used at all: its message alone, and exit status 2. */
export class UsageError extends Error {}

export const usage = `Usage: npm run import -- [options] FILE|FOLDER…
Sends Trivy reports to a running Trivet. Of a folder: all *.json and *.json.gz files in it, at any depth.
  --artifact NAME         whose scan it is, instead of what the report says
  --cluster NAME          cluster of Kubernetes resources
  --scanners vuln,secret  what the report looked for
  --label KEY=VALUE       a label, several times for several
  --fail-on RULES         exit status 3 if a rule is met: new:critical (not in the scan before), any:high, …,
                          separated by commas
TRIVET_URL is the address (http://localhost:3000), TRIVET_TOKEN the token.
Exit status: 0 all is in, 1 something was refused, 2 usage or unreachable, 3 --fail-on.`;

/** `new:critical`: no critical finding that the scan before did not have; `any:critical`: none at all. */
export interface Rule {
  scope: 'new' | 'any';
  severity: keyof SeverityCounts;
}

/** What the command was asked to do. */
export interface Options {
  paths: string[];
  /** Of Trivet, with a slash at the end. */
  url: URL;
  token: string | undefined;
  /** Passed on with every report. */
  query: URLSearchParams;
  rules: Rule[];
}

/**
 * Reads the command line.
 * @param args without the program's own name
 * @returns undefined where only the usage was asked for
 * @throws UsageError
 */
export function parseOptions(args: string[], environment: NodeJS.ProcessEnv): Options | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  if (positionals.length === 0) throw new UsageError(`No file was named.\n\n${usage}`);
  const query = new URLSearchParams();
  for (const name of ['artifact', 'cluster', 'scanners'] as const) {
    if (values[name] !== undefined) query.set(name, values[name]);
  }
  for (const label of values.label ?? []) query.append('label', label);
  return {
    paths: positionals,
    url: parseUrl(environment.TRIVET_URL || 'http://localhost:3000'),
    token: environment.TRIVET_TOKEN || undefined,
    query,
    rules: parseRules(values['fail-on'] ?? ''),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        artifact: { type: 'string' },
        cluster: { type: 'string' },
        scanners: { type: 'string' },
        label: { type: 'string', multiple: true },
        'fail-on': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new UsageError(`TRIVET_URL is no http address: ${text}`);
  const url = new URL(text);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function parseRules(text: string): Rule[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((rule) => {
      const match = /^(new|any):(critical|high|medium|low|unknown)$/i.exec(rule.trim());
      if (!match) throw new UsageError(`--fail-on: "${rule}" is not new:SEVERITY or any:SEVERITY`);
      const [scope, severity] = match[0].toLowerCase().split(':');
      return { scope, severity } as Rule;
    });
}
