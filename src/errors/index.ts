/** The errors that users meet, one family. */
export { ArgumentError } from './argument.ts';
export { EmuError, type ErrorDetails } from './base.ts';
export { ERROR_CODES, type ErrorCode } from './codes.ts';
export { ERRNO, type Errno, errnoName } from './errno.ts';
export { BpfError, KernelError, NotModelledError, type Oops } from './kernel.ts';
