import { Link, useLocation } from 'wouter';
import { Page } from '../components/Page.tsx';
import { Empty } from '../components/States.tsx';
import { toSearch } from '../url.ts';

export function NotFound() {
  const [path] = useLocation();
  const words = path.split('/').at(-1) ?? '';
  const search = toSearch({ q: [words] });
  return (
    <Page title="There is no such page">
      <Empty title="This address leads nowhere">
        <span>
          Press <kbd>/</kbd> to search, or go to the <Link href="/">overview</Link>.
        </span>
        {words.length >= 2 && (
          <span>
            Search for “{words}” among <Link href={`/vulnerabilities${search}`}>vulnerabilities</Link>,{' '}
            <Link href={`/artifacts${search}`}>artifacts</Link> or <Link href={`/scans${search}`}>scans</Link>
          </span>
        )}
      </Empty>
    </Page>
  );
}
