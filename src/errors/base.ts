/** The family of errors: whatever a user can cause is one of these, and `instanceof EmuError` finds them all. */
import type { ErrorCode } from './codes.ts';

/** What an error says besides its message. */
export interface ErrorDetails {
  /** file, section, program, argument that it is about */
  readonly where?: string | undefined;
  /** what to do next, a sentence without its full stop */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base of all typed errors. `message` is one line that says what is wrong and where; `code` stays the same from
 * version to version (docs/errors.md lists all), `hint` says what to do next.
 */
export class EmuError extends Error {
  override readonly name: string = 'EmuError';
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }
}
