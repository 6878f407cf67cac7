import { describe, expect, it } from 'vitest';
import { readFreshness } from '../../web/src/freshness.ts';
import { scansParameters, vulnerabilitiesParameters } from '../../web/src/parameters.ts';
import { apiPath, changeQuery, filtersOf, readQuery, toSearch } from '../../web/src/url.ts';

describe('the address of a view', () => {
  it('is the question to the API, and comes back as it went', () => {
    const search = '?severity=CRITICAL&severity=HIGH&fixable=true&label=team%3Dpayments&q=open+ssl';
    const { query, dropped } = readQuery(search, vulnerabilitiesParameters);
    expect(dropped).toEqual([]);
    expect(query).toEqual({
      severity: ['CRITICAL', 'HIGH'],
      fixable: ['true'],
      label: ['team=payments'],
      q: ['open ssl'],
    });
    expect(toSearch(query)).toBe(search);
  });

  it('loses what the list does not know, and values that mean nothing', () => {
    const { query, dropped } = readQuery(
      '?severity=critical&fixable=yes&q=a&limit=0&kind=secret&sort=size&type=image',
      vulnerabilitiesParameters,
    );
    expect(query).toEqual({ severity: ['CRITICAL'], type: ['image'] });
    expect(dropped).toEqual(['fixable', 'q', 'limit', 'kind', 'sort']);
    expect(readQuery('?kind=secret', scansParameters).query).toEqual({ kind: ['secret'] });
  });

  it("keeps the dashboard's own parameters out of the question", () => {
    const { query } = readQuery('?show=findings&severity=LOW', vulnerabilitiesParameters);
    expect(apiPath('/api/findings', query)).toBe('/api/findings?severity=LOW');
    expect(apiPath('/api/findings', query, { severity: [], artifact: ['7'] })).toBe(
      '/api/findings?artifact=7',
    );
    expect(filtersOf({ ...query, sort: ['id'], cursor: ['x'] })).toEqual({ severity: ['LOW'] });
  });

  it('starts at the first page again when anything but the page changes', () => {
    const query = { cursor: ['abc'], severity: ['HIGH'] };
    expect(changeQuery(query, { severity: [] })).toEqual({});
    expect(changeQuery(query, { sort: ['id'] })).toEqual({ severity: ['HIGH'], sort: ['id'] });
    expect(changeQuery(query, { cursor: ['def'] })).toEqual({ severity: ['HIGH'], cursor: ['def'] });
  });
});

describe('Cache-Status', () => {
  it.each([
    ['trivet; hit; ttl=287', { source: 'cache', ttlSeconds: 287, detail: null }],
    ['trivet; hit; ttl=12; detail=local', { source: 'cache', ttlSeconds: 12, detail: 'local' }],
    ['trivet; fwd=miss; stored', { source: 'database', ttlSeconds: null, detail: null }],
    ['trivet; fwd=miss; collapsed', { source: 'database', ttlSeconds: null, detail: 'collapsed' }],
    [
      'trivet; fwd=bypass; detail=redis-unreachable',
      { source: 'bypass', ttlSeconds: null, detail: 'redis-unreachable' },
    ],
    [null, null],
  ])('%s', (header, expected) => {
    expect(readFreshness(header)).toEqual(expected);
  });
});
