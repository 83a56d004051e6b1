/** The user-space interface of BPF as tables: include/uapi/linux/bpf.h of Linux 6.12. */
export * from './attach.ts';
export * from './command.ts';
export { type EnumConstants, UnknownNameError } from './enum.ts';
export * from './flags.ts';
export * from './map.ts';
export * from './perf.ts';
export * from './program.ts';
export type { Version, Versioned } from './version.ts';
