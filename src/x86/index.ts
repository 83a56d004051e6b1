export { Assembler, X86EncodeError } from './assembler.ts';
export { decode } from './decode.ts';
export { type FormatOptions, formatInsn, registerName } from './format.ts';
export * from './insn.ts';
export { type ListedInsn, listInsns } from './listing.ts';
export * from './operand.ts';
export { type Form, form, type OperandForm, type Place, rowOf } from './row.ts';
export { conditions, FLAG, type Row, table } from './table.ts';
