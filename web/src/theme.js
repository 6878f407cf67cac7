// Runs before the page is drawn, so that the chosen theme never flashes in late. Plain JavaScript: it is not bundled.
(() => {
  let stored = null;
  try {
    stored = localStorage.getItem('mantine-color-scheme-value');
  } catch {
    // Storage is forbidden: the system decides.
  }
  const chosen = stored === 'light' || stored === 'dark' ? stored : null;
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.setAttribute('data-mantine-color-scheme', chosen ?? (dark ? 'dark' : 'light'));
})();
