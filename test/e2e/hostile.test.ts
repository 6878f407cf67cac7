import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  accessibilityProblems,
  type Dashboard,
  describeInBrowser,
  EXPECT_TIMEOUT_MS,
  settled,
  startDashboard,
} from './browser.ts';
import {
  clusterReport,
  daysAgo,
  imageReport,
  leakedSecret,
  misconfiguredDockerfile,
  vulnerabilities,
  vulnerability,
} from './reports.ts';

/** Runs where it is taken for markup, or its address for a link. */
const MARKUP = '<img src=x onerror="globalThis.executed = true"><script>globalThis.executed = true</script>';
const SCRIPT = 'javascript:globalThis.executed=true';
/** Written from right to left, turned around, of many code units each, and without a place to break. */
const STRANGE = `مرحبا \u202Eبالعالم\u202C 👩‍👩‍👧‍👦🏴‍☠️ ${'W'.repeat(90)}`;
const LONG_NAME = `registry.example.com/${'a-very-long-path/'.repeat(14)}application-with-a-name:1.0.0-rc1`;

/** As many as a document may have. */
const SCANS = 5_000;

describeInBrowser('an installation that is big and hostile', () => {
  let dashboard: Dashboard;
  let before: { id: number };
  let scan: { id: number; artifact: { id: number } };
  let strange: { id: number; artifact: { id: number } };

  beforeAll(async () => {
    dashboard = await startDashboard();
    const everywhere = vulnerability(9_000, {
      Title: `${MARKUP} ${STRANGE}`,
      Description: MARKUP.repeat(30),
    });
    await dashboard.send(clusterReport('one', SCANS, [everywhere]));
    await dashboard.send(clusterReport('two', SCANS, []));
    const found = [
      ...vulnerabilities(1, 2_998),
      vulnerability(9_000, { PrimaryURL: SCRIPT, References: [SCRIPT, `data:text/html,${MARKUP}`] }),
      vulnerability(9_001, {
        PkgName: MARKUP,
        Title: STRANGE,
        InstalledVersion: 'v'.repeat(300),
        FixedVersion: MARKUP,
      }),
    ];
    before = await dashboard.send(imageReport(LONG_NAME, daysAgo(9), found.slice(9)));
    scan = await dashboard.send(imageReport(LONG_NAME, daysAgo(1), found), '?label=team=%3Cb%3E');
    strange = await dashboard.send(
      imageReport('strange:1', daysAgo(2), found.slice(-2), hostileResults()),
      `?artifact=${encodeURIComponent(`${MARKUP}${STRANGE}`.padEnd(300, 'x'))}`,
    );
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('is shown without a complaint of axe, a word on the console, a script run or a page too wide, in both themes', async () => {
    const paths = [
      '/',
      '/vulnerabilities',
      '/vulnerabilities?show=findings&limit=200',
      '/vulnerabilities/CVE-2024-9000',
      '/vulnerabilities/CVE-2024-9001',
      '/artifacts',
      '/artifacts?show=artifacts&limit=100',
      `/artifacts/${scan.artifact.id}`,
      `/artifacts/${strange.artifact.id}?show=scans`,
      '/scans',
      '/scans?show=uploads',
      `/scans/${scan.id}`,
      `/scans/${strange.id}?show=misconfigurations`,
      `/scans/${strange.id}?show=secrets`,
      `/compare?base=${before.id}&head=${scan.id}`,
      '/add',
      '/cache',
    ];
    const page = await dashboard.open('/');
    const problems: string[] = [];
    for (const path of paths) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(dashboard.trivet.url + path);
      await settled(page);
      for (const width of [1440, 1060, 900, 390]) {
        await page.setViewportSize({ width, height: 900 });
        if (await isTooWide(page)) problems.push(`${path} is wider than ${width} px`);
        if (width !== 1440 && width !== 390) continue;
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          problems.push(...(await problemsOf(page, `${path} ${width} ${colorScheme}`)));
        }
      }
    }
    expect(problems).toEqual([]);
  });

  it('says how much there is', async () => {
    const page = await dashboard.open('/artifacts?show=artifacts');
    await page.getByText('10,000+ artifacts', { exact: true }).waitFor();
    await page.goto(`${dashboard.trivet.url}/vulnerabilities/CVE-2024-9000`);
    await page.getByRole('link', { name: '5,002 artifacts' }).first().click();
    await page.getByRole('search').getByText('5,002 artifacts', { exact: true }).waitFor();
    await page.goto(`${dashboard.trivet.url}/artifacts/${scan.artifact.id}`);
    await page.getByText('Showing 1–50 of 3,000').waitFor();
  });

  // Charts follow a new width a moment later.
  const isTooWide = async (page: Page) => {
    const tooWide = () => page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    const waited = expect.poll(tooWide, { timeout: EXPECT_TIMEOUT_MS }).toBe(false);
    return await waited.then(tooWide, () => true);
  };

  async function problemsOf(page: Page, place: string): Promise<string[]> {
    const found = await accessibilityProblems(page);
    if (await page.evaluate('globalThis.executed')) found.push('ran a script of a report');
    const foreign = await page.evaluate<string[]>(
      "[...document.querySelectorAll('[href], [src]')].map((one) => one.href ?? one.src).filter((url) => !/^https?:/.test(url))",
    );
    return [...found, ...foreign.map((url) => `links to ${url}`)].map((problem) => `${place}: ${problem}`);
  }
});

/** A misconfiguration and a secret of which every text is hostile. */
function hostileResults(): object[] {
  const text = `${MARKUP} ${STRANGE}`;
  const [misconfiguration] = misconfiguredDockerfile.Misconfigurations;
  const [secret] = leakedSecret.Secrets;
  const hostile = { Title: text, Message: text, Resolution: text, PrimaryURL: SCRIPT, References: [SCRIPT] };
  return [
    { ...misconfiguredDockerfile, Target: text, Misconfigurations: [{ ...misconfiguration, ...hostile }] },
    { ...leakedSecret, Target: text, Secrets: [{ ...secret, Title: text, Match: text }] },
  ];
}
