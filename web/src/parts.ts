import { type ComponentType, lazy } from 'react';
import { reach } from './api.ts';

type Load<Name extends string, Props> = () => Promise<Record<Name, ComponentType<Props>>>;

/** A part that is fetched when it is first shown. Where it does not come, the nearest `Boundary` says why. */
export function late<Name extends string, Props>(name: Name, load: Load<Name, Props>) {
  return lazy(async () => {
    const part = await load().catch(async (error) => {
      await reach();
      throw error;
    });
    return { default: part[name] };
  });
}

/**
 * A part that is fetched beside the view which shows it, not after: its file is on the way while the view still waits
 * for its answers.
 */
export function early<Name extends string, Props>(name: Name, load: Load<Name, Props>) {
  const part = load();
  // Told where it is shown.
  part.catch(() => {});
  return late(name, () => part);
}
