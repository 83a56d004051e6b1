export * from './addr.ts';
export * from './cpu.ts';
export type { Stop } from './executor.ts';
export { Fault, type FaultDetails, type FaultKind, GuestFault, MachineStop, OutOfMemory, VECTOR } from './fault.ts';
export * from './layout.ts';
export { Machine, type MachineOptions } from './machine.ts';
export { GuestMemory, type Protection } from './memory.ts';
export { PROT_EXEC, PROT_USER, PROT_WRITE, type Region } from './regions.ts';
export { UserSpace } from './userspace.ts';
