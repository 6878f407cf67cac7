import { Button, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { send } from '../api.ts';
import { queryClient } from '../data.ts';
import classes from './DeleteButton.module.css';
import { Icon } from './Icon.tsx';
import { Failure } from './States.tsx';

interface DeleteButtonProps {
  /** What it is: `scan`. */
  what: string;
  /** `/api/scan-results/17`. */
  path: string;
  /** The view that is shown when it is no more. */
  leadsTo: string;
  /** What goes with it, to be read before. */
  children: ReactNode;
}

/** Deletes something, after asking. */
export function DeleteButton({ what, path, leadsTo, children }: DeleteButtonProps) {
  const [asked, setAsked] = useState(false);
  const [, navigate] = useLocation();
  const deletion = useMutation({
    mutationFn: () => send('DELETE', path),
    onSuccess: () => {
      queryClient.clear();
      navigate(leadsTo);
    },
  });
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<Icon name="trash" size={14} />}
        onClick={() => setAsked(true)}
      >
        Delete {what}
      </Button>
      {/* The lock would write a style element, which the Content-Security-Policy forbids. */}
      <Modal
        opened={asked}
        onClose={() => setAsked(false)}
        title={`Delete this ${what}?`}
        lockScroll={false}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <div className={classes.text}>{children}</div>
        {deletion.error && <Failure error={deletion.error} retry={() => deletion.mutate()} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={() => setAsked(false)} data-autofocus>
            Cancel
          </Button>
          <Button color="var(--critical)" loading={deletion.isPending} onClick={() => deletion.mutate()}>
            Delete
          </Button>
        </div>
      </Modal>
    </>
  );
}
