import type { ReactNode } from 'react';
import classes from './Toggles.module.css';

export interface Toggle {
  key: string;
  label: ReactNode;
  pressed: boolean;
  onPress: () => void;
}

/** Buttons of which some, or one, are pressed. */
export function Toggles({ label, toggles }: { label: string; toggles: readonly Toggle[] }) {
  return (
    <fieldset className={classes.toggles}>
      <legend>{label}</legend>
      {toggles.map((toggle) => (
        <button key={toggle.key} type="button" aria-pressed={toggle.pressed} onClick={toggle.onPress}>
          {toggle.label}
        </button>
      ))}
    </fieldset>
  );
}
