import type { Session } from './session.ts';

/**
 * Waits for an answer of Redis, but never longer than the deadline.
 *
 * A deadline that passes because this process was busy is not Redis's fault: timers run before the socket is read,
 * so the socket is read once more before judging. Otherwise one busy second turns into bypass, load, and the next
 * busy second.
 * @returns null when it came too late or failed
 */
export function waitAtMost<T>(
  deadlineMs: number,
  session: Session,
  answer: Promise<T | null>,
): Promise<T | null> {
  return new Promise((resolve) => {
    let answered = false;
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (answered) return;
        session.missedDeadline();
        resolve(null);
      });
    }, deadlineMs);
    const settle = (value: T | null) => {
      answered = true;
      clearTimeout(timer);
      resolve(value);
    };
    answer.then(settle, () => settle(null));
  });
}
