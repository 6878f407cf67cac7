import { Button, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { send } from '../api.ts';
import { queryClient } from '../data.ts';
import classes from './DeleteDialog.module.css';
import { Failure } from './States.tsx';

interface DeleteDialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What is deleted: `/api/scan-results/17`. */
  path: string;
  /** Leads away from what is no more. */
  onDeleted: () => void;
  children: ReactNode;
}

/** Asks before something is deleted, saying what goes. */
export function DeleteDialog({ opened, onClose, title, path, onDeleted, children }: DeleteDialogProps) {
  const deletion = useMutation({
    mutationFn: () => send('DELETE', path),
    onSuccess: () => {
      queryClient.clear();
      onDeleted();
    },
  });
  return (
    // The lock would write a style element, which the Content-Security-Policy forbids.
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      lockScroll={false}
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className={classes.text}>{children}</div>
      {deletion.error && <Failure error={deletion.error} retry={() => deletion.mutate()} />}
      <div className={classes.buttons}>
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="var(--critical)" loading={deletion.isPending} onClick={() => deletion.mutate()}>
          Delete
        </Button>
      </div>
    </Modal>
  );
}
