import { describe, expect, it } from 'vitest';
import {
  artifactConditions,
  FilterError,
  hasSeverity,
  kindBits,
  kindsOf,
  likePattern,
  moment,
  selection,
  severityLevels,
  storable,
} from '../../src/db/filters.ts';
import { Conditions } from '../../src/db/list.ts';

describe('moment', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31 12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123456789Z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00+02:00', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31T12:00:00 02:00', '2026-01-31T10:00:00.000Z'],
    ['2026-01-31T23:30:00-02:00', '2026-02-01T01:30:00.000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('reads %s', (text, since) => {
    expect(moment('since', text).toISOString()).toBe(since);
  });

  it('of "until" is the first that is outside: the day, or the millisecond, is inside', () => {
    expect(moment('until', '2026-01-31').toISOString()).toBe('2026-02-01T00:00:00.000Z');
    expect(moment('until', '2026-01-31T12:00:00Z').toISOString()).toBe('2026-01-31T12:00:00.001Z');
  });

  it.each([
    '',
    'now',
    '2026',
    '2026-1-31',
    '2026-02-29',
    '2026-02-30T00:00:00Z',
    '2026-13-01',
    '2026-01-31T12:00:00',
    '2026-01-31T12:00Z',
    '2026-01-31T25:00:00Z',
    '2026-01-31T12:00:00+0200',
    '1769860800',
    '2026-01-31\0',
    '2026-01-31T12:00:00Z; SELECT 1',
    `2026-01-31T12:00:00.${'9'.repeat(10_000)}`,
  ])('refuses %j', (text) => {
    expect(() => moment('since', text)).toThrow(FilterError);
    expect(() => moment('until', text)).toThrow(
      expect.objectContaining({ parameter: 'until', detail: expect.stringContaining('2026-01-31') }),
    );
  });
});

describe('searched text', () => {
  it('is matched as it stands', () => {
    expect(likePattern('50%_a\\b')).toBe('%50\\%\\_a\\\\b%');
  });

  it('matches nothing where no column could hold it', () => {
    expect(likePattern('a\0')).toBeNull();
    expect(likePattern('\udc00')).toBeNull();
    expect(storable(['a', '\0', '\ud83d\ude00', '\ud83d', ''])).toEqual(['a', '\ud83d\ude00', '']);
  });
});

describe('conditions on artifacts', () => {
  function conditionsOf(filters: Parameters<typeof artifactConditions>[1]): Conditions {
    const conditions = new Conditions();
    artifactConditions(conditions, filters);
    return conditions;
  }

  it('are none without a filter', () => {
    expect(`${conditionsOf({})}`).toBe('');
  });

  it('take digits for an id, and names of images in any form', () => {
    const { values } = conditionsOf({
      artifact: ['17', 'index.docker.io/library/nginx', '9'.repeat(30), '/srv/app'],
    });
    expect(values).toEqual([
      [17],
      ['index.docker.io/library/nginx', '/srv/app'],
      ['nginx:latest', '/srv/app:latest'],
    ]);
  });

  it('never put a value into the statement', () => {
    const hostile = "x' OR true --";
    const conditions = conditionsOf({
      artifact: [hostile],
      repository: [hostile],
      type: [hostile],
      cluster: [hostile],
      namespace: [hostile],
      label: [`${hostile}=${hostile}`],
    });
    expect(`${conditions}`).not.toContain('OR true');
    const used = `${conditions}`.match(/\$\d+/g) ?? [];
    expect(new Set(used).size).toBe(conditions.values.length);
  });
});

describe('words and numbers', () => {
  it('of kinds are bits', () => {
    expect(kindBits(['vulnerability', 'license'])).toBe(9);
    expect(kindBits(['secret', 'secret'])).toBe(4);
    expect(kindsOf(6)).toEqual(['misconfiguration', 'secret']);
    expect(kindsOf(0)).toEqual([]);
  });

  it('of severities rise to critical', () => {
    expect(severityLevels(['CRITICAL', 'UNKNOWN'])).toEqual([4, 0]);
    expect(hasSeverity('scan', ['HIGH', 'LOW'])).toBe('(scan.low > 0 OR scan.high > 0)');
    expect(hasSeverity('scan', [])).toBe('false');
    expect(hasSeverity('scan', ['x > 0 OR true' as 'LOW'])).toBe('false');
  });
});

describe('a selection', () => {
  it('is the query without paging and presentation', () => {
    const paging = { limit: 5, cursor: 'x', sort: 'name', order: 'asc', format: 'csv' };
    expect(selection({ q: 'a', type: ['image'], ...paging })).toEqual({ q: 'a', type: ['image'] });
  });
});
