// Every list of the API, as the dashboard and scripts ask for it: sorts, filters, searches, pages.

/** Items of a page where nothing is said. */
const PAGE = 50;
const LARGEST_PAGE = 200;

/**
 * @param {(target: string) => Promise<object>} ask for an answer, to find out what there is to ask for
 * @returns {Promise<{name: string, target: string, grouped?: number}[]>} grouped: findings that an answer groups
 */
export async function questionsOf(ask) {
  const names = await namesOf(ask);
  const lists = [
    ['vulnerabilities', vulnerabilityFilters(names)],
    ['findings', findingFilters(names)],
    ['artifacts', artifactFilters(names)],
    ['repositories', artifactFilters(names).filter((filter) => !filter.startsWith('sort=severity'))],
    ['scan-results', scanFilters(names)],
  ];
  const questions = lists.flatMap(([list, filters]) =>
    ['', ...filters].map((filter) => question(`/api/${list}${filter && `?${filter}`}`)),
  );
  for (const [list, filters] of PAGED) {
    for (const filter of filters) questions.push(await hundredthPage(ask, list, filter));
  }
  for (const one of questions) one.grouped = await groupedFindings(ask, one.target);
  return [...questions, ...pages(names).map(question)];
}

const question = (target) => ({ name: decodeURIComponent(target.replace('/api', '')), target });

/** Of real data: frequent and rare, large and small. */
async function namesOf(ask) {
  const first = async (target) => (await ask(`${target}${target.includes('?') ? '&' : '?'}limit=1`)).items[0];
  const worst = await first('/api/artifacts?type=image');
  const scans = (await ask(`/api/scan-results?artifact=${worst.id}&limit=${LARGEST_PAGE}`)).items;
  const resource = await first('/api/artifacts?type=kubernetes');
  const frequent = await first('/api/vulnerabilities?sort=affectedArtifacts');
  const rare = await first('/api/vulnerabilities?sort=affectedArtifacts&order=asc');
  const day = (daysAgo) => new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10);
  return { worst, scans, resource, frequent, rare, weekAgo: day(7), monthAgo: day(30) };
}

/** Filters that choose artifacts. */
const chosen = ({ worst, resource, monthAgo }) => [
  'type=image',
  'type=kubernetes',
  `repository=${encodeURIComponent(worst.repository)}`,
  `label=${encodeURIComponent(`team=${worst.labels.team}`)}`,
  `label=${encodeURIComponent(`team=${worst.labels.team}`)}&label=env%3Dprod`,
  `cluster=${resource.cluster}`,
  `cluster=${resource.cluster}&namespace=${resource.namespace}`,
  `type=image&cluster=${resource.cluster}&since=${monthAgo}`,
];

const vulnerabilityFilters = (names) => [
  ...['cvss', 'affectedArtifacts', 'firstSeenAt', 'publishedAt', 'id'].map((sort) => `sort=${sort}`),
  'order=asc',
  ...findingProperties(names),
  ...chosen(names),
  'type=image&sort=affectedArtifacts',
  'type=image&severity=CRITICAL&fixable=true',
  'type=image&q=ssl',
  `artifact=${names.worst.id}`,
  `artifact=${names.worst.id}&q=ssl`,
];

const findingProperties = ({ frequent, rare, weekAgo }) => [
  'severity=CRITICAL',
  'severity=CRITICAL&severity=HIGH',
  'fixable=true',
  'status=will_not_fix',
  `package=${frequent.packages[0]}`,
  `package=${rare.packages[0]}`,
  `since=${weekAgo}`,
  `until=${weekAgo}`,
  'q=lib',
  'q=ssl',
  `q=${rare.id.toLowerCase()}`,
  'q=nothing-has-this-name',
  'severity=CRITICAL&fixable=true&q=xml',
  `severity=HIGH&status=fixed&since=${weekAgo}`,
];

const findingFilters = (names) => [
  ...['artifact', 'package', 'firstSeenAt'].flatMap((sort) => [`sort=${sort}`, `sort=${sort}&order=desc`]),
  'order=asc',
  ...findingProperties(names),
  ...chosen(names),
  `vulnerability=${names.frequent.id}`,
  `vulnerability=${names.rare.id}`,
  `vulnerability=${names.frequent.id}&sort=artifact`,
  `artifact=${names.worst.id}`,
  `artifact=${names.worst.id}&severity=CRITICAL&sort=package`,
  'q=ssl&sort=firstSeenAt',
  'q=ssl&sort=artifact&fixable=true',
  'type=kubernetes&sort=package',
  'type=sbom&severity=UNKNOWN&sort=firstSeenAt',
  'status=fix_deferred&sort=package&order=desc',
];

const artifactFilters = (names) => [
  ...['severity&order=asc', 'name', 'lastSeenAt'].map((sort) => `sort=${sort}`),
  ...chosen(names),
  `q=${encodeURIComponent(names.worst.labels.team)}`,
  'severity=CRITICAL',
  'kind=secret',
  'stale=true',
  'eosl=true&severity=CRITICAL',
];

const scanFilters = (names) => [
  ...['receivedAt', 'severity', 'artifact'].map((sort) => `sort=${sort}`),
  'order=asc',
  ...chosen(names),
  `artifact=${names.worst.id}`,
  `q=${encodeURIComponent(names.worst.labels.team)}`,
  'q=nothing-has-this-name',
  'severity=CRITICAL',
  'kind=misconfiguration',
  'latest=true',
  'latest=true&type=image&sort=severity',
  `since=${names.weekAgo}`,
  `until=${names.monthAgo}&sort=severity`,
];

/** Lists of which the hundredth page is asked for too (the last, where there are fewer). */
const PAGED = [
  ['vulnerabilities', ['', 'sort=affectedArtifacts', 'sort=id', 'type=image']],
  ['findings', ['', 'sort=package', 'severity=HIGH', 'q=ssl', 'type=image']],
  ['artifacts', ['']],
  ['repositories', ['']],
  ['scan-results', ['', 'sort=severity', 'latest=true']],
];

async function hundredthPage(ask, list, filter) {
  const target = `/api/${list}?${filter}${filter && '&'}`;
  let cursor;
  for (let left = 99 * PAGE; left > 0; left -= LARGEST_PAGE) {
    const limit = Math.min(left, LARGEST_PAGE);
    const { nextCursor } = await ask(`${target}limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  const name = `${target.replace('/api', '').replace(/[?&]$/, '')}, hundredth page`;
  return { name, target: cursor === undefined ? target.replace(/[?&]$/, '') : `${target}cursor=${cursor}` };
}

/** How many findings are grouped: those of the chosen artifacts, where vulnerabilities are counted among them. */
async function groupedFindings(ask, target) {
  const { pathname, searchParams } = new URL(target, 'http://localhost');
  const chooses = ['type', 'repository', 'label', 'cluster', 'namespace'].some((name) =>
    searchParams.has(name),
  );
  if (pathname !== '/api/vulnerabilities' || !chooses) return 0;
  const artifacts = new URLSearchParams();
  for (const [name, value] of searchParams) {
    if (['type', 'repository', 'label', 'cluster', 'namespace'].includes(name)) artifacts.append(name, value);
  }
  let sum = 0;
  let cursor = '';
  do {
    const page = await ask(
      `/api/artifacts?${artifacts}&stale=false&limit=${LARGEST_PAGE}${cursor && `&cursor=${cursor}`}`,
    );
    for (const { severityCounts } of page.items)
      sum += Object.values(severityCounts).reduce((a, b) => a + b, 0);
    cursor = page.nextCursor;
  } while (cursor);
  return sum;
}

/** Pages about one thing, the overview, and what is asked for beside them. */
function pages({ worst, scans, resource, frequent, rare }) {
  const scan = `/api/scan-results/${scans[0].id}`;
  const other = `/api/scan-results/${resource.latestScans.misconfiguration.id}`;
  return [
    '/api/summary',
    '/api/uploads',
    '/api/uploads?outcome=refused',
    '/metrics',
    `/api/vulnerabilities/${frequent.id}`,
    `/api/vulnerabilities/${rare.id}`,
    `/api/artifacts/${worst.id}`,
    `/api/artifacts/${resource.id}`,
    scan,
    ...['', '?sort=package', '?sort=id', '?severity=HIGH&fixable=true', '?q=ssl'].map(
      (query) => `${scan}/vulnerabilities${query}`,
    ),
    `${scan}/secrets`,
    `${other}/misconfigurations`,
    `${other}/misconfigurations?status=FAIL`,
    `${scan}/diff`,
    `${scan}/diff?change=new&change=gone`,
    `${scan}/diff?against=${scans.at(-1).id}`,
  ];
}
