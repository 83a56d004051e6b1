import { EmuError, type ErrorDetails } from '../errors/index.ts';

/** A place, name or expression that a session has nothing for. */
export class DebugError extends EmuError {
  override readonly name = 'DebugError';
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_DEBUG', message, details);
  }
}

/** What is named is known, and there is no value at the moment: a key that is not in its map, memory that is not mapped. */
export class NoValue extends DebugError {}
