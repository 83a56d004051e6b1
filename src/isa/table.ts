/**
 * The instruction set as one table: RFC 9669 sections 4 and 5 (cpu v1 to v4), and what Linux adds
 * (`may_goto`, load-acquire and store-release, and the forms that its own rewrites make).
 *
 * A row says what selects it beside the opcode, which fields it reads (all others must be zero),
 * and its text. Validity, disassembly and assembly all read this table and nothing else.
 *
 * The text is the kernel's (`print_bpf_insn`). In it `{dst}` `{src}` are register numbers, `{imm}` is
 * decimal and `{ximm}` hexadecimal, `{off}` carries its sign, `{jump}` is a target held in `off`,
 * `{jump32}` one in `imm`, `{wide}` the 64-bit immediate, `{call}` a function.
 */
import * as op from './opcodes.ts';

export type InsnKind =
  | 'alu' /* dst = dst OP operand */
  | 'mov'
  | 'movsx'
  | 'neg'
  | 'swap' /* le, be, bswap */
  | 'cast' /* addr_space_cast, per-CPU address */
  | 'ldimm64'
  | 'ldabs'
  | 'ldind'
  | 'load'
  | 'loadsx'
  | 'store'
  | 'storeimm'
  | 'atomic'
  | 'jump' /* goto, gotol, may_goto */
  | 'branch' /* if dst OP operand */
  | 'call'
  | 'callx'
  | 'exit'
  | 'nospec';

/** Conformance groups of RFC 9669 section 2.4; `linux` are extensions and internal forms. */
export type InsnGroup =
  | 'base32'
  | 'base64'
  | 'divmul32'
  | 'divmul64'
  | 'atomic32'
  | 'atomic64'
  | 'packet'
  | 'callx'
  | 'linux';

export type InsnField = 'dst' | 'src' | 'off' | 'imm';

export interface InsnRow {
  readonly code: number;
  /** mnemonic: `add`, `jsgt`, `ldx`, `fetch_add` ...; with `bits` and `operand` it names a row */
  readonly name: string;
  readonly kind: InsnKind;
  /** width that is computed or accessed */
  readonly bits: 8 | 16 | 32 | 64;
  /** second operand of ALU and branches */
  readonly operand?: 'imm' | 'reg';
  /** values that tell this row from others of the same opcode */
  readonly select: Readonly<Partial<Record<InsnField, number>>>;
  readonly uses: readonly InsnField[];
  readonly text: string;
  /** first `-mcpu` version; undefined where no compiler emits it */
  readonly cpu?: 1 | 2 | 3 | 4;
  readonly group: InsnGroup;
  /** made by the kernel's rewrites only */
  readonly internal?: true;
  /** in the RFC or in newer kernels, refused by Linux 6.12 */
  readonly notIn612?: true;
}

const rows: InsnRow[] = [];
const row = (r: InsnRow): void => {
  rows.push(r);
};

// ---- ALU and ALU64: RFC 9669 section 4.1 -------------------------------------------------

/** operation, mnemonic, text, signed text (offset 1) where there is one */
const ALU: readonly (readonly [number, string, string, string?])[] = [
  [op.BPF_ADD, 'add', '+='],
  [op.BPF_SUB, 'sub', '-='],
  [op.BPF_MUL, 'mul', '*='],
  [op.BPF_DIV, 'div', '/=', 's/='],
  [op.BPF_OR, 'or', '|='],
  [op.BPF_AND, 'and', '&='],
  [op.BPF_LSH, 'lsh', '<<='],
  [op.BPF_RSH, 'rsh', '>>='],
  [op.BPF_MOD, 'mod', '%=', 's%='],
  [op.BPF_XOR, 'xor', '^='],
  [op.BPF_ARSH, 'arsh', 's>>='],
  [op.BPF_MOV, 'mov', '='],
];

for (const bits of [32, 64] as const) {
  const cls = bits === 32 ? op.BPF_ALU : op.BPF_ALU64;
  const r = bits === 32 ? 'w' : 'r';
  const base = bits === 32 ? 'base32' : 'base64';
  const divmul = bits === 32 ? 'divmul32' : 'divmul64';
  for (const [code, name, text, signed] of ALU) {
    const kind = code === op.BPF_MOV ? 'mov' : 'alu';
    const group = name === 'div' || name === 'mod' || name === 'mul' ? divmul : base;
    const forms = [
      ['imm', op.BPF_K, '{imm}'],
      ['reg', op.BPF_X, `${r}{src}`],
    ] as const;
    for (const [operand, source, rhs] of forms) {
      const uses = ['dst', operand === 'imm' ? 'imm' : 'src'] as const;
      const common = { code: cls | code | source, kind, bits, operand, uses, group } as const;
      if (signed) {
        row({ ...common, name: `s${name}`, select: { off: 1 }, text: `${r}{dst} ${signed} ${rhs}`, cpu: 4 });
      }
      if (code === op.BPF_MOV && operand === 'reg') movVariants(cls | code | source, bits, r);
      row({ ...common, name, select: {}, text: `${r}{dst} ${text} ${rhs}`, cpu: 1 });
    }
  }
  row({
    code: cls | op.BPF_NEG,
    name: 'neg',
    kind: 'neg',
    bits,
    select: {},
    uses: ['dst'],
    text: `${r}{dst} = -${r}{dst}`,
    cpu: 1,
    group: base,
  });
}

/** Moves whose offset says what else happens: sign extension (RFC 9669 4.1), and Linux's casts. */
function movVariants(code: number, bits: 32 | 64, r: string): void {
  for (const from of [8, 16, 32] as const) {
    if (from === 32 && bits === 32) continue;
    row({
      code,
      name: `movs${from}`,
      kind: 'movsx',
      bits,
      operand: 'reg',
      select: { off: from },
      uses: ['dst', 'src'],
      text: `${r}{dst} = (s${from})${r}{src}`,
      cpu: 4,
      group: bits === 32 ? 'base32' : 'base64',
    });
  }
  if (bits === 32) return;
  row({
    code,
    name: 'addr_space_cast',
    kind: 'cast',
    bits,
    select: { off: op.BPF_ADDR_SPACE_CAST },
    uses: ['dst', 'src', 'imm'],
    text: 'r{dst} = addr_space_cast(r{src}, {spaces})',
    group: 'linux',
  });
  row({
    code,
    name: 'mov_percpu',
    kind: 'cast',
    bits,
    select: { off: op.BPF_ADDR_PERCPU },
    uses: ['dst', 'src'],
    text: 'r{dst} = &(void __percpu *)(r{src})',
    group: 'linux',
    internal: true,
  });
}

// ---- byte swaps: RFC 9669 section 4.2 ----------------------------------------------------

for (const bits of [16, 32, 64] as const) {
  const swaps = [
    [op.BPF_ALU | op.BPF_END | op.BPF_K, 'le', 1],
    [op.BPF_ALU | op.BPF_END | op.BPF_X, 'be', 1],
    [op.BPF_ALU64 | op.BPF_END | op.BPF_K, 'bswap', 4],
  ] as const;
  for (const [code, name, cpu] of swaps) {
    row({
      code,
      name,
      kind: 'swap',
      bits,
      select: { imm: bits },
      uses: ['dst', 'imm'],
      text: `r{dst} = ${name}${bits} r{dst}`,
      cpu,
      group: bits === 64 ? 'base64' : 'base32',
    });
  }
}

// ---- loads and stores: RFC 9669 section 5 ------------------------------------------------

const SIZES = [
  [op.BPF_B, 8],
  [op.BPF_H, 16],
  [op.BPF_W, 32],
  [op.BPF_DW, 64],
] as const;

for (const [size, bits] of SIZES) {
  const group = bits === 64 ? 'base64' : 'base32';
  const mem = (reg: string, sign = 'u'): string => `*(${sign}${bits} *)(r{${reg}} {off})`;
  /** the kernel's own modes of the same access, behind a fault handler or below an arena's base */
  const modes = [
    [op.BPF_MEM, ''],
    [op.BPF_PROBE_MEM, 'probe_'],
    [op.BPF_PROBE_MEM32, 'arena_'],
  ] as const;
  for (const [mode, prefix] of modes) {
    const extra = prefix === '' ? ({ cpu: 1, group } as const) : ({ group: 'linux', internal: true } as const);
    row({
      code: op.BPF_LDX | mode | size,
      name: `${prefix}ldx`,
      kind: 'load',
      bits,
      select: {},
      uses: ['dst', 'src', 'off'],
      text: `r{dst} = ${mem('src')}`,
      ...extra,
    });
    if (mode === op.BPF_PROBE_MEM) continue;
    row({
      code: op.BPF_STX | mode | size,
      name: `${prefix}stx`,
      kind: 'store',
      bits,
      select: {},
      uses: ['dst', 'src', 'off'],
      text: `${mem('dst')} = r{src}`,
      ...extra,
    });
    row({
      code: op.BPF_ST | mode | size,
      name: `${prefix}st`,
      kind: 'storeimm',
      bits,
      select: {},
      uses: ['dst', 'off', 'imm'],
      text: `${mem('dst')} = {imm}`,
      ...extra,
    });
  }
  if (bits < 64) {
    const sx = {
      kind: 'loadsx',
      bits,
      select: {},
      uses: ['dst', 'src', 'off'],
      text: `r{dst} = ${mem('src', 's')}`,
    } as const;
    row({ ...sx, code: op.BPF_LDX | op.BPF_MEMSX | size, name: 'ldxs', cpu: 4, group });
    row({ ...sx, code: op.BPF_LDX | op.BPF_PROBE_MEMSX | size, name: 'probe_ldxs', group: 'linux', internal: true });
    row({
      code: op.BPF_LD | op.BPF_ABS | size,
      name: 'ldabs',
      kind: 'ldabs',
      bits,
      select: {},
      uses: ['imm'],
      text: `r0 = *(u${bits} *)skb[{imm}]`,
      cpu: 1,
      group: 'packet',
    });
    row({
      code: op.BPF_LD | op.BPF_IND | size,
      name: 'ldind',
      kind: 'ldind',
      bits,
      select: {},
      uses: ['src', 'imm'],
      text: `r0 = *(u${bits} *)skb[r{src} + {imm}]`,
      cpu: 1,
      group: 'packet',
    });
  }
}

// ---- atomics: RFC 9669 section 5.3; BPF_LOAD_ACQ and BPF_STORE_REL came with Linux 6.15 ----

for (const [size, bits] of SIZES) {
  const at = `(u${bits} *)(r{dst} {off})`;
  const suffix = bits === 64 ? '64' : '';
  const group = bits === 64 ? 'atomic64' : 'atomic32';
  const common = { kind: 'atomic', bits, uses: ['dst', 'src', 'off', 'imm'] } as const;
  for (const mode of [op.BPF_ATOMIC, op.BPF_PROBE_ATOMIC]) {
    const internal = mode === op.BPF_PROBE_ATOMIC;
    const prefix = internal ? 'arena_' : '';
    const atomic = (name: string, imm: number, text: string): void =>
      row({
        ...common,
        code: op.BPF_STX | mode | size,
        name: prefix + name,
        select: { imm },
        text,
        ...(internal ? { group: 'linux', internal } : { group, cpu: 3 }),
      });
    if (bits >= 32) {
      const plain = [
        [op.BPF_ADD, 'add', '+='],
        [op.BPF_AND, 'and', '&='],
        [op.BPF_OR, 'or', '|='],
        [op.BPF_XOR, 'xor', '^='],
      ] as const;
      for (const [imm, name, text] of plain) {
        atomic(`lock_${name}`, imm, `lock *(u${bits} *)(r{dst} {off}) ${text} r{src}`);
        atomic(`fetch_${name}`, imm | op.BPF_FETCH, `r{src} = atomic${suffix}_fetch_${name}(${at}, r{src})`);
      }
      atomic('xchg', op.BPF_XCHG, `r{src} = atomic${suffix}_xchg(${at}, r{src})`);
      atomic('cmpxchg', op.BPF_CMPXCHG, `r0 = atomic${suffix}_cmpxchg(${at}, r0, r{src})`);
    }
    if (internal) continue;
    const newer = { ...common, code: op.BPF_STX | mode | size, group: 'linux', notIn612: true } as const;
    row({
      ...newer,
      name: 'load_acquire',
      select: { imm: op.BPF_LOAD_ACQ },
      text: `r{dst} = load_acquire((u${bits} *)(r{src} {off}))`,
    });
    row({
      ...newer,
      name: 'store_release',
      select: { imm: op.BPF_STORE_REL },
      text: `store_release(${at}, r{src})`,
    });
  }
}

// ---- wide immediates: RFC 9669 section 5.4 -----------------------------------------------

const WIDE = ['imm64', 'map', 'map_value', 'btf_id', 'func', 'map_idx', 'map_idx_value'];
WIDE.forEach((name, src) => {
  row({
    code: op.LD_IMM64,
    name,
    kind: 'ldimm64',
    bits: 64,
    select: { src },
    uses: ['dst', 'src', 'imm'],
    text: 'r{dst} = {wide}',
    cpu: 1,
    group: 'base64',
  });
});

// ---- jumps: RFC 9669 section 4.3 ---------------------------------------------------------

const BRANCHES: readonly (readonly [number, string, string, 1 | 2])[] = [
  [op.BPF_JEQ, 'jeq', '==', 1],
  [op.BPF_JGT, 'jgt', '>', 1],
  [op.BPF_JGE, 'jge', '>=', 1],
  [op.BPF_JSET, 'jset', '&', 1],
  [op.BPF_JNE, 'jne', '!=', 1],
  [op.BPF_JSGT, 'jsgt', 's>', 1],
  [op.BPF_JSGE, 'jsge', 's>=', 1],
  [op.BPF_JLT, 'jlt', '<', 2],
  [op.BPF_JLE, 'jle', '<=', 2],
  [op.BPF_JSLT, 'jslt', 's<', 2],
  [op.BPF_JSLE, 'jsle', 's<=', 2],
];

for (const [cls, bits, r] of [
  [op.BPF_JMP, 64, 'r'],
  [op.BPF_JMP32, 32, 'w'],
] as const) {
  for (const [code, name, text, first] of BRANCHES) {
    const common = { name, kind: 'branch', bits, select: {} } as const;
    const cpu = bits === 32 ? 3 : first;
    const group = bits === 32 ? 'base32' : 'base64';
    row({
      ...common,
      code: cls | code | op.BPF_K,
      operand: 'imm',
      uses: ['dst', 'imm', 'off'],
      text: `if ${r}{dst} ${text} {ximm} goto {jump}`,
      cpu,
      group,
    });
    row({
      ...common,
      code: cls | code | op.BPF_X,
      operand: 'reg',
      uses: ['dst', 'src', 'off'],
      text: `if ${r}{dst} ${text} ${r}{src} goto {jump}`,
      cpu,
      group,
    });
  }
}

const control = { bits: 64, select: {} } as const;
row({
  ...control,
  code: op.BPF_JMP | op.BPF_JA,
  name: 'ja',
  kind: 'jump',
  uses: ['off'],
  text: 'goto {jump}',
  cpu: 1,
  group: 'base32',
});
row({
  ...control,
  code: op.BPF_JMP32 | op.BPF_JA,
  name: 'jal',
  kind: 'jump',
  uses: ['imm'],
  text: 'gotol {jump32}',
  cpu: 4,
  group: 'base32',
});
row({
  ...control,
  code: op.BPF_JMP | op.BPF_JCOND,
  name: 'may_goto',
  kind: 'jump',
  uses: ['off'],
  text: 'may_goto {jump}',
  cpu: 4,
  group: 'linux',
});
row({
  ...control,
  code: op.BPF_JMP | op.BPF_EXIT,
  name: 'exit',
  kind: 'exit',
  uses: [],
  text: 'exit',
  cpu: 1,
  group: 'base32',
});
const call = { code: op.BPF_JMP | op.BPF_CALL, kind: 'call', bits: 64, cpu: 1, group: 'base32' } as const;
row({ ...call, name: 'call', select: { src: 0 }, uses: ['imm'], text: 'call {call}' });
row({
  ...call,
  cpu: 3,
  name: 'call_local',
  select: { src: op.BPF_PSEUDO_CALL },
  uses: ['src', 'imm'],
  text: 'call pc{call}',
});
row({
  ...call,
  name: 'call_kfunc',
  select: { src: op.BPF_PSEUDO_KFUNC_CALL },
  uses: ['src', 'imm', 'off'],
  text: 'call {call}',
});
row({
  ...control,
  code: op.BPF_JMP | op.BPF_CALL | op.BPF_X,
  name: 'callx',
  kind: 'callx',
  uses: ['dst'],
  text: 'callx r{dst}',
  cpu: 1,
  group: 'callx',
  notIn612: true,
});
row({
  ...control,
  code: op.BPF_JMP | op.BPF_TAIL_CALL,
  name: 'tail_call',
  kind: 'call',
  uses: ['imm'],
  text: 'tail_call {imm}',
  group: 'linux',
  internal: true,
});
row({
  ...control,
  code: op.BPF_ST | op.BPF_NOSPEC,
  name: 'nospec',
  kind: 'nospec',
  uses: [],
  text: 'nospec',
  group: 'linux',
  internal: true,
});

/** Every row, in the order in which an assembler should try them. */
export const table: readonly InsnRow[] = rows;

const byCode: (readonly InsnRow[])[] = Array.from({ length: 256 }, () => []);
for (const r of rows) (byCode[r.code] as InsnRow[]).push(r);

/** Rows of one opcode; empty where the opcode is unknown. */
export const rowsOf = (code: number): readonly InsnRow[] => byCode[code & 0xff] ?? [];
