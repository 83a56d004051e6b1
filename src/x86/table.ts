/**
 * The instruction table: one row per form, in Intel's notation (Intel SDM vol. 2A, 3.1.1
 * "Instruction Format"). Encoder, decoder, listing, executors and tests read nothing else.
 *
 *     66 F2 F3      prefix that selects the form (66: 16-bit operand size)
 *     NP  NFx  N66  no 66/F2/F3 allowed; no F2/F3; no 66 unless REX.W outranks it
 *     REX.W         64-bit operand size; W0: not with REX.W
 *     VEX.LZ.F2.0F38.W1   VEX prefix: vector length, implied prefix, opcode map, W
 *     /r  /0../7    ModRM byte; with a digit its reg field selects the form
 *     C1 after 0F 01   a ModRM byte spelled out
 *     +r            register number in the opcode's low three bits
 *     ib iw id io cb cd   immediates and relative offsets
 *
 * `ops` writes the 16-, 32- and 64-bit forms of a row at once, in the notation of the SDM's
 * opcode maps (vol. 2D, A.2.2): `v` is the operand size, `z` the immediate that goes with it
 * (16 bits for 16, else 32), `rAX` the accumulator.
 *
 * Third column: flags, as the manual's "Flags Affected" says: `r` read, `w` written as defined,
 * `u` left undefined. Order within a family is that of the manual's opcode map.
 */

import { SSE } from './sse.ts';

/** CF PF AF ZF SF OF DF IF as bits of RFLAGS (SDM vol. 1, 3.4.3). */
export const FLAG = {
  CF: 1,
  PF: 4,
  AF: 0x10,
  ZF: 0x40,
  SF: 0x80,
  TF: 0x100,
  IF: 0x200,
  DF: 0x400,
  OF: 0x800,
  AC: 0x40000,
} as const;

export interface Row {
  /** Intel's opcode column */
  readonly encoding: string;
  /** Intel's instruction column, lower case: what {@link Assembler.op} is called with */
  readonly syntax: string;
  /** flags effect, parsed on demand by `row.ts` */
  readonly flags: string;
}

/** Every row; its index is `X86Insn.row`. */
export const table: Row[] = [];

function op(encoding: string, syntax: string, flags = ''): void {
  table.push({ encoding, syntax, flags });
}

/** The 16-, 32- and 64-bit forms of a row written with `v`, `z` and `rAX`. */
function ops(encoding: string, syntax: string, flags = ''): void {
  op(`66 ${encoding.replace('iz', 'iw')}`, sized(syntax, '16', '16', 'ax'), flags);
  op(encoding.replace('iz', 'id'), sized(syntax, '32', '32', 'eax'), flags);
  op(`REX.W ${encoding.replace('iz', 'id')}`, sized(syntax, '64', '32', 'rax'), flags);
}

const sized = (syntax: string, v: string, z: string, accumulator: string): string =>
  syntax
    .replace('rAX', accumulator)
    .replace('immz', `imm${z}`)
    .replace(/(r|m)v/g, `$1${v}`);

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');

/** Condition codes 0..15 (SDM vol. 2D, B.1.4.7), each with the flags it reads. */
export const conditions: readonly (readonly [name: string, reads: string])[] = [
  ['o', 'o'],
  ['no', 'o'],
  ['b', 'c'],
  ['ae', 'c'],
  ['e', 'z'],
  ['ne', 'z'],
  ['be', 'cz'],
  ['a', 'cz'],
  ['s', 's'],
  ['ns', 's'],
  ['p', 'p'],
  ['np', 'p'],
  ['l', 'so'],
  ['ge', 'so'],
  ['le', 'zso'],
  ['g', 'zso'],
];

const ARITH = 'w=oszapc';
const CARRY = 'r=c w=oszapc';
const LOGIC = 'w=oszpc u=a';
const COUNT = 'w=oszap';
const MUL = 'w=oc u=szap';
const DIV = 'u=oszapc';

// Integer arithmetic and logic (opcodes 00..3F, 80..83)
for (const [n, name] of ['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'].entries()) {
  const flags =
    name === 'adc' || name === 'sbb' ? CARRY : name === 'or' || name === 'and' || name === 'xor' ? LOGIC : ARITH;
  op(`${hex(n * 8)} /r`, `${name} r/m8, r8`, flags);
  ops(`${hex(n * 8 + 1)} /r`, `${name} r/mv, rv`, flags);
  op(`${hex(n * 8 + 2)} /r`, `${name} r8, r/m8`, flags);
  ops(`${hex(n * 8 + 3)} /r`, `${name} rv, r/mv`, flags);
  op(`${hex(n * 8 + 4)} ib`, `${name} al, imm8`, flags);
  ops(`${hex(n * 8 + 5)} iz`, `${name} rAX, immz`, flags);
  op(`80 /${n} ib`, `${name} r/m8, imm8`, flags);
  ops(`81 /${n} iz`, `${name} r/mv, immz`, flags);
  ops(`83 /${n} ib`, `${name} r/mv, imm8`, flags);
}
op('84 /r', 'test r/m8, r8', LOGIC);
ops('85 /r', 'test r/mv, rv', LOGIC);
op('A8 ib', 'test al, imm8', LOGIC);
ops('A9 iz', 'test rAX, immz', LOGIC);
for (const digit of [0, 1]) {
  // /1 is the undocumented twin that every processor executes
  op(`F6 /${digit} ib`, 'test r/m8, imm8', LOGIC);
  ops(`F7 /${digit} iz`, 'test r/mv, immz', LOGIC);
}
op('F6 /2', 'not r/m8');
ops('F7 /2', 'not r/mv');
op('F6 /3', 'neg r/m8', ARITH);
ops('F7 /3', 'neg r/mv', ARITH);
op('F6 /4', 'mul r/m8', MUL);
ops('F7 /4', 'mul r/mv', MUL);
op('F6 /5', 'imul r/m8', MUL);
ops('F7 /5', 'imul r/mv', MUL);
op('F6 /6', 'div r/m8', DIV);
ops('F7 /6', 'div r/mv', DIV);
op('F6 /7', 'idiv r/m8', DIV);
ops('F7 /7', 'idiv r/mv', DIV);
ops('0F AF /r', 'imul rv, r/mv', MUL);
ops('69 /r iz', 'imul rv, r/mv, immz', MUL);
ops('6B /r ib', 'imul rv, r/mv, imm8', MUL);
op('FE /0', 'inc r/m8', COUNT);
ops('FF /0', 'inc r/mv', COUNT);
op('FE /1', 'dec r/m8', COUNT);
ops('FF /1', 'dec r/mv', COUNT);
op('66 98', 'cbw');
op('98', 'cwde');
op('REX.W 98', 'cdqe');
op('66 99', 'cwd');
op('99', 'cdq');
op('REX.W 99', 'cqo');
op('66 0F 38 F6 /r', 'adcx r32, r/m32', 'r=c w=c');
op('66 REX.W 0F 38 F6 /r', 'adcx r64, r/m64', 'r=c w=c');
op('F3 0F 38 F6 /r', 'adox r32, r/m32', 'r=o w=o');
op('F3 REX.W 0F 38 F6 /r', 'adox r64, r/m64', 'r=o w=o');

// Shifts and rotates (C0, C1, D0..D3): what is undefined depends on the count, see `undefinedFlags`
for (const [n, name] of ['rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'sal', 'sar'].entries()) {
  const flags = n < 2 ? 'w=oc' : n < 4 ? 'r=c w=oc' : 'w=oszpc u=a';
  op(`C0 /${n} ib`, `${name} r/m8, imm8`, flags);
  ops(`C1 /${n} ib`, `${name} r/mv, imm8`, flags);
  op(`D0 /${n}`, `${name} r/m8, 1`, flags);
  ops(`D1 /${n}`, `${name} r/mv, 1`, flags);
  op(`D2 /${n}`, `${name} r/m8, cl`, flags);
  ops(`D3 /${n}`, `${name} r/mv, cl`, flags);
}
ops('0F A4 /r ib', 'shld r/mv, rv, imm8', 'w=oszpc u=a');
ops('0F A5 /r', 'shld r/mv, rv, cl', 'w=oszpc u=a');
ops('0F AC /r ib', 'shrd r/mv, rv, imm8', 'w=oszpc u=a');
ops('0F AD /r', 'shrd r/mv, rv, cl', 'w=oszpc u=a');

// Bits
for (const [n, name] of ['bt', 'bts', 'btr', 'btc'].entries()) {
  ops(`0F ${hex(0xa3 + n * 8)} /r`, `${name} r/mv, rv`, 'w=c u=osap');
  ops(`0F BA /${n + 4} ib`, `${name} r/mv, imm8`, 'w=c u=osap');
}
ops('0F BC /r', 'bsf rv, r/mv', 'w=z u=oszapc');
ops('0F BD /r', 'bsr rv, r/mv', 'w=z u=oszapc');
op('66 F3 0F B8 /r', 'popcnt r16, r/m16', ARITH);
op('F3 0F B8 /r', 'popcnt r32, r/m32', ARITH);
op('F3 REX.W 0F B8 /r', 'popcnt r64, r/m64', ARITH);
op('66 F3 0F BC /r', 'tzcnt r16, r/m16', 'w=zc u=osap');
op('F3 0F BC /r', 'tzcnt r32, r/m32', 'w=zc u=osap');
op('F3 REX.W 0F BC /r', 'tzcnt r64, r/m64', 'w=zc u=osap');
op('66 F3 0F BD /r', 'lzcnt r16, r/m16', 'w=zc u=osap');
op('F3 0F BD /r', 'lzcnt r32, r/m32', 'w=zc u=osap');
op('F3 REX.W 0F BD /r', 'lzcnt r64, r/m64', 'w=zc u=osap');
op('N66 0F C8 +r', 'bswap r32');
op('N66 REX.W 0F C8 +r', 'bswap r64');

// BMI1 and BMI2 (SDM vol. 1, 5.1.16)
for (const [w, size] of [
  ['W0', '32'],
  ['W1', '64'],
] as const) {
  op(`VEX.LZ.0F38.${w} F2 /r`, `andn r${size}, r${size}, r/m${size}`, 'w=oszc u=ap');
  op(`VEX.LZ.0F38.${w} F3 /1`, `blsr r${size}, r/m${size}`, 'w=oszc u=ap');
  op(`VEX.LZ.0F38.${w} F3 /2`, `blsmsk r${size}, r/m${size}`, 'w=oszc u=ap');
  op(`VEX.LZ.0F38.${w} F3 /3`, `blsi r${size}, r/m${size}`, 'w=oszc u=ap');
  op(`VEX.LZ.0F38.${w} F7 /r`, `bextr r${size}, r/m${size}, r${size}`, 'w=ozc u=sap');
  op(`VEX.LZ.0F38.${w} F5 /r`, `bzhi r${size}, r/m${size}, r${size}`, 'w=oszc u=ap');
  op(`VEX.LZ.F3.0F38.${w} F5 /r`, `pext r${size}, r${size}, r/m${size}`);
  op(`VEX.LZ.F2.0F38.${w} F5 /r`, `pdep r${size}, r${size}, r/m${size}`);
  op(`VEX.LZ.F2.0F38.${w} F6 /r`, `mulx r${size}, r${size}, r/m${size}`);
  op(`VEX.LZ.66.0F38.${w} F7 /r`, `shlx r${size}, r/m${size}, r${size}`);
  op(`VEX.LZ.F3.0F38.${w} F7 /r`, `sarx r${size}, r/m${size}, r${size}`);
  op(`VEX.LZ.F2.0F38.${w} F7 /r`, `shrx r${size}, r/m${size}, r${size}`);
  op(`VEX.LZ.F2.0F3A.${w} F0 /r ib`, `rorx r${size}, r/m${size}, imm8`);
}

// Data movement
op('88 /r', 'mov r/m8, r8');
ops('89 /r', 'mov r/mv, rv');
op('8A /r', 'mov r8, r/m8');
ops('8B /r', 'mov rv, r/mv');
op('A0', 'mov al, moffs8');
op('66 A1', 'mov ax, moffs16');
op('A1', 'mov eax, moffs32');
op('REX.W A1', 'mov rax, moffs64');
op('A2', 'mov moffs8, al');
op('66 A3', 'mov moffs16, ax');
op('A3', 'mov moffs32, eax');
op('REX.W A3', 'mov moffs64, rax');
op('B0 +r ib', 'mov r8, imm8');
op('66 B8 +r iw', 'mov r16, imm16');
op('B8 +r id', 'mov r32, imm32');
op('REX.W B8 +r io', 'mov r64, imm64');
op('C6 /0 ib', 'mov r/m8, imm8');
ops('C7 /0 iz', 'mov r/mv, immz');
ops('0F B6 /r', 'movzx rv, r/m8');
ops('0F B7 /r', 'movzx rv, r/m16');
ops('0F BE /r', 'movsx rv, r/m8');
ops('0F BF /r', 'movsx rv, r/m16');
op('66 63 /r', 'movsxd r16, r/m16');
op('63 /r', 'movsxd r32, r/m32');
op('REX.W 63 /r', 'movsxd r64, r/m32');
op('NFx 66 0F 38 F0 /r', 'movbe r16, m16');
op('NFx 0F 38 F0 /r', 'movbe r32, m32');
op('NFx REX.W 0F 38 F0 /r', 'movbe r64, m64');
op('NFx 66 0F 38 F1 /r', 'movbe m16, r16');
op('NFx 0F 38 F1 /r', 'movbe m32, r32');
op('NFx REX.W 0F 38 F1 /r', 'movbe m64, r64');
ops('8D /r', 'lea rv, m');
op('86 /r', 'xchg r/m8, r8');
ops('87 /r', 'xchg r/mv, rv');
ops('90 +r', 'xchg rv, rAX');
op('0F C0 /r', 'xadd r/m8, r8', ARITH);
ops('0F C1 /r', 'xadd r/mv, rv', ARITH);
op('0F B0 /r', 'cmpxchg r/m8, r8', ARITH);
ops('0F B1 /r', 'cmpxchg r/mv, rv', ARITH);
op('0F C7 /1', 'cmpxchg8b m64', 'w=z');
op('REX.W 0F C7 /1', 'cmpxchg16b m128', 'w=z');
op('D7', 'xlatb');

// Stack
op('66 W0 50 +r', 'push r16');
op('50 +r', 'push r64');
op('66 W0 FF /6', 'push r/m16');
op('FF /6', 'push r/m64');
op('N66 6A ib', 'push imm8');
op('N66 68 id', 'push imm32');
op('66 W0 58 +r', 'pop r16');
op('58 +r', 'pop r64');
op('66 W0 8F /0', 'pop r/m16');
op('8F /0', 'pop r/m64');
op('N66 9C', 'pushfq', 'r=oszapc');
op('N66 9D', 'popfq', 'w=oszapc');
op('N66 C8 iw ib', 'enter imm16, imm8');
op('N66 C9', 'leave');

// Control transfer
for (const [n, [cc, reads]] of conditions.entries()) {
  op(`${hex(0x70 + n)} cb`, `j${cc} rel8`, `r=${reads}`);
  op(`0F ${hex(0x80 + n)} cd`, `j${cc} rel32`, `r=${reads}`);
  op(`0F ${hex(0x90 + n)} /r`, `set${cc} r/m8`, `r=${reads}`);
  ops(`0F ${hex(0x40 + n)} /r`, `cmov${cc} rv, r/mv`, `r=${reads}`);
}
op('E0 cb', 'loopne rel8', 'r=z');
op('E1 cb', 'loope rel8', 'r=z');
op('E2 cb', 'loop rel8');
op('E3 cb', 'jrcxz rel8');
op('EB cb', 'jmp rel8');
op('E9 cd', 'jmp rel32');
op('N66 FF /4', 'jmp r/m64');
op('E8 cd', 'call rel32');
op('N66 FF /2', 'call r/m64');
op('N66 C3', 'ret');
op('N66 C2 iw', 'ret imm16');
op('CC', 'int3');
op('CD ib', 'int imm8');
op('F1', 'int1');
op('0F 0B', 'ud2');
ops('0F B9 /r', 'ud1 rv, r/mv');
op('REX.W CF', 'iretq', 'w=oszapc');
op('0F 05', 'syscall', 'r=oszapc w=oszapc');
op('REX.W 0F 07', 'sysretq', 'w=oszapc');

// Flags
op('9E', 'sahf', 'w=szapc');
op('9F', 'lahf', 'r=szapc');
op('F5', 'cmc', 'r=c w=c');
op('F8', 'clc', 'w=c');
op('F9', 'stc', 'w=c');
op('FA', 'cli');
op('FB', 'sti');
op('FC', 'cld');
op('FD', 'std');

// Strings (SDM vol. 1, 7.3.9); rep, repe, repne are prefixes
for (const [opcode, name, flags] of [
  [0xa4, 'movs', ''],
  [0xa6, 'cmps', ARITH],
  [0xaa, 'stos', ''],
  [0xac, 'lods', ''],
  [0xae, 'scas', ARITH],
] as const) {
  op(hex(opcode), `${name}b`, flags);
  op(`66 ${hex(opcode + 1)}`, `${name}w`, flags);
  op(hex(opcode + 1), `${name}d`, flags);
  op(`REX.W ${hex(opcode + 1)}`, `${name}q`, flags);
}

// System, and what does nothing here
op('90', 'nop');
op('F3 90', 'pause');
ops('0F 1F /0', 'nop r/mv');
op('F3 0F 1E FA', 'endbr64');
op('F3 0F 1E FB', 'endbr32');
op('0F 0D /0', 'prefetch m8');
op('0F 0D /1', 'prefetchw m8');
op('0F 0D /2', 'prefetchwt1 m8');
op('0F 18 /0', 'prefetchnta m8');
op('0F 18 /1', 'prefetcht0 m8');
op('0F 18 /2', 'prefetcht1 m8');
op('0F 18 /3', 'prefetcht2 m8');
op('NP 0F AE E8', 'lfence');
op('NP 0F AE F0', 'mfence');
op('NP 0F AE F8', 'sfence');
op('NP 0F AE /7', 'clflush m8');
op('66 0F AE /7', 'clflushopt m8');
op('66 0F AE /6', 'clwb m8');
op('F3 0F AE /0', 'rdfsbase r32');
op('F3 REX.W 0F AE /0', 'rdfsbase r64');
op('F3 0F AE /1', 'rdgsbase r32');
op('F3 REX.W 0F AE /1', 'rdgsbase r64');
op('F3 0F AE /2', 'wrfsbase r32');
op('F3 REX.W 0F AE /2', 'wrfsbase r64');
op('F3 0F AE /3', 'wrgsbase r32');
op('F3 REX.W 0F AE /3', 'wrgsbase r64');
op('F4', 'hlt');
op('0F A2', 'cpuid');
op('0F 31', 'rdtsc');
op('0F 01 F9', 'rdtscp');
op('0F 01 F8', 'swapgs');
op('NP 0F 01 C1', 'vmcall');
op('NP 0F 01 CA', 'clac');
op('NP 0F 01 CB', 'stac');

// of the x87 only its control word, which libraries ask for when they print floating point
op('D9 /5', 'fldcw m16');
op('D9 /7', 'fnstcw m16');
for (const [encoding, syntax, flags] of SSE) op(encoding, syntax, flags);
