/** Error numbers and the error that carries one: they lie on the ground, where every stage reads them. */
import { ERRNO } from '../../src/errors/errno.ts';
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

/** What an action gives, as a system call returns it: -errno where it throws a {@link KernelError}. */
export function orErrno<R>(action: () => R): R | number {
  try {
    return action();
  } catch (error) {
    if (error instanceof KernelError) return -ERRNO[error.errno];
    throw error;
  }
}
/** 0 once it is done, or -errno. */
export const doneOrErrno = (action: () => void): number =>
  orErrno(() => {
    action();
    return 0;
  });
