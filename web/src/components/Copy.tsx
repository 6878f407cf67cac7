import { CopyButton, UnstyledButton } from '@mantine/core';
import classes from './Copy.module.css';
import { Icon } from './Icon.tsx';

/** Puts `value` on the clipboard. @param what named for those who do not see the icon: `digest` */
export function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <UnstyledButton
          className={classes.copy}
          onClick={copy}
          title={`Copy ${what}`}
          aria-label={copied ? 'Copied' : `Copy ${what}`}
        >
          <Icon name={copied ? 'check' : 'copy'} size={14} />
        </UnstyledButton>
      )}
    </CopyButton>
  );
}
