import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { deleteScan } from '../../src/db/remove.ts';
import { getSummary } from '../../src/db/summary.ts';
import type { SeverityCounts } from '../../src/schemas.ts';
import type { Severity } from '../../src/trivy/report.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { pick, type Random, seeded } from './inventory.ts';
import { level, markStale, NOW, store } from './world.ts';

const DAY_MS = 86_400_000;
const TODAY = '2026-03-15';
const NONE: SeverityCounts = { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 };

let created: TestDatabase;
let database: Database;
beforeEach(async () => {
  created = await createDatabase();
  database = openDatabase({ url: created.url, poolMax: 2, statementTimeoutMs: 15_000 });
});
afterEach(async () => {
  await database.close();
  await created.drop();
});

const summary = (day = TODAY) => database.snapshot((db) => getSummary(db, day));
const ago = (days: number, hour = 12) =>
  new Date(Date.parse(`${TODAY}T00:00:00Z`) - days * DAY_MS + hour * 3_600_000);
const dayAgo = (days: number, from = TODAY) =>
  new Date(Date.parse(from) - days * DAY_MS).toISOString().slice(0, 10);

function scan(
  artifact: string,
  at: Date,
  severities: Record<string, Severity>,
  fixable = false,
): Promise<number> {
  return store(database, {
    artifact,
    scannedAt: at,
    findings: Object.entries(severities).map(([vulnerabilityId, severity]) => ({
      vulnerabilityId,
      severity,
      package: `package of ${vulnerabilityId}`,
      fixedVersion: fixable ? '2' : null,
    })),
  });
}

describe('the summary', () => {
  it('works without anything', async () => {
    const empty = { vulnerabilities: NONE, findings: NONE, artifacts: NONE };
    expect(await summary()).toEqual({
      day: TODAY,
      vulnerabilities: NONE,
      findings: NONE,
      artifacts: { ...NONE, none: 0, live: 0, stale: 0 },
      fixable: { vulnerabilities: NONE, findings: 0 },
      scans: { total: 0, today: 0, lastReceivedAt: null },
      since7Days: empty,
      trend: Array.from({ length: 30 }, (_, index) => ({ day: dayAgo(29 - index), ...empty })),
    });
  });

  it('counts vulnerabilities, findings and artifacts by severity', async () => {
    await scan('one:1', ago(0), { a: 'CRITICAL', b: 'LOW', c: 'LOW' }, true);
    await scan('two:1', ago(0), { a: 'HIGH', b: 'LOW' });
    await scan('none:1', ago(0), {});
    expect(await summary()).toMatchObject({
      vulnerabilities: { ...NONE, critical: 1, low: 2 },
      findings: { ...NONE, critical: 1, high: 1, low: 3 },
      artifacts: { ...NONE, critical: 1, high: 1, none: 1, live: 3, stale: 0 },
      fixable: { vulnerabilities: { ...NONE, critical: 1, low: 2 }, findings: 3 },
    });
  });

  it('counts stale artifacts as stale, and not else, on no day', async () => {
    const plan = { artifact: 'old:1', scannedAt: ago(9), findings: 3 };
    await store(database, plan, {}, ago(9));
    expect((await summary()).artifacts).toMatchObject({ live: 1, stale: 0 });
    await markStale(database, ago(5));
    const { trend, ...now } = await summary();
    expect(now).toMatchObject({
      vulnerabilities: NONE,
      findings: NONE,
      artifacts: { ...NONE, none: 0, live: 0, stale: 1 },
      fixable: { vulnerabilities: NONE, findings: 0 },
    });
    for (const point of trend)
      expect(point).toMatchObject({ vulnerabilities: NONE, findings: NONE, artifacts: NONE });
  });

  it('counts the scans received on the UTC day', async () => {
    const receive = (now: Date, seed: number) =>
      store(database, { artifact: 'one:1', scannedAt: ago(20), seed, churn: 1 }, {}, now);
    await receive(new Date(`${dayAgo(1)}T23:59:59.999Z`), 1);
    await receive(new Date(`${TODAY}T00:00:00Z`), 2);
    await receive(new Date(`${TODAY}T23:59:59.999Z`), 3);
    await receive(new Date(`${dayAgo(-1)}T00:00:00Z`), 4);
    expect((await summary()).scans).toEqual({
      total: 4,
      today: 2,
      lastReceivedAt: `${dayAgo(-1)}T00:00:00.000Z`,
    });
  });

  it('tells the differences to the end of the day a week ago', async () => {
    await scan('one:1', ago(7, 23), { a: 'HIGH', b: 'LOW' });
    await scan('one:1', ago(6, 0), { a: 'HIGH' });
    await scan('two:1', ago(2), { a: 'CRITICAL', c: 'LOW' });
    expect((await summary()).since7Days).toEqual({
      vulnerabilities: { ...NONE, critical: 1, high: -1 },
      findings: { ...NONE, critical: 1 },
      artifacts: { ...NONE, critical: 1 },
    });
  });
});

describe('the trend', () => {
  it('goes by the UTC day of the scan, and keeps a state until the next', async () => {
    await scan('one:1', ago(3, 1), { a: 'LOW' });
    await scan('one:1', ago(3, 23), { a: 'LOW', b: 'HIGH' });
    await scan('one:1', ago(1), { b: 'HIGH' });
    const { trend } = await summary();
    expect(
      trend.slice(-5).map(({ day, vulnerabilities }) => [day, vulnerabilities.low, vulnerabilities.high]),
    ).toEqual([
      [dayAgo(4), 0, 0],
      [dayAgo(3), 1, 1],
      [dayAgo(2), 1, 1],
      [dayAgo(1), 0, 1],
      [dayAgo(0), 0, 1],
    ]);
    expect(trend.map((point) => point.day)).toEqual(
      Array.from({ length: 30 }, (_, index) => dayAgo(29 - index)),
    );
  });

  it('counts a vulnerability by the worst severity of the day', async () => {
    await scan('one:1', ago(4), { a: 'LOW' });
    await scan('two:1', ago(3), { a: 'CRITICAL' });
    await scan('two:1', ago(2), { a: 'HIGH' });
    await scan('two:1', ago(1), {});
    const { trend } = await summary();
    expect(trend.slice(-5).map(({ vulnerabilities }) => vulnerabilities)).toEqual([
      { ...NONE, low: 1 },
      { ...NONE, critical: 1 },
      { ...NONE, high: 1 },
      { ...NONE, low: 1 },
      { ...NONE, low: 1 },
    ]);
  });

  it('shows what was worse for a while', async () => {
    for (const artifact of ['one:1', 'two:1', 'three:1']) await scan(artifact, ago(35), { a: 'LOW' });
    await scan('two:1', ago(2), { a: 'CRITICAL' });
    await scan('two:1', ago(1), { a: 'LOW' });
    const { trend } = await summary();
    expect(trend.slice(-4).map(({ vulnerabilities }) => vulnerabilities)).toEqual([
      { ...NONE, low: 1 },
      { ...NONE, critical: 1 },
      { ...NONE, low: 1 },
      { ...NONE, low: 1 },
    ]);
  });

  it('begins with what is older than it', async () => {
    await scan('one:1', ago(35), { a: 'LOW' });
    const { trend } = await summary();
    for (const point of trend) expect(point.vulnerabilities).toEqual({ ...NONE, low: 1 });
  });

  it('ends with the state of now, whatever the day of a scan', async () => {
    await scan('one:1', ago(2), { a: 'LOW' });
    await scan('one:1', ago(0), { a: 'LOW', b: 'HIGH' });
    const { trend, since7Days } = await summary(dayAgo(1));
    expect(trend.at(-1)).toMatchObject({ day: dayAgo(1), vulnerabilities: { ...NONE, low: 1, high: 1 } });
    expect(trend.at(-2)).toMatchObject({ day: dayAgo(2), vulnerabilities: { ...NONE, low: 1, high: 0 } });
    expect(since7Days.vulnerabilities).toEqual({ ...NONE, low: 1, high: 1 });
  });

  it('forgets a scan that is deleted', async () => {
    await scan('one:1', ago(5), { a: 'LOW' });
    const id = await scan('one:1', ago(3), { b: 'HIGH' });
    await database.transaction((db) => deleteScan(db, id, NOW));
    for (const point of (await summary()).trend.slice(-5))
      expect(point.vulnerabilities).toEqual({ ...NONE, low: 1 });
  });
});

describe('of random reports', () => {
  interface Report {
    artifact: string;
    at: Date;
    severities: Record<string, Severity>;
  }
  const random: Random = seeded(3);
  const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const;

  function randomReports(): Report[] {
    const reports: Report[] = [];
    for (let index = 0; index < 40; index += 1) {
      const entries = Array.from({ length: Math.floor(random() * 5) }, () => [
        `CVE-2024-${Math.floor(random() * 9)}`,
        pick(random, SEVERITIES),
      ]);
      reports.push({
        artifact: `app:${Math.floor(random() * 6)}`,
        at: new Date(ago(Math.floor(random() * 38)).getTime() + index),
        severities: Object.fromEntries(entries),
      });
    }
    return reports;
  }

  /** How it stood when only these had been sent. */
  function stateOf(reports: Report[]) {
    const latest = new Map<string, Report>();
    for (const report of [...reports].sort((a, b) => a.at.getTime() - b.at.getTime()))
      latest.set(report.artifact, report);
    const state = { vulnerabilities: { ...NONE }, findings: { ...NONE }, artifacts: { ...NONE } };
    const nameOf = (severity: Severity) => severity.toLowerCase() as keyof SeverityCounts;
    const worst = new Map<string, Severity>();
    for (const { severities } of latest.values()) {
      for (const [id, severity] of Object.entries(severities)) {
        state.findings[nameOf(severity)] += 1;
        if (level(severity) > level(worst.get(id) ?? '')) worst.set(id, severity);
      }
      const [first] = Object.values(severities).sort((a, b) => level(b) - level(a));
      if (first) state.artifacts[nameOf(first)] += 1;
    }
    for (const severity of worst.values()) state.vulnerabilities[nameOf(severity)] += 1;
    return state;
  }

  it.each([1, 2, 3, 4, 5])('every day is as it was (%i)', async () => {
    const reports = randomReports();
    for (const { artifact, at, severities } of reports) await scan(artifact, at, severities);
    const { trend, since7Days, ...now } = await summary();
    expect(now).toMatchObject(stateOf(reports));
    expect(trend).toEqual(
      trend.map(({ day }) => ({
        day,
        ...stateOf(reports.filter(({ at }) => at.toISOString().slice(0, 10) <= day)),
      })),
    );
    for (const measure of ['vulnerabilities', 'findings', 'artifacts'] as const) {
      for (const name of ['critical', 'high', 'medium', 'low', 'unknown'] as const)
        expect(since7Days[measure][name]).toBe(
          (trend[29]?.[measure][name] ?? 0) - (trend[22]?.[measure][name] ?? 0),
        );
    }
    expect(trend.at(-8)?.day).toBe(dayAgo(7));
  });
});
