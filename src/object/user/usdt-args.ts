/**
 * Arguments of USDT probes: the assembler's operands in the note, `-4@%edi 8@-8(%rbp) 4@$5`, to what libbpf's
 * `usdt.bpf.h` reads them by (libbpf 1.5, `struct __bpf_usdt_spec`):
 *
 *     +00  twelve arguments of 16 bytes: u64 val_off, u32 kind, s16 reg_off in pt_regs, u8 signed, s8 bitshift
 *     +c0  u64 cookie   +c8  s16 number of arguments
 */

export const SPEC_BYTES = 208;
const MOST_ARGS = 12;
const ARG_BYTES = 16;
const COOKIE = MOST_ARGS * ARG_BYTES;
const COUNT = COOKIE + 8;

const KIND = { CONST: 0, REG: 1, REG_DEREF: 2 } as const;

/** Offsets in `struct pt_regs` (x86-64 ABI), by every name of the register. */
const REGISTERS: ReadonlyMap<string, number> = new Map(
  (
    [
      ['rip eip', 128],
      ['rax eax ax al', 80],
      ['rbx ebx bx bl', 40],
      ['rcx ecx cx cl', 88],
      ['rdx edx dx dl', 96],
      ['rsi esi si sil', 104],
      ['rdi edi di dil', 112],
      ['rbp ebp bp bpl', 32],
      ['rsp esp sp spl', 152],
      ...[72, 64, 56, 48, 24, 16, 8, 0].map((at, n) => [`r${n + 8} r${n + 8}d r${n + 8}w r${n + 8}b`, at] as const),
    ] as readonly (readonly [string, number])[]
  ).flatMap(([names, at]) => names.split(' ').map((name) => [name, at] as const)),
);

interface UsdtArg {
  readonly kind: number;
  readonly value: bigint;
  readonly register: number;
  readonly size: number;
}

const NUMBER = '(-?(?:0x[0-9a-fA-F]+|\\d+))';
const FORMS: readonly (readonly [RegExp, number])[] = [
  [new RegExp(`^(-?\\d+)@${NUMBER}?\\(%(\\w+)\\)$`), KIND.REG_DEREF],
  [/^(-?\d+)@()%(\w+)$/, KIND.REG],
  [new RegExp(`^(-?\\d+)@\\$${NUMBER}()$`), KIND.CONST],
];

/** One operand; undefined where it is none that libbpf reads. */
function readArg(text: string): UsdtArg | undefined {
  for (const [form, kind] of FORMS) {
    const match = form.exec(text);
    if (match === null) continue;
    const [, size = '', value, register = ''] = match;
    const at = kind === KIND.CONST ? 0 : REGISTERS.get(register);
    if (at === undefined || ![1, 2, 4, 8].includes(Math.abs(Number(size)))) return undefined;
    const negative = value?.startsWith('-') ?? false;
    const magnitude = BigInt((value || '0').replace('-', ''));
    return { kind, value: negative ? -magnitude : magnitude, register: at, size: Number(size) };
  }
  return undefined;
}

/** The spec of a probe's arguments. A string: why it cannot be read. */
export function usdtSpec(args: string, cookie: bigint): Uint8Array | string {
  const texts = args.split(/\s+/).filter((text) => text !== '');
  if (texts.length > MOST_ARGS) return `${texts.length} arguments, of which libbpf reads ${MOST_ARGS}`;
  const bytes = new Uint8Array(SPEC_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [n, text] of texts.entries()) {
    const arg = readArg(text);
    if (arg === undefined) return `argument ${n} is '${text}', which libbpf does not read`;
    const at = n * ARG_BYTES;
    view.setBigInt64(at, arg.value, true);
    view.setUint32(at + 8, arg.kind, true);
    view.setInt16(at + 12, arg.register, true);
    view.setUint8(at + 14, arg.size < 0 ? 1 : 0);
    view.setInt8(at + 15, 64 - 8 * Math.abs(arg.size));
  }
  view.setBigUint64(COOKIE, cookie, true);
  view.setInt16(COUNT, texts.length, true);
  return bytes;
}
