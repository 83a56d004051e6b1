/** Errors of bpf(2). */
export { BpfError, NotModelledError } from '../../src/errors/kernel.ts';
