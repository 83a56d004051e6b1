/**
 * Micro-operations: what instructions are broken into for the hot loop. Eight words each:
 *
 *     0  operation
 *     1  destination: index of its low half in the memory's s32 view
 *     2  source, likewise; immediates lie in a constant pool, so that one operation serves both
 *     3  displacement, or second source
 *     4  TLB table (word index) of a memory access; for a condition, 1 to negate it
 *     5  where a taken branch goes on: first word of the target's block
 *     6  shift of an index register; elsewhere the weights (Machine.mark) of the block's instructions up to this one
 *     7  instructions of the block executed when it is left here
 *
 * An instruction that has no micro-operations of its own is `generic`: its handler is called.
 * Operations with a flagless twin have it at the next number, for results whose flags nobody can see.
 */
export const UOP = {
  generic: 0,
  /** a handler that may move rip, end the run or change mode: the block ends */
  transfer: 1,
  /** not yet decoded, or forgotten: finds the block */
  resolve: 2,
  /** the block goes on at word 5 */
  go: 3,
  /** end of a block that ran into its length limit */
  end: 4,

  load64: 5,
  load32: 6,
  load16: 7,
  load8: 8,
  loadS32: 9,
  loadS16: 10,
  loadS8: 11,
  /** sign extension to 32 bits, upper half zero */
  loadS16to32: 12,
  loadS8to32: 13,
  store64: 14,
  store32: 15,
  store16: 16,
  store8: 17,
  lea: 18,
  leaIndex: 19,

  mov64: 20,
  mov32: 21,
  movzx16: 22,
  movzx8: 23,
  movsx32: 24,
  movsx16: 25,
  movsx8: 26,
  movsx16to32: 27,
  movsx8to32: 28,

  add64: 29,
  add64n: 30,
  sub64: 31,
  sub64n: 32,
  and64: 33,
  and64n: 34,
  or64: 35,
  or64n: 36,
  xor64: 37,
  xor64n: 38,
  add32: 39,
  add32n: 40,
  sub32: 41,
  sub32n: 42,
  and32: 43,
  and32n: 44,
  or32: 45,
  or32n: 46,
  xor32: 47,
  xor32n: 48,
  shl64: 49,
  shl64n: 50,
  shr64: 51,
  shr64n: 52,
  sar64: 53,
  sar64n: 54,
  shl32: 55,
  shl32n: 56,
  shr32: 57,
  shr32n: 58,
  sar32: 59,
  sar32n: 60,
  imul64: 61,
  imul64n: 62,
  imul32: 63,
  imul32n: 64,
  neg64: 65,
  neg64n: 66,
  neg32: 67,
  neg32n: 68,
  not64: 69,
  not32: 70,
  bswap64: 71,
  bswap32: 72,
  rol32n: 73,

  cmp64: 74,
  cmp32: 75,
  test64: 76,
  test32: 77,

  /** branches on the flag words: e, b, be, s, l, le, o, p in this order */
  je: 78,
  jb: 79,
  jbe: 80,
  js: 81,
  jl: 82,
  jle: 83,
  jo: 84,
  jp: 85,
  /** compare and branch */
  cmp64e: 86,
  cmp64b: 87,
  cmp64be: 88,
  cmp64l: 89,
  cmp64le: 90,
  cmp32e: 91,
  cmp32b: 92,
  cmp32be: 93,
  cmp32l: 94,
  cmp32le: 95,
  test64e: 96,
  test64s: 97,
  test64le: 98,
  test32e: 99,
  test32s: 100,
  test32le: 101,

  jmp: 102,
  call: 103,
  ret: 104,
  push: 105,
  pop: 106,
  leave: 107,
  cdqe: 108,
  cqo: 109,
  cmov64: 110,
  cmov32: 111,
  setcc: 112,
} as const;

/** Words of a micro-operation. */
export const STRIDE = 8;
