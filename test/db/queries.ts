import fc from 'fast-check';
import { CLUSTERS, LABELS, MOMENTS, NAMESPACES, REPOSITORIES, TYPES } from './inventory.ts';

/** Values that are in no row, and that a query made of text would stumble over. */
export const HOSTILE = [
  "'; DROP TABLE scan; --",
  '%',
  '_',
  '\\',
  '\0',
  'a\0b',
  '\ud800',
  '$1',
  '?',
  'x'.repeat(10_000),
];

function several<T>(values: readonly T[]) {
  return fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
}

const NAMES = REPOSITORIES.flatMap((name) => [`docker.io/${name}:1.25`, `${name}:V2`, name, `${name}/3`]);
const TIMES = [
  ...MOMENTS,
  '2026-01-31',
  '2026-02-01',
  '2026-01-31T13:00:00+01:00',
  '2026-01-31t12:00:00.123z',
];

/** The filters that lists of artifacts and lists of scans share. */
export const SHARED_FILTERS = {
  artifact: several([...NAMES, '1', '7', '12', '99999999999999999999', ...HOSTILE]),
  repository: several([...REPOSITORIES, ...HOSTILE]),
  type: several(TYPES),
  cluster: several([...CLUSTERS, ...HOSTILE]),
  namespace: several([...NAMESPACES, ...HOSTILE]),
  label: several([...LABELS, 'team=', 'nobody=x', ...HOSTILE.map((text) => `team=${text}`), 'a\0=b']),
  q: fc.constantFrom('APP', 'app', 'ng', "'b", '0%', '%_', 'a\\', 'é', 'É', '.25', ...HOSTILE),
  severity: several(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const),
  kind: several(['vulnerability', 'misconfiguration', 'secret', 'license'] as const),
  since: fc.constantFrom(...TIMES),
  until: fc.constantFrom(...TIMES),
  order: fc.constantFrom('asc' as const, 'desc' as const),
};

/** Any one to four of these filters with an order and a page of a few rows, or all at once now and then. */
export function queries<Filters extends Record<string, fc.Arbitrary<unknown>>>(filters: Filters) {
  const { sort, order, ...others } = filters;
  const names = Object.keys(others);
  const chosen = fc.oneof(
    { weight: 9, arbitrary: fc.subarray(names, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constant(names) },
  );
  return fc
    .tuple(
      fc.record(filters, { noNullPrototype: true }),
      chosen,
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 3, max: 60 }),
    )
    .map(([values, keep, sorted, ordered, limit]) => {
      const kept = [...keep, ...(sorted ? ['sort'] : []), ...(ordered ? ['order'] : [])];
      const entries = Object.entries(values).filter(([name]) => kept.includes(name));
      type Query = {
        [Name in keyof Filters]?: Filters[Name] extends fc.Arbitrary<infer Value> ? Value : never;
      };
      return { ...(Object.fromEntries(entries) as Query), limit };
    });
}
