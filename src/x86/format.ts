/**
 * Listing text, as GNU objdump prints it: AT&T syntax (also bpftool's) or `-M intel`
 * (binutils 2.40; operand order and suffixes: GNU as manual, 9.16.3 "AT&T Syntax versus Intel Syntax").
 */
import { attMnemonic, attOperandOrder, hintSuffix } from './format-att.ts';
import { FS, PREFIX, RIP, type X86Insn } from './insn.ts';
import { type Form, form, type OperandForm } from './row.ts';

export interface FormatOptions {
  readonly syntax?: 'att' | 'intel';
  /** address of the instruction's first byte: branch targets and rip-relative addresses need it */
  readonly address?: number | bigint;
  /** name of an address (`symbol+0x10`), undefined where it has none */
  readonly symbol?: (address: number) => string | undefined;
}

const R64 = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');
const R32 = 'eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d'.split(' ');
const R16 = 'ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w'.split(' ');
const R8 = 'al cl dl bl spl bpl sil dil r8b r9b r10b r11b r12b r13b r14b r15b ah ch dh bh'.split(' ');

/** Name of a general register in an operand of `size` bytes. */
export const registerName = (n: number, size: number): string =>
  (size === 8 ? R64 : size === 4 ? R32 : size === 2 ? R16 : R8)[n] as string;

const hex = (n: number): string => (n < 0 ? `-0x${(-n).toString(16)}` : `0x${n.toString(16)}`);

/** Two's complement digits of s32 halves, cut to `size` bytes. */
function unsignedHex(lo: number, hi: number, size: number): string {
  if (size === 8 && hi !== 0) return `0x${(hi >>> 0).toString(16)}${(lo >>> 0).toString(16).padStart(8, '0')}`;
  const mask = size >= 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
  return `0x${((lo & mask) >>> 0).toString(16)}`;
}

/** `ffffffff81000000 <symbol+0x10>`, or `0xffffffff81000000` where it has no name. */
function addressText(a: number, options: FormatOptions): string {
  const digits = BigInt.asUintN(64, BigInt(a)).toString(16);
  const name = options.symbol?.(a);
  return name === undefined ? `0x${digits}` : `${digits} <${name}>`;
}

/** One line: mnemonic, operands, and for rip-relative operands the address in a comment. */
export function formatInsn(insn: X86Insn, options: FormatOptions = {}): string {
  if (insn.row < 0) return '(bad)';
  const f = form(insn.row);
  const att = options.syntax !== 'intel';
  const address = Number(
    typeof options.address === 'bigint' ? BigInt.asIntN(64, options.address) : (options.address ?? 0),
  );
  if (f.string || f.mnemonic === 'xlatb') return stringInsn(insn, f, att);
  return plainInsn(insn, f, att, address, options);
}

function plainInsn(insn: X86Insn, f: Form, att: boolean, address: number, options: FormatOptions): string {
  const predicate = predicateOf(insn, f);
  const name =
    predicate === undefined
      ? att
        ? attMnemonic(insn, f)
        : intelMnemonic(insn, f)
      : f.mnemonic.replace('cmp', `cmp${predicate}`);
  const mnemonic = prefixText(insn, f, att) + name;
  const operands: string[] = [];
  for (const o of f.operands) {
    if (predicate !== undefined && o.place === 'imm') continue;
    const text = operandText(insn, f, o, att, address, options);
    if (text !== '') operands.push(text);
  }
  if (att) attOperandOrder(f, operands);
  let line = operands.length === 0 ? mnemonic : `${mnemonic.padEnd(6)} ${operands.join(',')}`;
  if (insn.mem && insn.base === RIP) {
    const target = address + insn.length + insn.disp;
    line += `        # ${addressText(target, options)}`;
  }
  return line;
}

function operandText(
  insn: X86Insn,
  f: Form,
  o: OperandForm,
  att: boolean,
  address: number,
  options: FormatOptions,
): string {
  const reg = (n: number, size: number): string => (att ? '%' : '') + (o.xmm ? `xmm${n}` : registerName(n, size));
  switch (o.place) {
    case 'reg':
    case 'opcode':
      return reg(insn.reg, o.size);
    case 'vvvv':
      return reg(insn.vvvv, o.size);
    case 'fixed':
      if (o.fixed >= 0) return reg(o.fixed, o.size);
      return att ? '' : '1'; // objdump leaves the 1 of a shift by one away in AT&T syntax
    case 'rm': {
      const star = att && (f.mnemonic === 'jmp' || f.mnemonic === 'call') ? '*' : '';
      if (!insn.mem) return star + reg(insn.rm, o.size);
      return star + (att ? memoryAtt(insn) : sizePrefix(f, o) + memoryIntel(insn));
    }
    case 'moffs':
      return att
        ? segmentText(insn, true) + unsignedHex(insn.immLo, insn.immHi, 8)
        : `${segmentText(insn, false) || 'ds:'}${unsignedHex(insn.immLo, insn.immHi, 8)}`;
    case 'imm': {
      const size =
        f.mnemonic === 'push' || f.mnemonic === 'enter' || f.mnemonic === 'ret' || f.mnemonic === 'int'
          ? immediateWidth(f)
          : narrowImmediate(f, o)
            ? o.size
            : f.size;
      return (att ? '$' : '') + unsignedHex(insn.immLo, insn.immHi, size);
    }
    case 'imm2':
      return (att ? '$' : '') + hex(insn.imm2);
    case 'rel': {
      return addressText(address + insn.length + insn.immLo, options);
    }
  }
}

/** Immediates that are not extended to the operand size: shift counts, bit numbers. */
const narrowImmediate = (f: Form, o: OperandForm): boolean =>
  o.size === 1 && (f.vector || /^(sh|sa|ro|rc|bt|rorx)/.test(f.mnemonic));

const immediateWidth = (f: Form): number => (f.mnemonic === 'push' ? 8 : f.mnemonic === 'int' ? 1 : 2);

function segmentText(insn: X86Insn, att: boolean): string {
  if (insn.segment === 0) return '';
  return `${att ? '%' : ''}${insn.segment === FS ? 'fs' : 'gs'}:`;
}

const addressRegister = (insn: X86Insn, n: number): string =>
  n === RIP
    ? insn.prefixes & PREFIX.ADDRSIZE
      ? 'eip'
      : 'rip'
    : registerName(n, insn.prefixes & PREFIX.ADDRSIZE ? 4 : 8);

/** disp(base,index,scale) */
function memoryAtt(insn: X86Insn): string {
  const segment = segmentText(insn, true);
  const { base, index, disp } = insn;
  if (base < 0 && index < 0) return segment + absolute(insn);
  const d = insn.dispAt > 0 ? hex(disp) : '';
  const b = base >= 0 ? `%${addressRegister(insn, base)}` : '';
  const i =
    index >= 0
      ? `,%${addressRegister(insn, index)},${1 << insn.scale}`
      : hasNullIndex(insn)
        ? nullIndex(insn, true)
        : '';
  return `${segment}${d}(${b}${i})`;
}

/** [base+index*scale+disp] */
function memoryIntel(insn: X86Insn): string {
  const segment = segmentText(insn, false);
  const { base, index, disp } = insn;
  if (base < 0 && index < 0) return `${segment || 'ds:'}${absolute(insn)}`;
  let inside = base >= 0 ? addressRegister(insn, base) : '';
  if (index >= 0) inside += `${base >= 0 ? '+' : ''}${addressRegister(insn, index)}*${1 << insn.scale}`;
  else if (hasNullIndex(insn)) inside += nullIndex(insn, false);
  if (insn.dispAt > 0) inside += disp < 0 ? hex(disp) : `+${hex(disp)}`;
  return `${segment}[${inside}]`;
}

const absolute = (insn: X86Insn): string =>
  unsignedHex(insn.disp, insn.prefixes & PREFIX.ADDRSIZE ? 0 : insn.disp >> 31, 8);

/** A SIB byte without an index where the base would not have needed one. */
const hasNullIndex = (insn: X86Insn): boolean =>
  insn.index < 0 &&
  insn.scale >= 0 &&
  insn.base >= 0 &&
  insn.base !== RIP &&
  insn.sib &&
  ((insn.base & 7) !== 4 || insn.scale > 0);

const nullIndex = (insn: X86Insn, att: boolean): string => {
  const name = insn.prefixes & PREFIX.ADDRSIZE ? 'eiz' : 'riz';
  return att ? `,%${name},${1 << insn.scale}` : `+${name}*${1 << insn.scale}`;
};

const SIZE_NAMES: Readonly<Record<number, string>> = {
  1: 'BYTE PTR ',
  2: 'WORD PTR ',
  4: 'DWORD PTR ',
  8: 'QWORD PTR ',
  16: 'OWORD PTR ',
};

const sizePrefix = (f: Form, o: OperandForm): string =>
  f.mnemonic === 'lea' ? '' : f.vector && o.size === 16 ? 'XMMWORD PTR ' : (SIZE_NAMES[o.size] ?? '');

/** What cmpps and its kin compare by, for the immediates that have a name (SDM vol. 2A, table 3-7). */
const PREDICATES = ['eq', 'lt', 'le', 'unord', 'neq', 'nlt', 'nle', 'ord'];
const VECTOR_COMPARE = /^cmp([ps][sd])$/;
const predicateOf = (insn: X86Insn, f: Form): string | undefined =>
  f.vector && VECTOR_COMPARE.test(f.mnemonic) ? PREDICATES[insn.immLo & 0xff] : undefined;

const INTEL_NAMES: Readonly<Record<string, string>> = {
  sal: 'shl',
  pushfq: 'pushf',
  popfq: 'popf',
  xlatb: 'xlat',
};

/** objdump's own names where they differ from the manual's. */
function intelMnemonic(insn: X86Insn, f: Form): string {
  if (f.mnemonic === 'mov' && (f.immSize === 8 || f.operands.some((o) => o.place === 'moffs'))) return 'movabs';
  if (f.mnemonic === 'nop' && f.modrm < 0)
    return insn.prefixes & PREFIX.OPSIZE ? 'xchg   ax,ax' : insn.prefixes & PREFIX.REX_W ? 'rex.W nop' : 'nop';
  if (f.mnemonic === 'jrcxz' && insn.prefixes & PREFIX.ADDRSIZE) return 'jecxz';
  return INTEL_NAMES[f.mnemonic] ?? f.mnemonic;
}

/** String instructions show the operands that the manual leaves implicit. */
function stringInsn(insn: X86Insn, f: Form, att: boolean): string {
  const narrow = (insn.prefixes & PREFIX.ADDRSIZE) !== 0;
  const r = (n: number): string => registerName(n, narrow ? 4 : 8);
  const si = att ? `${segmentText(insn, true) || '%ds:'}(%${r(6)})` : `${segmentText(insn, false) || 'ds:'}[${r(6)}]`;
  const di = att ? `%es:(%${r(7)})` : `es:[${r(7)}]`;
  if (f.mnemonic === 'xlatb') {
    return att
      ? `xlat   ${segmentText(insn, true) || '%ds:'}(%${r(3)})`
      : `xlat   BYTE PTR ${segmentText(insn, false) || 'ds:'}[${r(3)}]`;
  }
  const name = f.mnemonic.slice(0, 4);
  const suffix = f.size === 1 ? 'b' : f.size === 2 ? 'w' : f.size === 4 ? 'l' : 'q';
  const size = SIZE_NAMES[f.size] as string;
  const accumulator = registerName(0, f.size);
  const mnemonic = (
    prefixText(insn, f, att) + (att && (name === 'movs' || name === 'cmps') ? name + suffix : name)
  ).padEnd(6);
  if (att) {
    if (name === 'movs') return `${mnemonic} ${si},${di}`;
    if (name === 'cmps') return `${mnemonic} ${di},${si}`;
    if (name === 'stos') return `${mnemonic} %${accumulator},${di}`;
    return `${mnemonic} ${name === 'lods' ? si : di},%${accumulator}`;
  }
  if (name === 'movs') return `${mnemonic} ${size}${di},${size}${si}`;
  if (name === 'cmps') return `${mnemonic} ${size}${si},${size}${di}`;
  if (name === 'stos') return `${mnemonic} ${size}${di},${accumulator}`;
  return `${mnemonic} ${accumulator},${size}${name === 'lods' ? si : di}`;
}

/** Prefixes that are not part of the mnemonic, in objdump's words. */
function prefixText(insn: X86Insn, f: Form, att: boolean): string {
  let text = '';
  const { prefixes } = insn;
  if (prefixes & PREFIX.LOCK) text += 'lock ';
  if (prefixes & PREFIX.ADDRSIZE && !insn.mem && !f.string && !/^(jrcxz|xlatb)$/.test(f.mnemonic)) text += 'addr32 ';
  if (f.vex) return text;
  if (f.string) {
    if (prefixes & PREFIX.REP) text += /^(cmps|scas)/.test(f.mnemonic) ? 'repz ' : 'rep ';
    else if (prefixes & PREFIX.REPNE) text += 'repnz ';
  } else {
    if (prefixes & PREFIX.REP && f.prefix !== 0xf3) text += f.lockable && insn.mem ? 'xrelease ' : 'repz ';
    if (prefixes & PREFIX.REPNE && f.prefix !== 0xf2)
      text += /^(call|jmp|ret|j[a-z]+)$/.test(f.mnemonic) ? 'bnd ' : f.lockable && insn.mem ? 'xacquire ' : 'repnz ';
  }
  if (prefixes & PREFIX.DS && (f.mnemonic === 'jmp' || f.mnemonic === 'call') && f.operands[0]?.place === 'rm')
    return `${text}notrack `;
  // an override of a string's source says nothing in 64-bit mode; one that applies to nothing is shown
  if ((f.string && !/^(stos|scas)/.test(f.mnemonic)) || f.mnemonic === 'xlatb' || (att && hintSuffix(insn, f) !== ''))
    return text;
  return (
    OVERRIDES.filter(([bit]) => prefixes & bit)
      .map(([, name]) => `${name} `)
      .join('') + text
  );
}

const OVERRIDES = [
  [PREFIX.DS, 'ds'],
  [PREFIX.CS, 'cs'],
  [PREFIX.ES, 'es'],
  [PREFIX.SS, 'ss'],
] as const;
