/** Verdicts, texts and rewrites of small programs, as Linux 6.12.117 gave them. */
import { describe, expect, it } from 'vitest';
import { ArenaMap } from '../../../kernel-sim/bpf/maps/arena.ts';
import { BpfError, Kernel, type MapHandle } from '../../../src/index.ts';
import { assemble, BPF_PSEUDO_MAP_VALUE, disassemble, type Insn, insn, readInsns } from '../../../src/isa/index.ts';

const ARENA_START = 2 ** 44;
const BPF_F_MMAPABLE = 1024;
const kernel = await Kernel.boot();
const { bpf } = kernel;

const arena = (mapExtra: number): MapHandle =>
  bpf.mapCreate({ type: 'arena', keySize: 0, valueSize: 0, maxEntries: 2, flags: BPF_F_MMAPABLE, mapExtra });
const valueAt = (reg: number, map: MapHandle, off: number): Insn[] => [
  insn(0x18, reg, BPF_PSEUDO_MAP_VALUE, 0, map.fd),
  insn(0, 0, 0, 0, off),
];
const code = (text: string): Insn[] => assemble(text).insns;
function judge(insns: Insn[], type = 'xdp'): { log: string; errno: string; xlated: string[] } {
  try {
    const prog = bpf.progLoad({ type, insns, license: 'GPL', logLevel: 2 });
    const xlated = readInsns(prog.xlated);
    return { log: prog.log, errno: '', xlated: xlated.map((i, n) => disassemble(i, xlated[n + 1])) };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { log: error.log, errno: error.errno, xlated: [] };
  }
}

it('a pointer to a map value is never zero, its low half may be', () => {
  const array = bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 16, maxEntries: 1 });
  const wide = [...valueAt(2, array, 0), ...code('if r2 == 0x0 goto +1\nr3 = 1\nr0 = 0\nexit')];
  expect(judge(wide).log).not.toContain('from 2 to 4');
  const narrow = [...valueAt(2, array, 0), ...code('if w2 == 0x0 goto +1\nr3 = 1\nr0 = 0\nexit')];
  expect(judge(narrow).log).toContain('from 2 to 4');
});

describe('arenas', () => {
  it.each([
    [0, 0, 'EINVAL', "arena's user address must be set via map_extra or mmap()"],
    [4, 0, 'ERANGE', 'invalid access to map value pointer, value_size=0 off=4'],
    [8192, ARENA_START, '', ''],
    [12288, ARENA_START, 'ERANGE', 'invalid access to map value pointer, value_size=0 off=12288'],
  ])('offset %d of one at %d', (off, start, errno, text) => {
    const found = judge([...valueAt(1, arena(start), off), ...code('r0 = 0\nexit')]);
    expect(found.errno).toBe(errno);
    expect(found.log).toContain(text);
  });

  it('the kernel has 4 GB and a guard for each, wherever the user has it', async () => {
    const kernel = await Kernel.boot();
    const starts = [0, 0x1234_5000, 0xf000_0000, 0x7fff_8000_0000 - ARENA_START].map((more) => {
      const { map } = kernel.bpf.mapCreate({
        type: 'arena',
        keySize: 0,
        valueSize: 0,
        maxEntries: 2,
        flags: BPF_F_MMAPABLE,
        mapExtra: ARENA_START + more,
      });
      return map instanceof ArenaMap ? map.ranges.kernVmStart : 0n;
    });
    // Linux: ffffc900006d3000, ffffc901006e4000, ffffc902006f5000, ffffc90300706000
    expect(starts.slice(1).map((at, n) => (at - starts[n]!).toString(16))).toEqual(Array(3).fill('100011000'));
    expect(starts[0]! & 0xffff_ffff_0000_0fffn).toBe(0xffff_c900_0000_0000n);
  });

  it.each([0, 0x1234_5000, 0xffff_e000])('its pages are there: at 16 TB and %i', (more) => {
    const start = ARENA_START + more;
    const map = arena(start);
    const insns = [
      ...valueAt(1, map, 4096),
      insn(0xbf, 1, 1, 1, 1), // addr_space_cast to the kernel's
      insn(0x62, 1, 0, 8, 42),
      insn(0x61, 0, 1, 8, 0),
      insn(0x95, 0, 0, 0, 0),
    ];
    const prog = bpf.progLoad({ type: 'syscall', insns, license: 'GPL', flags: 16 });
    expect(prog.testRun().retval).toBe(42);
    expect(prog.testRun().retval).toBe(42);
    map.close();
  });

  it('its addresses are shown as they are', () => {
    const { xlated } = judge([...valueAt(1, arena(ARENA_START), 8), ...code('r0 = 0\nexit')]);
    expect(xlated[0]).toBe('(18) r1 = 0x100000000008');
  });
});

describe('rewrites', () => {
  it('a jump to what becomes nothing goes on with what follows', () => {
    const callee =
      'r0 = 0\nr6 = 0\nr5 = 1\nif r0 s>= r5 goto +2\nif r6 != 0x7 goto +1\nr6 = 1\nif w6 <= w6 goto +1\nr0 = 7\nexit';
    const found = judge([insn(0x85, 0, 1, 0, 1), ...code(`exit\n${callee}`)]);
    expect(found.errno).toBe('');
    expect(found.xlated.at(-1)).toBe('(95) exit');
  });

  it('a sign-extending load of cb[] is a plain one and its extension', () => {
    const { xlated } = judge(code('r3 = *(s16 *)(r1 +52)\nr0 = 0\nexit'), 'sched_act');
    expect(xlated[0]).toMatch(/^\(69\) r3 = \*\(u16 \*\)/);
    expect(xlated[1]).toBe('(bf) r3 = (s16)r3');
  });
});

it('what does not return has nothing behind it', () => {
  const load = (expectedAttachType: string): string => {
    try {
      const insns = code('r0 = 0\nexit');
      const attachBtf = 'do_exit';
      bpf.progLoad({ type: 'tracing', expectedAttachType, attachBtf, insns, license: 'GPL', logLevel: 2 });
      return '';
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return error.log;
    }
  };
  expect(load('trace_fexit')).toContain('Attaching fexit/fmod_ret to __noreturn functions is rejected.');
  expect(load('trace_fentry')).toBe('');
});

describe('kfuncs that take a map', () => {
  const { btf } = kernel;
  const SUM = btf.findByName('bpf_map_sum_elem_count', 'func');
  const of = (r1: Insn[]) => {
    const insns = [...r1, insn(0x85, 0, 2, 0, SUM), ...code('r0 = 0\nexit')];
    try {
      const attach = { expectedAttachType: 'trace_iter', attachBtf: 'bpf_map' };
      return bpf.progLoad({ type: 'tracing', insns, license: 'GPL', logLevel: 2, ...attach }).log;
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return error.log;
    }
  };
  it.each([
    ["an iterator's struct bpf_map", code('r1 = *(u64 *)(r1 +8)\nif r1 == 0x0 goto +1'), 'processed 7 insns'],
    [
      'another structure',
      code('r1 = *(u64 *)(r1 +0)\nif r1 == 0x0 goto +1'),
      'args#0 expected pointer to STRUCT bpf_map but R1 has a pointer to STRUCT bpf_iter_meta',
    ],
    ['a number', code('r1 = 1'), 'arg#0 pointer type STRUCT bpf_map must point to scalar, or struct with scalar'],
  ])('given %s', (_, r1, text) => {
    expect(of(r1)).toContain(text);
  });
});

it.each([
  ['a counter of may_goto', [...code('r0 = 0'), insn(0xe5, 0, 0, 1, 0), insn(0x05, 0, 0, -2, 0), ...code('exit')], 8],
  [
    'no more what a fastcall does not clobber',
    code('r1 = 1\n*(u64 *)(r10 -16) = r1\ncall 8\nr1 = *(u64 *)(r10 -16)\nr0 = r1\nexit'),
    8,
  ],
])('the depth of the stack has %s', (_, insns, depth) => {
  const { log } = bpf.progLoad({ type: 'xdp', insns, license: 'GPL', logLevel: 6 });
  expect(/^stack depth (.*)$/m.exec(log)?.[1]).toBe(String(depth));
});
