export * from './insn.ts';
export * from './opcodes.ts';
