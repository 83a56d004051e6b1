/** The family of errors: whatever a user can cause is one of these, and `instanceof EmuError` finds them all. */
import { ERROR_CODES, type ErrorCode } from './codes.ts';

/** What an error says besides its message. */
export interface ErrorDetails {
  /** what it is about: a file, a program of an object, a command, an argument */
  readonly where?: string | undefined;
  /** what to do next, where more can be said than the code says */
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
  readonly hint: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.where = details.where;
    this.hint = details.hint ?? ERROR_CODES[code].hint;
  }
}
