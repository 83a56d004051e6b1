export * from './asm.ts';
export * from './decode.ts';
export * from './disasm.ts';
export * from './insn.ts';
export * from './opcodes.ts';
export * from './table.ts';
