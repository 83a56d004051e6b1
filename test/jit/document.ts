/**
 * Writes docs/jit-lowerings.md: every row of the instruction table that the JIT lowers, with the x86 instructions
 * that it becomes, and the cases in which registers and immediates choose another form. Part of `npm run docs`.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { assemble, disassemble, type Insn, type InsnRow, insn, LD_IMM64, table } from '../../src/isa/index.ts';
import { DEFAULT_FEATURES, JitError, type JitFunc, type JitInput, jit } from '../../src/jit/index.ts';
import { decode, formatInsn } from '../../src/x86/index.ts';

export const DOCUMENT = fileURLToPath(new URL('../../docs/jit-lowerings.md', import.meta.url));

const IMAGE = 0xffff_ffff_c000_0000n;
const FILLER = insn(0xb4, 0, 0, 0, 1);

interface Case {
  readonly insns: readonly Insn[];
  readonly func?: Partial<JitFunc>;
  readonly input?: Partial<JitInput>;
}

function compile({ insns, func, input }: Case) {
  // what follows gives jumps a target
  const body = [...insns, FILLER, FILLER, FILLER, insn(0x95, 0, 0, 0, 0)];
  return jit({
    funcs: [{ name: 'f', insns: body, stackDepth: 0, tailCallReachable: false, ...func }],
    features: DEFAULT_FEATURES,
    place: () => [IMAGE],
    callBase: 0xffff_ffff_8128_6bb0n,
    symbol: () => 0xffff_ffff_8100_0000n,
    pokes: [{ mapIndex: 0, key: 0 }],
    arena: { kernVmStart: 0xffff_c900_0000_0000n, userVmStart: 0x1000_0000_0000n },
    ...input,
  }).funcs[0];
}

/** x86 lines from one offset to another; jump targets inside count from the first byte shown. */
function lines(bytes: Uint8Array, from: number, to: number): string[] {
  const out: string[] = [];
  for (let at = from; at < to; ) {
    const x86 = decode(bytes, at);
    const hex = Buffer.from(bytes.slice(at, at + x86.length))
      .toString('hex')
      .replace(/(..)(?=.)/g, '$1 ');
    let text = formatInsn(x86, { syntax: 'intel', address: at - from });
    const jump = /^(j\w+|call) +(0x[0-9a-f]+)$/.exec(text);
    if (jump) {
      const target = Number(BigInt.asIntN(64, BigInt(jump[2] as string)));
      const inside = target >= 0 && target <= to - from && jump[1] !== 'call';
      text = `${(jump[1] as string).padEnd(6)} ${inside ? `+${target}` : jump[1] === 'call' ? 'function' : 'target'}`;
    }
    out.push(`    ${hex.padEnd(33)} ${text}`);
    at += x86.length;
  }
  return out.length > 0 ? out : ['    (nothing)'];
}

function show(title: string, c: Case): string[] {
  const f = compile(c);
  if (!f) return [];
  return [title, ...lines(f.bytes, f.insnOffsets[0] as number, f.insnOffsets[c.insns.length] as number), ''];
}

/** A row with registers that need no special care: dst r6 (rbx), src r2 (rsi). */
function sample(row: InsnRow): Insn[] {
  const take = (field: 'dst' | 'src' | 'off' | 'imm', value: number): number =>
    row.select[field] ?? (row.uses.includes(field) ? value : 0);
  const isJump = row.kind === 'jump' || row.kind === 'branch';
  const imm =
    row.name === 'jal'
      ? 2
      : /sh$/.test(row.name)
        ? 7
        : row.kind === 'call'
          ? row.name === 'tail_call'
            ? 0
            : 230_480
          : 100;
  const i = insn(row.code, take('dst', 6), take('src', 2), take('off', isJump ? 2 : 16), take('imm', imm));
  if (row.code !== LD_IMM64) return [i];
  i.imm = row.name === 'func' ? -1 : 0x55667788;
  return [i, insn(0, 0, 0, 0, row.name === 'func' ? 0 : 0x11223344)];
}

function rowLines(row: InsnRow): string[] {
  const insns = sample(row);
  if (row.name === 'call_local' || row.name === 'func') return [];
  try {
    const name = row.internal ? `   [${row.name}]` : '';
    return show(disassemble(insns[0] as Insn, insns[1], { call: () => 'function' }) + name, { insns });
  } catch (error) {
    if (error instanceof JitError) return [];
    throw error;
  }
}

const SECTIONS: readonly (readonly [string, (row: InsnRow) => boolean])[] = [
  ['Arithmetic and moves, 64 bits', (r) => ['alu', 'mov', 'movsx', 'neg', 'cast'].includes(r.kind) && r.bits === 64],
  ['Arithmetic and moves, 32 bits', (r) => ['alu', 'mov', 'movsx', 'neg'].includes(r.kind) && r.bits === 32],
  ['Byte order', (r) => r.kind === 'swap'],
  ['Wide immediates', (r) => r.kind === 'ldimm64'],
  ['Loads and stores', (r) => ['load', 'loadsx', 'store', 'storeimm'].includes(r.kind) && !r.internal],
  [
    'Loads that may fault, and arenas',
    (r) => ['load', 'loadsx', 'store', 'storeimm'].includes(r.kind) && r.internal === true,
  ],
  ['Atomics', (r) => r.kind === 'atomic'],
  ['Branches and jumps', (r) => r.kind === 'branch' || r.kind === 'jump'],
  ['Calls, exit, barriers', (r) => ['call', 'exit', 'nospec'].includes(r.kind)],
];

const FORMS = `r1 = -1|r1 = 0|w1 = -1|r1 = 0xffffffff ll|r1 = 0xffffffff80000000 ll|r1 = 0x80000000 ll
r1 = r1|w1 = w1|w0 = (s8)w6
r0 += 1000|r6 += 1000|r0 += 1|r6 <<= 1|r6 <<= r4|r4 <<= r2|r4 <<= r4
r0 /= r6|r3 /= r6|r6 /= r0|r6 %= r3|r0 %= r3|w3 s/= w0
r6 = *(u64 *)(r10 +0)|r6 = *(u64 *)(r10 -200)|*(u8 *)(r10 -1) = r2|*(u8 *)(r10 -1) = r6
r0 = atomic64_fetch_or((u64 *)(r1 +0), r0)|r2 = atomic_fetch_xor((u32 *)(r0 +0), r2)
if r6 == 0x0 goto pc+2|if r6 == 0x7f goto pc+2|if r6 == 0x80 goto pc+2|goto pc+0|goto pc-1`;

function forms(): string[] {
  const shown = FORMS.split(/[|\n]/).flatMap((text) => {
    const { insns } = assemble(text);
    return show(disassemble(insns[0] as Insn, insns[1]), { insns });
  });
  const noBmi2 = { features: { ...DEFAULT_FEATURES, bmi2: false } };
  for (const text of ['r6 <<= r2', 'r4 s>>= r2']) {
    const { insns } = assemble(text);
    shown.push(...show(`${disassemble(insns[0] as Insn)}   [without BMI2]`, { insns, input: noBmi2 }));
  }
  return shown;
}

/** Prologue and epilogue of a function that uses R6 and R7 and 24 bytes of stack. */
function frames(): string[] {
  const uses = assemble('r6 = 1\nr7 = 1').insns;
  const variants: [string, Partial<JitFunc>, Partial<JitInput>][] = [
    ['plain', {}, {}],
    ['entry of a program that may tail-call', { tailCallReachable: true }, {}],
    ['exception boundary', { exceptionBoundary: true }, {}],
    ['exception callback', { isExceptionCb: true }, {}],
    ['converted from classic BPF', {}, { classic: true }],
    ['with an arena', {}, { arena: { kernVmStart: 0xffff_c900_0000_0000n, userVmStart: 0n } }],
  ];
  return variants.flatMap(([title, func, input]) => {
    const c: Case = {
      insns: uses,
      func: { stackDepth: 24, ...func },
      input: { arena: undefined, ...input } as Partial<JitInput>,
    };
    const f = compile(c);
    if (!f) return [];
    const exit = f.insnOffsets[f.insnOffsets.length - 2] as number;
    return [
      `prologue: ${title}`,
      ...lines(f.bytes, 0, f.insnOffsets[0] as number),
      'epilogue',
      ...lines(f.bytes, exit, f.bytes.length),
      '',
    ];
  });
}

function tailCalls(): string[] {
  const func = { tailCallReachable: true, stackDepth: 8 };
  const direct = show('(f5) tail_call   [constant slot, empty]', { insns: [insn(0xf5, 0, 0, 0, 1)], func });
  const indirect = show('(f5) tail_call   [variable slot]', { insns: [insn(0xf5, 0, 0, 0, 0)], func });
  const retpoline = show('(f5) tail_call   [variable slot, retpoline]', {
    insns: [insn(0xf5, 0, 0, 0, 0)],
    func,
    input: { features: { ...DEFAULT_FEATURES, retpoline: true } },
  });
  return [...indirect, ...retpoline, ...direct];
}

const block = (title: string, body: readonly string[]): string =>
  `## ${title}\n\n\`\`\`\n${body.join('\n').trimEnd()}\n\`\`\`\n`;

const HEAD = `# Each lowering of the JIT

Generated by \`npm run docs\` (\`test/jit/document.ts\`); [jit.md](jit.md) tells how the JIT works.

Bytes and instructions (Intel syntax) for each row of the instruction table, with dst R6 (rbx) and src R2 (rsi),
offset 16 and immediate 100; then what other registers and immediates change. Jump targets \`+n\` count from the
first byte shown.
`;

export function generate(): string {
  const parts = [HEAD, block('Frames', frames())];
  for (const [title, wants] of SECTIONS) parts.push(block(title, table.filter(wants).flatMap(rowLines)));
  parts.push(block('Tail calls', tailCalls()));
  parts.push(block('Forms that operands choose', forms()));
  return parts.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCUMENT, generate());
