/** The door for processes of the host: `exec` runs a command in front of the model's kernel, `join` one more. */
export { HostError } from './errors.ts';
export { type ExecKernel, type ExecOptions, exec, join } from './exec.ts';
export { modelOf } from './kernel-model.ts';
