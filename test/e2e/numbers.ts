import type { Page } from 'playwright-core';

/** A number that a view shows, and where it leads. */
export interface ShownNumber {
  /** The words that it stands in. */
  text: string;
  /** One, or two: of what is new and what is gone. */
  counts: number[];
  /** Null where it is no link. */
  href: string | null;
}

/**
 * Where numbers do not count things of which there is a list: moments, codes, scores, the axes of charts and the days
 * that are over; a list's own total, also above a part that opens, and its pages; and what a report writes: names, titles, versions. Buttons and tabs
 * are pressed in tests of their own.
 */
const NO_COUNTS = [
  'time, code, pre, kbd, h1, output, footer, button, [role=tab], figure td, figure [role=img], summary',
  '[data-label=CVSS], [data-label=Lines], [data-label=Confidence], [data-label=Size]',
  '[data-fit]:not([data-label=Others], [data-label=Packages]), [aria-label=Fixes] li > span',
].join(', ');

/** Links that are called by a name, a moment or an id. */
const NAMES = [
  '[target], [download], h1 a, [data-fit=name] a, [data-label=Packages] a, :has(time)',
  ...['artifacts', 'scans', 'vulnerabilities'].map((view) => `[href^="/${view}/"]:not([href*="?"])`),
].join(', ');

/** A count by itself or before its noun: `18`, `2 secrets`, `(3 stale)`. */
const COUNT = /^[(\s]*[+−]?\d[\d,]*(?![\w.:/-])/;
/** A number that is no part of an id or a version. */
const NUMBER = /(?<![\w.:/-])\d[\d,]*(?![\w.:/-])/g;
/** How much there was more or less a week ago is no number of things. */
const DIFFERENCE = / in 7 days$/;

/** All counts of the page, as links or as plain text. Noughts lead nowhere, and a link to one thing is its name. */
export async function numbersOf(page: Page): Promise<ShownNumber[]> {
  const all = (await page.evaluate(`[...document.querySelectorAll('main *')].flatMap((one) => {
    const link = one.matches('a[href]');
    if (link ? one.matches(${JSON.stringify(NAMES)}) : one.closest(${JSON.stringify(`a[href], ${NO_COUNTS}`)})) return [];
    const nodes = link ? [one] : [...one.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
    return { text: nodes.map(({ textContent }) => textContent).join(''), href: one.getAttribute('href') };
  })`)) as Omit<ShownNumber, 'counts'>[];
  return all
    .filter(({ text, href }) => href !== null || (COUNT.test(text) && !DIFFERENCE.test(text)))
    .flatMap(({ text, href }) => {
      const counts = (text.match(NUMBER) ?? []).map((digits) => Number(digits.replaceAll(',', '')));
      return counts.some((count) => count > 0) ? [{ text, counts, href }] : [];
    });
}

/** How many the lists of a page say they have; of a comparison, the part that is asked for, or what is new and gone. */
export async function totalsOf(page: Page): Promise<number[]> {
  const { pathname, searchParams } = new URL(page.url());
  const numberIn = (text: string | null) =>
    Number(/\d[\d,]*/.exec(text ?? '')?.[0].replaceAll(',', '') ?? Number.NaN);
  if (pathname === '/compare') {
    const headings = page.locator('summary h2 small');
    await headings.first().waitFor();
    const totals = (await headings.allTextContents()).map(numberIn);
    const asked = ['new', 'gone', 'same'].indexOf(searchParams.get('show') ?? '');
    return asked < 0 ? totals.slice(0, 2) : totals.slice(asked, asked + 1);
  }
  if (searchParams.get('show') === 'workloads') {
    const rows = page.getByRole('table', { name: 'Workloads' }).locator('td:first-child');
    await rows.first().waitFor();
    return [await rows.count()];
  }
  const totals = page.locator('search output').filter({ hasText: /\d/ });
  await totals.first().waitFor();
  return (await totals.allTextContents()).map(numberIn);
}
