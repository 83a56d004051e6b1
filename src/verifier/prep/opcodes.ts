/** Opcodes that a program may contain (bpf_opcode_in_insntable(); RFC 9669 section 5.1 and the legacy packet loads). */
import * as I from '../../isa/index.ts';

const valid = new Uint8Array(256);
const allow = (...codes: number[]): void => {
  for (const code of codes) valid[code] = 1;
};

for (const cls of [I.BPF_ALU, I.BPF_ALU64]) {
  for (const op of [
    I.BPF_ADD,
    I.BPF_SUB,
    I.BPF_MUL,
    I.BPF_DIV,
    I.BPF_OR,
    I.BPF_AND,
    I.BPF_LSH,
    I.BPF_RSH,
    I.BPF_MOD,
    I.BPF_XOR,
    I.BPF_MOV,
    I.BPF_ARSH,
  ]) {
    allow(cls | op | I.BPF_K, cls | op | I.BPF_X);
  }
  allow(cls | I.BPF_NEG);
}
allow(I.BPF_ALU | I.BPF_END | I.BPF_K, I.BPF_ALU | I.BPF_END | I.BPF_X, I.BPF_ALU64 | I.BPF_END | I.BPF_K);
for (const cls of [I.BPF_JMP, I.BPF_JMP32]) {
  for (const op of [
    I.BPF_JEQ,
    I.BPF_JNE,
    I.BPF_JGT,
    I.BPF_JLT,
    I.BPF_JGE,
    I.BPF_JLE,
    I.BPF_JSGT,
    I.BPF_JSLT,
    I.BPF_JSGE,
    I.BPF_JSLE,
    I.BPF_JSET,
  ]) {
    allow(cls | op | I.BPF_K, cls | op | I.BPF_X);
  }
  allow(cls | I.BPF_JA);
}
allow(I.BPF_JMP | I.BPF_CALL, I.BPF_JMP | I.BPF_EXIT, I.BPF_JMP | I.BPF_JCOND);
for (const size of [I.BPF_B, I.BPF_H, I.BPF_W, I.BPF_DW]) {
  allow(I.BPF_LDX | I.BPF_MEM | size, I.BPF_ST | I.BPF_MEM | size, I.BPF_STX | I.BPF_MEM | size);
  if (size !== I.BPF_DW)
    allow(I.BPF_LDX | I.BPF_MEMSX | size, I.BPF_LD | I.BPF_ABS | size, I.BPF_LD | I.BPF_IND | size);
}
allow(I.BPF_STX | I.BPF_ATOMIC | I.BPF_W, I.BPF_STX | I.BPF_ATOMIC | I.BPF_DW, I.LD_IMM64);

export const isKnownOpcode = (code: number): boolean => valid[code] === 1;
