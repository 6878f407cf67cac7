import { useCallback, useRef, useState } from 'react';
import type { Problem, ScanSummary, StoredScans } from '../../src/schemas.ts';
import { addressOf, problemOf, unreachable } from './api.ts';
import { refreshAll } from './data.ts';

/** How many files are on their way at once. */
const PARALLEL = 2;
const TIMEOUT_MS = 5 * 60_000;

export type StoredItem = ScanSummary & { created?: boolean };

export type UploadState =
  | { phase: 'waiting' }
  | { phase: 'sending'; sent: number }
  | {
      phase: 'stored';
      created: boolean;
      scans: StoredItem[];
      skipped: StoredScans['skipped'];
      ignored?: string;
    }
  | { phase: 'refused'; problem: Problem };

export interface UploadedFile {
  key: number;
  file: File;
  state: UploadState;
}

/** Sends files as they are added, and tells how each fares. */
export function useUploads() {
  const [uploads, setUploads] = useState<readonly UploadedFile[]>([]);
  const queue = useRef<UploadedFile[]>([]);
  const running = useRef(0);
  const added = useRef(0);

  const work = useCallback(async () => {
    if (running.current >= PARALLEL) return;
    const next = queue.current.shift();
    if (!next) return;
    running.current += 1;
    const set = (state: UploadState) =>
      setUploads((all) => all.map((one) => (one.key === next.key ? { ...one, state } : one)));
    set(await sendReport(next.file, (sent) => set({ phase: 'sending', sent })));
    running.current -= 1;
    void refreshAll();
    void work();
  }, []);

  const add = useCallback(
    (files: File[]) => {
      const waiting = files.map((file): UploadedFile => {
        added.current += 1;
        return { key: added.current, file, state: { phase: 'waiting' } };
      });
      queue.current.push(...waiting);
      setUploads((all) => [...waiting, ...all]);
      for (let lane = 0; lane < PARALLEL; lane++) void work();
    },
    [work],
  );
  return { uploads, add };
}

/** With XMLHttpRequest, as fetch does not tell how much of a request is sent. @param onSent from 0 to 1 */
function sendReport(file: File, onSent: (sent: number) => void): Promise<UploadState> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', addressOf('/api/scan-results'));
    request.responseType = 'json';
    request.timeout = TIMEOUT_MS;
    request.setRequestHeader('content-type', 'application/json');
    if (file.name.endsWith('.gz')) request.setRequestHeader('content-encoding', 'gzip');
    request.upload.onprogress = ({ loaded, total }) => onSent(total > 0 ? loaded / total : 0);
    const refuse = (problem: Problem) => resolve({ phase: 'refused', problem });
    request.onload = () => {
      const { status, response } = request;
      if (status >= 200 && status < 300) resolve(stored(status === 201, response));
      else refuse(problemOf(status, response));
    };
    request.onerror = () => refuse(unreachable());
    request.ontimeout = () => refuse(unreachable());
    onSent(0);
    request.send(file);
  });
}

function stored(created: boolean, answer: StoredItem | StoredScans | { ignored: string }): UploadState {
  const common = { phase: 'stored', created } as const;
  if ('ignored' in answer) return { ...common, scans: [], skipped: [], ignored: answer.ignored };
  if ('items' in answer) return { ...common, scans: answer.items, skipped: answer.skipped };
  return { ...common, scans: [answer], skipped: [] };
}
