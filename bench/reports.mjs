// Reports in Trivy's format, invented, that make answers of about 2, 50 and 500 KB.

const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];

/** The same request, of three sizes: findings of an ordinary image, and of one whose places and titles are long. */
export const BODIES = {
  '2 KB': '/api/findings?artifact=shop%2Fapi%3A1.0&limit=4',
  '50 KB': '/api/findings?artifact=shop%2Fapi%3A1.0&limit=100',
  '500 KB': '/api/findings?artifact=shop%2Flegacy%3A1.0&limit=200',
};

/** @returns {object[]} documents to be sent */
export function reports() {
  return [report('shop/api:1.0', 400, 1), report('shop/legacy:1.0', 400, 30)];
}

/** @param {number} length how many times longer than usual its texts are */
function report(name, findings, length) {
  const family = name.length * 10_000;
  return {
    SchemaVersion: 2,
    CreatedAt: '2026-01-05T08:00:00Z',
    ArtifactName: name,
    ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '12.9' }, RepoTags: [name], Reference: name },
    Results: [
      {
        Target: 'Java',
        Class: 'lang-pkgs',
        Type: 'jar',
        Vulnerabilities: Array.from({ length: findings }, (_, index) => finding(family + index, length)),
      },
    ],
  };
}

function finding(number, length) {
  const name = `org.example:${words(number, 2).replaceAll(' ', '-')}`;
  const version = `${number % 7}.${number % 13}.${number % 29}`;
  return {
    VulnerabilityID: `CVE-2025-${number}`,
    PkgName: name,
    PkgPath: `app/lib/${words(number, Math.min(90, 4 * length)).replaceAll(' ', '/')}.jar`,
    PkgIdentifier: { PURL: `pkg:maven/${name.replace(':', '/')}@${version}` },
    InstalledVersion: version,
    FixedVersion: `${version}.1`,
    Status: 'fixed',
    PrimaryURL: `https://avd.example.org/nvd/cve-2025-${number}`,
    Title: words(number * 31, 8 * length),
    Severity: SEVERITIES[number % SEVERITIES.length],
    CVSS: { nvd: { V3Score: 5 + (number % 50) / 10 } },
  };
}

const SYLLABLES = ['cor', 'ta', 'lin', 'me', 'ser', 'vo', 'pa', 'den', 'qui', 'ra', 'bo', 'nex', 'fi', 'gul'];

/** Words that look like text and compress like it: drawn from a small generator with this seed. */
export function words(seed, count) {
  let state = (seed * 2_654_435_761) % 4_294_967_296;
  const next = (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * below);
  };
  const word = () => Array.from({ length: 2 + next(3) }, () => SYLLABLES[next(SYLLABLES.length)]).join('');
  return Array.from({ length: count }, word).join(' ');
}
