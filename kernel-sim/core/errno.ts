/** Error numbers and the error that carries one: they lie on the ground, where every stage reads them. */
import { KernelError } from '../../src/errors/kernel.ts';

export { ERRNO, type Errno, errnoName } from '../../src/errors/errno.ts';
export { KernelError };

/** `BUG()`: the kernel's own code finds what cannot be, as after a program that was not verified has written to its memory. */
export class KernelBug extends KernelError {
  override readonly name = 'KernelBug';
  constructor(message: string) {
    super('EFAULT', message);
  }
}

/** What a {@link KernelBug} says of a walk over guest memory that goes round in circles. */
export const ENDLESS = 'a list in memory that was overwritten has no end';
