/**
 * One value that only grows, written by one writer at a time. Everything happens in this process, so that one clock
 * orders writes and reads exactly.
 */
export class Register {
  readonly name: string;
  /** The newest value whose write has begun. */
  invoked = 0;
  /** The newest value whose write was answered. */
  acknowledged = 0;

  constructor(name: string) {
    this.name = name;
  }
}

export interface Finding {
  kind: 'stale' | 'unwritten';
  register: string;
  what: string;
  found: number | null;
  needed: number;
  atMs: number;
}

/** Judges every read: it shows at least what was acknowledged when it began, and nothing that nobody wrote. */
export class History {
  reads = 0;
  failedReads = 0;
  readonly findings: Finding[] = [];
  readonly failures: string[] = [];
  readonly outcomes = { calm: { hits: 0, all: 0 }, faulty: { hits: 0, all: 0 } };

  /** @returns to be called with what the read showed (null: nothing there) */
  begin(register: Register, what: string): (found: number | null) => void {
    const needed = register.acknowledged;
    return (found) => {
      this.reads += 1;
      const finding = { register: register.name, what, found, needed, atMs: Math.round(performance.now()) };
      if ((found ?? 0) < needed) this.findings.push({ kind: 'stale', ...finding });
      else if ((found ?? 0) > register.invoked) this.findings.push({ kind: 'unwritten', ...finding });
    };
  }

  outcome(calm: boolean, cacheStatus: string): void {
    const counted = calm ? this.outcomes.calm : this.outcomes.faulty;
    counted.all += 1;
    if (cacheStatus.startsWith('trivet; hit')) counted.hits += 1;
  }

  failed(what: string): void {
    this.failedReads += 1;
    if (this.failures.length < 20) this.failures.push(what);
  }

  count(kind: Finding['kind']): number {
    return this.findings.filter((finding) => finding.kind === kind).length;
  }
}
