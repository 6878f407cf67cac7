import { Link } from 'wouter';
import { Page } from '../components/Page.tsx';
import { Empty } from '../components/States.tsx';

export function NotFound() {
  return (
    <Page title="There is no such page">
      <Empty title="This address leads nowhere">
        <span>
          Press <kbd>/</kbd> to search, or go to the <Link href="/">overview</Link>.
        </span>
      </Empty>
    </Page>
  );
}
