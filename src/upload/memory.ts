/**
 * A budget that uploads in work share, of bytes or of threads. Who finds it used up waits in line, first come, first
 * served, for a limited time. Bytes are counted, not allocated: who reserves them keeps to them.
 */
import { ReportError } from '../trivy/problem.ts';

export interface Reservation {
  /** Reserves more, waiting like `reserve`. */
  grow(amount: number, signal?: AbortSignal): Promise<void>;
  /** Gives back all of it; it can grow again from nothing. */
  release(): void;
}

export interface Budget {
  /**
   * @param amount more than the whole budget counts as the whole budget, so that it can be had at all
   * @throws ReportError 429 `uploads_busy` after `waitMs`
   */
  reserve(amount: number, signal?: AbortSignal): Promise<Reservation>;
  readonly used: number;
  readonly waiting: number;
}

interface Waiter {
  amount: number;
  admit(): void;
}

export function createBudget(total: number, waitMs: number): Budget {
  const line: Waiter[] = [];
  let used = 0;

  function admitWaiting(): void {
    for (let first = line[0]; first !== undefined && used + first.amount <= total; first = line[0]) {
      line.shift();
      used += first.amount;
      first.admit();
    }
  }

  function take(amount: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (amount === 0 || (line.length === 0 && used + amount <= total)) {
      used += amount;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown) => {
        finish();
        line.splice(line.indexOf(waiter), 1);
        reject(reason);
        // Who stood behind may need less.
        admitWaiting();
      };
      const onAbort = () => leave(signal?.reason);
      const timer = setTimeout(() => leave(busy()), waitMs);
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        amount,
        admit() {
          finish();
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      line.push(waiter);
    });
  }

  return {
    get used() {
      return used;
    },
    get waiting() {
      return line.length;
    },
    async reserve(wanted, signal) {
      let held = Math.min(wanted, total);
      await take(held, signal);
      return {
        async grow(more, growSignal) {
          const amount = Math.min(more, total - held);
          await take(amount, growSignal);
          held += amount;
        },
        release() {
          used -= held;
          held = 0;
          admitWaiting();
        },
      };
    },
  };
}

function busy(): ReportError {
  const detail = 'Other uploads use all that uploads may use together; send it again later.';
  return new ReportError(429, 'uploads_busy', detail, { retryAfterSeconds: 5 });
}
