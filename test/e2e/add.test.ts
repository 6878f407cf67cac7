import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BROWSER_ERROR, type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';

// In this order: from nothing received to a server that is gone.
describeInBrowser('Add results', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const report = JSON.stringify(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(1, 12)));
  const file = (name: string, content: string) => ({
    name,
    mimeType: 'application/json',
    buffer: Buffer.from(content),
  });

  it('takes report files, says what became of each, and shows the first arrival', async () => {
    const page = await dashboard.open('/add', { expected: BROWSER_ERROR });
    await page.getByText('Waiting for the first report…').waitFor();
    const sarif = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [] };
    await page
      .getByLabel('Report files')
      .setInputFiles([
        file('good.json', report),
        file('sarif.json', JSON.stringify(sarif)),
        file('broken.json', '{"Results": ['),
      ]);
    const files = page.getByRole('list', { name: 'Files' }).getByRole('listitem');
    await files.filter({ hasText: 'good.json' }).getByText('Stored').waitFor();
    await files.filter({ hasText: 'sarif.json' }).getByText(/SARIF/).first().waitFor();
    await files
      .filter({ hasText: 'broken.json' })
      .getByText(/^Refused/)
      .waitFor();
    await page.getByText('Waiting for the first report…').waitFor({ state: 'detached' });
    await page.getByRole('textbox', { name: 'Or paste a report' }).fill(report);
    await page.getByRole('button', { name: 'Send' }).click();
    await files.filter({ hasText: 'Pasted report' }).getByText('Known already').waitFor();
    await files.filter({ hasText: 'good.json' }).getByRole('link', { name: 'nginx:1.25' }).click();
    await heading(page, 'Scan of nginx:1.25').waitFor();
  });

  it('has what to write into a pipeline, with its own address in it', async () => {
    const page = await dashboard.open('/add');
    for (const name of ['Trivy plugin', 'curl', 'GitHub Action', 'GitLab CI', 'Trivy Operator', 'Import']) {
      await page.getByRole('tab', { name }).click();
      await page.getByRole('tabpanel').getByText(dashboard.trivet.url).waitFor();
      await page.getByRole('button', { name: `Copy ${name}` }).waitFor();
    }
  });

  it('says that a file was not sent while Trivet cannot be reached', async () => {
    const page = await dashboard.open('/add', { expected: BROWSER_ERROR });
    await page.getByRole('link', { name: 'nginx:1.25' }).waitFor();
    await dashboard.trivet.stop();
    await page.getByLabel('Report files').setInputFiles([file('late.json', report)]);
    const late = page.getByRole('list', { name: 'Files' }).getByRole('listitem');
    await late.getByText('Refused: Trivet cannot be reached').waitFor();
  });
});
