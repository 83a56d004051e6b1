/** Errors of opening, relocating, loading and attaching: which object, which part of it, what to do. */

/** What is wrong with an object. */
export class ObjectError extends Error {
  override readonly name: string = 'ObjectError';
  readonly object: string;
  /** program, map, section or symbol that the problem is in */
  readonly part: string | undefined;

  constructor(object: string, part: string | undefined, message: string) {
    super(`${object}: ${part === undefined ? '' : `${part}: `}${message}`);
    this.object = object;
    this.part = part;
  }
}

/** Something that Linux has and this model does not, named. */
export class NotModelledError extends ObjectError {
  override readonly name = 'NotModelledError';
}
