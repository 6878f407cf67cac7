// A Chromium for the tests of the dashboard.
import { readText, run, step, which } from './process.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Finds Chromium: CHROMIUM_PATH, else one on PATH, else, as root on Debian, the distribution's, installed now.
 * @param {{signal?: AbortSignal}} options
 * @returns {Promise<string | undefined>} its path
 */
export async function findChromium({ signal } = {}) {
  const found = process.env.CHROMIUM_PATH || firstOnPath();
  // Ubuntu's package of that name only points to a snap.
  const isDebian = /^ID=debian$/m.test(readText('/etc/os-release'));
  if (found || !isDebian || process.getuid?.() !== 0 || !which('apt-get')) return found;
  step('Installing Chromium for the browser tests (apt-get install chromium)');
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 300_000, signal };
  await run('apt-get', ['-q', 'update'], options);
  const { status, output } = await run(
    'apt-get',
    ['-qy', 'install', '--no-install-recommends', 'chromium'],
    options,
  );
  if (status !== 0) step(`Chromium could not be installed: ${output.trim().split('\n').at(-1)}`);
  return firstOnPath();
}

function firstOnPath() {
  return names.map(which).find(Boolean);
}
