import { check, type Run } from './runs.ts';

// A process of its own, started by run.ts: a run comes in, its result goes out.
process.on('message', (run: Run) => process.send?.(check(run)));
