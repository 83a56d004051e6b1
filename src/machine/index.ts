export * from './addr.ts';
export { clearBytes } from './clear-bytes.ts';
export * from './cpu.ts';
export { CPUID_EDX } from './exec/system.ts';
export type { Stop } from './executor.ts';
export {
  Fault,
  type FaultDetails,
  type FaultKind,
  GuestFault,
  MachineBusy,
  MachineStop,
  OutOfMemory,
  VECTOR,
} from './fault.ts';
export * from './layout.ts';
export { Machine, type MachineOptions, type MachineState } from './machine.ts';
export { copyBytes, GuestMemory } from './memory.ts';
export type { Protection } from './paged-memory.ts';
export { PROT_EXEC, PROT_USER, PROT_WRITE, type Region } from './regions.ts';
export type { Touched } from './save/touched.ts';
export { UserSpace } from './userspace.ts';
