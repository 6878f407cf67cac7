// Reports to be stored, invented: images on common bases, scanned again and again, and documents of any size.
import { gzipSync } from 'node:zlib';
import { words } from './reports.mjs';

const SEVERITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
/** Yesterday, so that a report is part of the trend; a thousand rounds, a minute each, end before now. */
const FIRST_ROUND_MS = Date.now() - 86_400_000;

/**
 * A scan of an image: of a base that it shares with others, and of its own.
 * @param {object} options
 * @param {string} options.name of the image
 * @param {number} options.findings
 * @param {number} [options.base] equal bases have the same findings
 * @param {number} [options.round] of each round 2 % of the findings are new and 2 % gone
 * @param {number} [options.own] how many of the findings are of nothing but this image, of 1
 * @returns {Buffer} gzip of the document
 */
export function scan({ name, findings, base = 0, round = 0, own = 0.1 }) {
  const churn = Math.ceil(findings * 0.02) * round;
  const shared = Math.round(findings * (1 - own));
  const seed = hash(name);
  const numbers = Array.from({ length: findings }, (_, index) =>
    index < shared ? base * 100_000 + churn + index : 50_000_000 + (seed % 1_000_000) * 1_000 + churn + index,
  );
  return gzipSync(
    JSON.stringify(
      document(
        name,
        round,
        numbers.map((number) => vulnerability(number)),
      ),
    ),
  );
}

/**
 * A document of so many bytes, piece by piece.
 * @param {'findings' | 'packages'} kind many findings, four of each vulnerability; or few findings and many packages
 * @returns {Generator<string>}
 */
export function* large(kind, bytes) {
  const [head, tail] = JSON.stringify(document(`large/${kind}:1`, 0, [])).split('"Vulnerabilities":[]');
  yield head;
  let length = 0;
  const list = function* (entryOf, until) {
    for (let index = 0; length < until; index++) {
      const text = `${index === 0 ? '' : ','}${JSON.stringify(entryOf(index))}`;
      length += text.length;
      yield text;
    }
  };
  if (kind === 'packages') {
    yield '"Packages":[';
    yield* list(packageOf, bytes - 200_000);
    yield '],';
  }
  const distinct = Math.ceil(bytes / 2_100 / 4);
  yield '"Vulnerabilities":[';
  yield* list((index) => vulnerability((index * 7) % distinct, index), bytes);
  yield `]${tail}`;
}

function document(name, round, Vulnerabilities) {
  return {
    SchemaVersion: 2,
    CreatedAt: new Date(FIRST_ROUND_MS + round * 60_000).toISOString(),
    ArtifactName: name,
    ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '12.9' }, RepoTags: [name], Reference: name },
    Results: [{ Target: `${name} (debian 12.9)`, Class: 'os-pkgs', Type: 'debian', Vulnerabilities }],
  };
}

/** About 2 KB, as a vulnerability takes in an ordinary report. */
function vulnerability(number, place = number) {
  const name = words(place >> 3, 2).replaceAll(' ', '-');
  const version = `1.${place % 7}.${number % 13}`;
  const vector = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
  return {
    VulnerabilityID: `CVE-2025-${100_000 + number}`,
    PkgID: `${name}@${version}`,
    PkgName: name,
    PkgIdentifier: { PURL: `pkg:deb/debian/${name}@${version}?arch=amd64`, UID: 'abcdef0123456789' },
    InstalledVersion: version,
    ...(number % 2 ? { FixedVersion: `${version}.1`, Status: 'fixed' } : { Status: 'affected' }),
    Layer: { Digest: `sha256:${'a1'.repeat(32)}`, DiffID: `sha256:${'b2'.repeat(32)}` },
    SeveritySource: 'nvd',
    PrimaryURL: `https://avd.example.org/nvd/cve-2025-${100_000 + number}`,
    DataSource: {
      ID: 'debian',
      Name: 'Debian Security Tracker',
      URL: 'https://security.example.org/tracker',
    },
    Title: words(number + 3, 8),
    Description: words(number + 5, 60),
    Severity: SEVERITIES[number % SEVERITIES.length],
    CweIDs: ['CWE-79'],
    VendorSeverity: { nvd: 3, redhat: 2 },
    CVSS: { nvd: { V3Vector: vector, V3Score: 9.8 }, redhat: { V3Vector: vector, V3Score: 7.1 } },
    References: Array.from({ length: 10 }, (_, index) => {
      const path = words(number * 13 + index, 4).replaceAll(' ', '/');
      return `https://example.org/${path}`;
    }),
    PublishedDate: '2025-01-02T03:04:05Z',
    LastModifiedDate: '2025-02-03T04:05:06Z',
  };
}

function packageOf(number) {
  const name = words(number, 2).replaceAll(' ', '-');
  return {
    ID: `${name}@1.2.${number}`,
    Name: name,
    Identifier: { PURL: `pkg:deb/debian/${name}@1.2.${number}` },
    Version: `1.2.${number}`,
    Licenses: ['MIT'],
    Layer: { Digest: `sha256:${'a1'.repeat(32)}` },
    InstalledFiles: Array.from({ length: 30 }, (_, index) => {
      return `/usr/lib/${words(number * 31 + index, 3).replaceAll(' ', '/')}`;
    }),
  };
}

/** FNV-1a. */
function hash(text) {
  let value = 2_166_136_261;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 16_777_619) >>> 0;
  return value;
}
