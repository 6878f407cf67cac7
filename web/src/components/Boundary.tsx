import { Component, type ReactNode } from 'react';
import { reload } from '../api.ts';
import { Page } from './Page.tsx';
import { Failure } from './States.tsx';

/** Keeps what surrounds it when a view cannot be shown, and says why. Another `key` is another try. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <Page title="This view cannot be shown">
        <Failure error={error} retry={reload} />
      </Page>
    );
  }
}
