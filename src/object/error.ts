/** Errors of opening, relocating, loading and attaching: which object, which part of it, what to do. */
import { EmuError } from '../errors/index.ts';

/** What is wrong with an object. */
export class ObjectError extends EmuError {
  override readonly name = 'ObjectError';
  readonly object: string;
  /** program, map, section or symbol that the problem is in */
  readonly part: string | undefined;

  constructor(object: string, part: string | undefined, message: string) {
    const where = part === undefined ? object : `${object}: ${part}`;
    super('ERR_OBJECT', `${where}: ${message}`, { where });
    this.object = object;
    this.part = part;
  }
}
