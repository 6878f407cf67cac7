/** What a refusal says beside its code and sentence. */
export interface ReportErrorFacts {
  /** What the document looks like, where it is no Trivy report. */
  looksLike?: string;
  /** The limit that was passed. */
  maxBytes?: number;
  /** JSON pointer (RFC 6901) to the value that is wrong. */
  pointer?: string;
  /** Where the text is wrong: bytes from its start for `invalid_encoding`, else characters. */
  position?: number;
  retryAfterSeconds?: number;
}

export type ReportErrorCode =
  | 'artifact_name_required'
  | 'artifact_not_applicable'
  | 'document_too_large'
  | 'invalid_encoding'
  | 'invalid_gzip'
  | 'invalid_json'
  | 'invalid_report'
  | 'not_a_trivy_report'
  | 'too_deep'
  | 'too_many_findings'
  | 'too_many_scans'
  | 'unsupported_content_encoding'
  | 'unsupported_media_type'
  | 'upload_aborted'
  | 'upload_too_slow'
  | 'uploads_busy';

export type ReportErrorStatus = 400 | 408 | 413 | 415 | 422 | 429;

/** A refusal as data, as it crosses from a worker thread. */
export interface PlainReportError extends ReportErrorFacts {
  status: ReportErrorStatus;
  code: ReportErrorCode;
  detail: string;
}

/** An upload that is refused: the answer's status and code, and a sentence that says what is wrong and where. */
export class ReportError extends Error {
  readonly status: ReportErrorStatus;
  readonly code: ReportErrorCode;
  readonly facts: ReportErrorFacts;

  constructor(
    status: ReportErrorStatus,
    code: ReportErrorCode,
    detail: string,
    facts: ReportErrorFacts = {},
  ) {
    super(detail);
    this.name = 'ReportError';
    this.status = status;
    this.code = code;
    this.facts = facts;
  }

  get detail(): string {
    return this.message;
  }

  get looksLike(): string | undefined {
    return this.facts.looksLike;
  }

  get maxBytes(): number | undefined {
    return this.facts.maxBytes;
  }

  get pointer(): string | undefined {
    return this.facts.pointer;
  }

  get position(): number | undefined {
    return this.facts.position;
  }

  get retryAfterSeconds(): number | undefined {
    return this.facts.retryAfterSeconds;
  }

  /** As data that can be sent to another thread; `fromPlain` makes the error again there. */
  toPlain(): PlainReportError {
    return { status: this.status, code: this.code, detail: this.message, ...this.facts };
  }

  static fromPlain({ status, code, detail, ...facts }: PlainReportError): ReportError {
    return new ReportError(status, code, detail, facts);
  }
}
