import { EmuError } from '../errors/index.ts';

/** Debugging information that is damaged, or says something that is not known here. */
export class DwarfError extends EmuError {
  override readonly name = 'DwarfError';
  constructor(message: string) {
    super('ERR_DEBUG', `DWARF: ${message}`);
  }
}
