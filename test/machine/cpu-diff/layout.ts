/** Where runner.c puts things; its constants and record layout in TypeScript. */
export const CODE_BASE = 0x10000000;
export const CODE_BYTES = 0x20000;
export const CODE_AT = 0x10010000;
export const DATA_BASE = 0x10100000;
export const DATA_BYTES = 0x2000;
export const WINDOW = 0x10100f80;
export const WINDOW_BYTES = 256;
export const GS_BASE = 0x1000;

/** sixteen xmm registers */
export const XMM_BYTES = 256;
export const INPUT_BYTES = 16 + 16 * 8 + 8 + WINDOW_BYTES + XMM_BYTES;
export const OUTPUT_BYTES = 5 * 8 + 16 * 8 + WINDOW_BYTES + XMM_BYTES;
/** CF PF AF ZF SF DF OF: what a case sets and compares. */
export const FLAG_MASK = 0xcd5;
