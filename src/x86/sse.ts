/**
 * Rows of SSE and SSE2 (SDM vol. 1, 5.5 and 5.6; vol. 2, the entry of each mnemonic), as far as they know no MMX
 * register. In the notation of table.ts; `xmm/m128` is a register or 128 bits of memory. What SSE2 has in four kinds
 * (packed and scalar, single and double) is written once.
 */
type SseRow = readonly [encoding: string, syntax: string, flags?: string];

const COMPARE = 'w=oszapc';

/** The four kinds by their mandatory prefix: suffix, and what the source is in memory. */
const KINDS = [
  ['NP', 'ps', 'm128'],
  ['NFx 66', 'pd', 'm128'],
  ['F3', 'ss', 'm32'],
  ['F2', 'sd', 'm64'],
] as const;
const kinds = (opcode: string, name: string, more = '', operand = ''): SseRow[] =>
  KINDS.map(([prefix, suffix, memory]) => [
    `${prefix} 0F ${opcode} /r${more}`,
    `${name}${suffix} xmm, xmm/${memory}${operand}`,
  ]);
/** ps and pd only */
const packed = (opcode: string, name: string, more = '', operand = ''): SseRow[] =>
  kinds(opcode, name, more, operand).slice(0, 2);
const integer = (opcode: string, name: string): SseRow => [`NFx 66 0F ${opcode} /r`, `${name} xmm, xmm/m128`];
/** count in an immediate: /digit */
const shift = (opcode: string, digit: number, name: string): SseRow => [
  `NFx 66 0F ${opcode} /${digit} ib`,
  `${name} xmm, imm8`,
];

/** opcode and mnemonic of integer instructions with two operands */
const INTEGER = `
60 punpcklbw 61 punpcklwd 62 punpckldq 63 packsswb 64 pcmpgtb 65 pcmpgtw 66 pcmpgtd 67 packuswb
68 punpckhbw 69 punpckhwd 6A punpckhdq 6B packssdw 6C punpcklqdq 6D punpckhqdq
74 pcmpeqb 75 pcmpeqw 76 pcmpeqd
D1 psrlw D2 psrld D3 psrlq D4 paddq D5 pmullw D8 psubusb D9 psubusw DA pminub DB pand DC paddusb DD paddusw DE pmaxub DF pandn
E0 pavgb E1 psraw E2 psrad E3 pavgw E4 pmulhuw E5 pmulhw E8 psubsb E9 psubsw EA pminsw EB por EC paddsb ED paddsw EE pmaxsw EF pxor
F1 psllw F2 pslld F3 psllq F4 pmuludq F5 pmaddwd F6 psadbw F8 psubb F9 psubw FA psubd FB psubq FC paddb FD paddw FE paddd
`
  .trim()
  .split(/\s+/);

export const SSE: readonly SseRow[] = [
  // moves
  ...KINDS.flatMap(([prefix, suffix, memory], n): SseRow[] => [
    [`${prefix} 0F 10 /r`, `mov${n < 2 ? 'u' : ''}${suffix} xmm, xmm/${memory}`],
    [`${prefix} 0F 11 /r`, `mov${n < 2 ? 'u' : ''}${suffix} xmm/${memory}, xmm`],
  ]),
  ['NP 0F 12 /r', 'movlps xmm, m64'],
  ['NP 0F 12 /r', 'movhlps xmm, xmm'],
  ['NFx 66 0F 12 /r', 'movlpd xmm, m64'],
  ['NP 0F 13 /r', 'movlps m64, xmm'],
  ['NFx 66 0F 13 /r', 'movlpd m64, xmm'],
  ...packed('14', 'unpckl'),
  ...packed('15', 'unpckh'),
  ['NP 0F 16 /r', 'movhps xmm, m64'],
  ['NP 0F 16 /r', 'movlhps xmm, xmm'],
  ['NFx 66 0F 16 /r', 'movhpd xmm, m64'],
  ['NP 0F 17 /r', 'movhps m64, xmm'],
  ['NFx 66 0F 17 /r', 'movhpd m64, xmm'],
  ...packed('28', 'mova'),
  ['NP 0F 29 /r', 'movaps xmm/m128, xmm'],
  ['NFx 66 0F 29 /r', 'movapd xmm/m128, xmm'],
  ['NP 0F 2B /r', 'movntps m128, xmm'],
  ['NFx 66 0F 2B /r', 'movntpd m128, xmm'],
  ['NP 0F 50 /r', 'movmskps r32, xmm'],
  ['NFx 66 0F 50 /r', 'movmskpd r32, xmm'],
  ['NFx 66 0F 6E /r', 'movd xmm, r/m32'],
  ['NFx 66 REX.W 0F 6E /r', 'movq xmm, r/m64'],
  ['NFx 66 0F 7E /r', 'movd r/m32, xmm'],
  ['NFx 66 REX.W 0F 7E /r', 'movq r/m64, xmm'],
  ['F3 0F 7E /r', 'movq xmm, xmm/m64'],
  ['NFx 66 0F D6 /r', 'movq xmm/m64, xmm'],
  ['NFx 66 0F 6F /r', 'movdqa xmm, xmm/m128'],
  ['F3 0F 6F /r', 'movdqu xmm, xmm/m128'],
  ['NFx 66 0F 7F /r', 'movdqa xmm/m128, xmm'],
  ['F3 0F 7F /r', 'movdqu xmm/m128, xmm'],
  ['NP 0F C3 /r', 'movnti m32, r32'],
  ['NP REX.W 0F C3 /r', 'movnti m64, r64'],
  ['NFx 66 0F E7 /r', 'movntdq m128, xmm'],
  ['NFx 66 0F D7 /r', 'pmovmskb r32, xmm'],
  // integers
  ...Array.from({ length: INTEGER.length / 2 }, (_, n) =>
    integer(INTEGER[2 * n] as string, INTEGER[2 * n + 1] as string),
  ),
  shift('71', 2, 'psrlw'),
  shift('71', 4, 'psraw'),
  shift('71', 6, 'psllw'),
  shift('72', 2, 'psrld'),
  shift('72', 4, 'psrad'),
  shift('72', 6, 'pslld'),
  shift('73', 2, 'psrlq'),
  shift('73', 3, 'psrldq'),
  shift('73', 6, 'psllq'),
  shift('73', 7, 'pslldq'),
  ['NFx 66 0F 70 /r ib', 'pshufd xmm, xmm/m128, imm8'],
  ['F3 0F 70 /r ib', 'pshufhw xmm, xmm/m128, imm8'],
  ['F2 0F 70 /r ib', 'pshuflw xmm, xmm/m128, imm8'],
  ['NFx 66 0F C4 /r ib', 'pinsrw xmm, r32, imm8'],
  ['NFx 66 0F C4 /r ib', 'pinsrw xmm, m16, imm8'],
  ['NFx 66 0F C5 /r ib', 'pextrw r32, xmm, imm8'],
  // floating point
  ...kinds('51', 'sqrt'),
  ...packed('54', 'and'),
  ...packed('55', 'andn'),
  ...packed('56', 'or'),
  ...packed('57', 'xor'),
  ...kinds('58', 'add'),
  ...kinds('59', 'mul'),
  ...kinds('5C', 'sub'),
  ...kinds('5D', 'min'),
  ...kinds('5E', 'div'),
  ...kinds('5F', 'max'),
  ...kinds('C2', 'cmp', ' ib', ', imm8'),
  ...packed('C6', 'shuf', ' ib', ', imm8'),
  ['NP 0F 2E /r', 'ucomiss xmm, xmm/m32', COMPARE],
  ['NFx 66 0F 2E /r', 'ucomisd xmm, xmm/m64', COMPARE],
  ['NP 0F 2F /r', 'comiss xmm, xmm/m32', COMPARE],
  ['NFx 66 0F 2F /r', 'comisd xmm, xmm/m64', COMPARE],
  // conversions
  ['F3 0F 2A /r', 'cvtsi2ss xmm, r/m32'],
  ['F3 REX.W 0F 2A /r', 'cvtsi2ss xmm, r/m64'],
  ['F2 0F 2A /r', 'cvtsi2sd xmm, r/m32'],
  ['F2 REX.W 0F 2A /r', 'cvtsi2sd xmm, r/m64'],
  ['F3 0F 2C /r', 'cvttss2si r32, xmm/m32'],
  ['F3 REX.W 0F 2C /r', 'cvttss2si r64, xmm/m32'],
  ['F2 0F 2C /r', 'cvttsd2si r32, xmm/m64'],
  ['F2 REX.W 0F 2C /r', 'cvttsd2si r64, xmm/m64'],
  ['F3 0F 2D /r', 'cvtss2si r32, xmm/m32'],
  ['F3 REX.W 0F 2D /r', 'cvtss2si r64, xmm/m32'],
  ['F2 0F 2D /r', 'cvtsd2si r32, xmm/m64'],
  ['F2 REX.W 0F 2D /r', 'cvtsd2si r64, xmm/m64'],
  ['NP 0F 5A /r', 'cvtps2pd xmm, xmm/m64'],
  ['NFx 66 0F 5A /r', 'cvtpd2ps xmm, xmm/m128'],
  ['F3 0F 5A /r', 'cvtss2sd xmm, xmm/m32'],
  ['F2 0F 5A /r', 'cvtsd2ss xmm, xmm/m64'],
  ['NP 0F 5B /r', 'cvtdq2ps xmm, xmm/m128'],
  ['NFx 66 0F 5B /r', 'cvtps2dq xmm, xmm/m128'],
  ['F3 0F 5B /r', 'cvttps2dq xmm, xmm/m128'],
  ['F3 0F E6 /r', 'cvtdq2pd xmm, xmm/m64'],
  ['NFx 66 0F E6 /r', 'cvttpd2dq xmm, xmm/m128'],
  ['F2 0F E6 /r', 'cvtpd2dq xmm, xmm/m128'],
  // state
  ['NP 0F AE /0', 'fxsave m512'],
  ['NP REX.W 0F AE /0', 'fxsave64 m512'],
  ['NP 0F AE /1', 'fxrstor m512'],
  ['NP REX.W 0F AE /1', 'fxrstor64 m512'],
  ['NP 0F AE /2', 'ldmxcsr m32'],
  ['NP 0F AE /3', 'stmxcsr m32'],
];
