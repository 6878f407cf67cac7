/** The artifacts of the sample reports, as a small shop would have them. */
import type { PackageType } from './contents.ts';

/** What is scanned again and again. */
export interface Sample {
  type: 'image' | 'repository' | 'filesystem' | 'sbom' | 'vm';
  name: string;
  /** When it was scanned, in days before today, oldest first. */
  scannedDaysAgo: [number, number, number];
  labels: Record<string, string>;
  os?: { Family: string; Name: string; EOSL?: true };
  contents: PackageType[];
  /** Of each package, the version that the oldest scan finds at least: 0 is the oldest. */
  oldestVersion: 0 | 1 | 2;
  /** Nobody builds it again: its packages stay as they are. */
  isAbandoned?: true;
  /** What else its scans look for. */
  alsoFinds: ('dockerfile' | 'terraform' | 'secret' | 'license' | 'suppressed')[];
  /** Workloads of the cluster that run it: then the operator reports it. */
  workloads?: { namespace: string; kind: string; name: string; container: string }[];
}

const registry = 'registry.example.com';
const bookworm = { Family: 'debian', Name: '12.7' };
const alpine = { Family: 'alpine', Name: '3.20.3' };
const shop = { team: 'shop', env: 'prod' };

export const SAMPLES: Sample[] = [
  {
    type: 'image',
    name: `${registry}/shop/api:2.4`,
    scannedDaysAgo: [23, 9, 1],
    labels: shop,
    os: bookworm,
    contents: ['debian', 'node-pkg'],
    oldestVersion: 1,
    alsoFinds: ['secret', 'license', 'suppressed'],
  },
  {
    type: 'image',
    name: `${registry}/shop/api:2.3`,
    scannedDaysAgo: [36, 24, 10],
    labels: { team: 'shop', env: 'staging' },
    os: bookworm,
    contents: ['debian', 'node-pkg'],
    oldestVersion: 0,
    alsoFinds: ['secret', 'license'],
  },
  {
    type: 'image',
    name: `${registry}/shop/web:1.9`,
    scannedDaysAgo: [25, 11, 2],
    labels: shop,
    os: alpine,
    contents: ['alpine', 'node-pkg'],
    oldestVersion: 1,
    alsoFinds: ['secret'],
  },
  {
    type: 'image',
    name: `${registry}/shop/web:1.8`,
    scannedDaysAgo: [34, 26, 13],
    labels: { team: 'shop', env: 'staging' },
    os: alpine,
    contents: ['alpine', 'node-pkg'],
    oldestVersion: 0,
    alsoFinds: ['secret'],
  },
  {
    type: 'image',
    name: `${registry}/billing/worker:5.2`,
    scannedDaysAgo: [33, 12, 3],
    labels: { team: 'billing', env: 'prod' },
    os: bookworm,
    contents: ['debian', 'python-pkg'],
    oldestVersion: 1,
    alsoFinds: ['secret', 'suppressed'],
  },
  {
    type: 'image',
    name: `${registry}/billing/ledger:2021.3`,
    scannedDaysAgo: [35, 15, 1],
    labels: { team: 'billing', env: 'prod' },
    os: { Family: 'debian', Name: '10.13', EOSL: true },
    contents: ['debian', 'jar', 'python-pkg'],
    oldestVersion: 0,
    isAbandoned: true,
    alsoFinds: ['secret'],
  },
  {
    type: 'image',
    name: `${registry}/shop/search:3.1`,
    scannedDaysAgo: [22, 8, 1],
    labels: shop,
    os: alpine,
    contents: ['alpine', 'gobinary'],
    oldestVersion: 1,
    alsoFinds: [],
    workloads: [
      { namespace: 'shop', kind: 'ReplicaSet', name: 'search-6c9f7d5b48', container: 'search' },
      { namespace: 'shop', kind: 'CronJob', name: 'reindex', container: 'reindex' },
    ],
  },
  {
    type: 'repository',
    name: 'https://git.example.com/shop/api',
    scannedDaysAgo: [28, 7, 1],
    labels: { team: 'shop' },
    contents: ['npm', 'gomod'],
    oldestVersion: 1,
    alsoFinds: ['dockerfile', 'secret', 'license', 'suppressed'],
  },
  {
    type: 'repository',
    name: 'https://git.example.com/platform/infrastructure',
    scannedDaysAgo: [27, 14, 4],
    labels: { team: 'platform' },
    contents: ['pip'],
    oldestVersion: 2,
    alsoFinds: ['terraform', 'dockerfile', 'secret'],
  },
  {
    type: 'filesystem',
    name: '/srv/ci-agent',
    scannedDaysAgo: [24, 10, 2],
    labels: { team: 'platform', env: 'ci' },
    contents: ['pip', 'gobinary'],
    oldestVersion: 0,
    alsoFinds: ['secret', 'dockerfile'],
  },
  {
    type: 'sbom',
    name: 'mobile-backend.cdx.json',
    scannedDaysAgo: [21, 10, 1],
    labels: { team: 'mobile', env: 'prod' },
    contents: ['jar'],
    oldestVersion: 1,
    alsoFinds: ['license'],
  },
  {
    type: 'vm',
    name: 'golden-ubuntu-24.04.vmdk',
    scannedDaysAgo: [29, 16, 2],
    labels: { team: 'platform', env: 'prod' },
    os: { Family: 'ubuntu', Name: '24.04' },
    contents: ['ubuntu'],
    oldestVersion: 1,
    alsoFinds: ['secret', 'suppressed'],
  },
];

export const CLUSTER = 'prod-eu';

/**
 * What is deployed in the cluster; of one its image too, a sample. Reports of `trivy k8s` have no date, so that all
 * their vulnerabilities count from today on: those of every image would make the trend jump.
 */
export const RESOURCES: { namespace: string; kind: string; name: string; image?: string }[] = [
  { namespace: 'shop', kind: 'Deployment', name: 'api' },
  { namespace: 'shop', kind: 'Deployment', name: 'web', image: `${registry}/shop/web:1.9` },
  { namespace: 'billing', kind: 'StatefulSet', name: 'worker' },
  { namespace: 'monitoring', kind: 'DaemonSet', name: 'node-agent' },
];

/** When the operator audited their configuration, in days before today. */
export const AUDITED_DAYS_AGO = [24, 8];
