/** Repeats `work` with a pause between its ends and beginnings, so that it never overlaps itself. @returns stops it */
export function repeat(pauseMs: number, work: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const next = () => {
    if (stopped) return;
    timer = setTimeout(
      () =>
        void work()
          .catch(() => {})
          .then(next),
      pauseMs,
    );
    timer.unref();
  };
  next();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
