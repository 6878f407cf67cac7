import { type ComponentType, lazy } from 'react';

/**
 * A part that is fetched beside the view which shows it, not after: its file is on the way while the view still waits
 * for its answers.
 */
export function early<Name extends string, Props>(
  name: Name,
  load: () => Promise<Record<Name, ComponentType<Props>>>,
) {
  const part = load();
  // Told where it is shown.
  part.catch(() => {});
  return lazy(async () => ({ default: (await part)[name] }));
}
