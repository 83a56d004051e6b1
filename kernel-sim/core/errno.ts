/** Error numbers and the error that carries one: they lie on the ground, where every stage reads them. */
export { ERRNO, type Errno, errnoName } from '../../src/errors/errno.ts';
export { KernelError } from '../../src/errors/kernel.ts';
