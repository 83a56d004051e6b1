/** iced-x86 as the second opinion on lengths, validity and text. */
import * as iced from 'iced-x86';

export interface IcedInsn {
  readonly valid: boolean;
  readonly length: number;
  /** `Add_rm64_r64` */
  readonly code: string;
  /** lower case */
  readonly mnemonic: string;
  /** Intel syntax, {@link normalise}d */
  readonly text: string;
}

const formatter = new iced.Formatter(iced.FormatterSyntax.Intel);
formatter.hexPrefix = '0x';
formatter.hexSuffix = '';
formatter.uppercaseHex = false;
formatter.alwaysShowScale = true;
formatter.showZeroDisplacements = true;
formatter.memorySizeOptions = iced.MemorySizeOptions.Always;
formatter.smallHexNumbersInDecimal = false;
formatter.showBranchSize = false;
formatter.ripRelativeAddresses = true;
formatter.branchLeadingZeros = false;
formatter.displacementLeadingZeros = false;
formatter.addLeadingZeroToHexNumbers = false;

/** Decodes the instruction at the start of `bytes`, of which a processor looks at 15. */
export function icedDecode(bytes: Uint8Array, address = 0): IcedInsn {
  const decoder = new iced.Decoder(64, bytes.slice(0, 15), iced.DecoderOptions.None);
  decoder.ip = BigInt.asUintN(64, BigInt(address));
  const insn = decoder.decode();
  const result = {
    valid: !insn.isInvalid,
    length: insn.length,
    code: iced.Code[insn.code] as string,
    mnemonic: (iced.Mnemonic[insn.mnemonic] as string).toLowerCase(),
    text: normalise(formatter.format(insn)),
  };
  insn.free();
  decoder.free();
  return result;
}

const STRING = /^(movs|cmps|stos|lods|scas)[bwdq]? .*$/;
const RENAMED: Readonly<Record<string, string>> = {
  pushfq: 'pushf',
  popfq: 'popf',
  sal: 'shl',
  prefetch_exclusive: 'prefetch',
  movabs: 'mov',
  xlatb: 'xlat',
};

/**
 * Takes away what is a matter of taste between iced's Intel syntax and objdump's: operand size words, shown
 * prefixes, `ds:`, implicit operands of string instructions, some names.
 */
export function normalise(text: string): string {
  let t = text
    .toLowerCase()
    .replace(/\s+# .*/, '')
    .replace(/\s+/g, ' ')
    .replace(/, /g, ',')
    .replace(/\b(xacquire|xrelease) /g, '')
    .replace(/\b(byte|\w*word) ptr /g, '');
  for (let before = ''; before !== t; ) {
    before = t;
    t = t.replace(
      /^(bnd|[cdefgs]s|notrack|rep(n?[ez])?|xacquire|xrelease|addr32|hint-taken|hint-not-taken|rex\.\w+) /,
      '',
    );
  }
  t = t.replace(/\b(ds|es|cs|ss):/g, '').replace(/([ ,:])(0x[0-9a-f]+)(?=,|$)/g, '$1[$2]');
  t = t.replace(/\[(0x[0-9a-f]+)\]/g, '$1').replace(/gs:|fs:/g, '');
  t = t
    .replace(/\+[re]iz\*\d/, '')
    .replace(/,0x1$/, ',1')
    .replace(/^imul (\w+),\1,/, 'imul $1,');
  if (t === 'xchg rax,rax' || t === 'xchg ax,ax') return 'nop';
  if (STRING.test(t)) t = t.slice(0, 4);
  const [name = '', ...rest] = t.split(' ');
  return [RENAMED[name] ?? name, ...rest].join(' ');
}
