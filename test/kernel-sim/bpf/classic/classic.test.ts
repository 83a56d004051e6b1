import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ClassicError,
  type ClassicKernel,
  convertClassic,
  looksLikeFilters,
  parseFilters,
  readFilters,
  writeFilters,
} from '../../../../kernel-sim/bpf/classic/index.ts';
import { listing } from '../../../../src/isa/index.ts';
import { DEFAULT_FEATURES, jit } from '../../../../src/jit/index.ts';
import { holdFigures } from '../../../support/figures.ts';
import { fromHex, haveShared, readJsonl } from '../../../support/shared.ts';

/** Debian's 6.12.117 amd64: offsets from its BTF, addresses from its kallsyms. */
const OFFSETS: Record<string, number> = {
  data: 208,
  len: 112,
  data_len: 116,
  protocol: 180,
  __pkt_type_offset: 128,
  dev: 16,
  mark: 168,
  hash: 152,
  queue_mapping: 124,
  vlan_tci: 158,
  vlan_all: 156,
  vlan_proto: 156,
  ifindex: 224,
  type: 560,
};
const CALL_BASE = 0xffff_ffff_8128_6bb0n;
const FUNCTIONS: Record<string, bigint> = {
  bpf_user_rnd_u32: 0xffff_ffff_8128_f870n,
  bpf_get_raw_cpu_id: 0xffff_ffff_8128_f8c0n,
  bpf_skb_get_pay_offset: 0xffff_ffff_81a9_9ba0n,
  bpf_skb_get_nlattr: 0xffff_ffff_81a9_9bd0n,
  bpf_skb_get_nlattr_nest: 0xffff_ffff_81a9_9c40n,
  bpf_skb_load_helper_8: 0xffff_ffff_81aa_3a60n,
  bpf_skb_load_helper_16: 0xffff_ffff_81aa_3c40n,
  bpf_skb_load_helper_32: 0xffff_ffff_81aa_3b50n,
};
const kernel: ClassicKernel = {
  offset: (_, field) => OFFSETS[field] as number,
  call: (name) => Number((FUNCTIONS[name] as bigint) - CALL_BASE),
};

/** The image of a converted filter; its address is found by the reference's first call. */
function image(text: string, reference: Uint8Array): string {
  const { insns, stackDepth } = convertClassic(parseFilters(text), kernel);
  let address = 0xffff_ffff_c000_0000n;
  const compile = () =>
    jit({
      funcs: [{ name: 'filter', insns, stackDepth, tailCallReachable: false }],
      features: DEFAULT_FEATURES,
      place: () => [address],
      callBase: CALL_BASE,
      symbol: () => 0n,
      classic: true,
    }).funcs[0];
  const slot = insns.findIndex((i) => i.code === 0x85);
  const at = slot < 0 ? -1 : (compile()?.insnOffsets[slot] as number);
  if (at >= 0 && at + 5 <= reference.length) {
    const rel = new DataView(reference.buffer, reference.byteOffset).getInt32(at + 1, true);
    address = BigInt.asUintN(64, CALL_BASE + BigInt(insns[slot]?.imm ?? 0) - BigInt(rel + at + 5));
  }
  return Buffer.from(compile()?.bytes ?? []).toString('hex');
}

describe('classic filters against Linux 6.12.117', () => {
  const blocks = readFileSync(new URL('images.txt', import.meta.url), 'utf8')
    .split(/^== /m)
    .slice(1);
  it('converts to the same machine code, or refuses with EINVAL as Linux does', () => {
    for (const block of blocks) {
      const [, name, filter, hex] = /^(.*)\n([\d\s]+)\n(?:image\n([0-9a-f\n]+)|EINVAL)\s*$/.exec(block) ?? [];
      if (hex === undefined)
        expect(() => convertClassic(parseFilters(filter as string), kernel), name).toThrow(ClassicError);
      else expect(image(filter as string, fromHex(hex.replace(/\n/g, ''))), name).toBe(hex.replace(/\n/g, ''));
    }
    holdFigures('classic', 'images', { filters: blocks.length });
  });
});

describe.runIf(haveShared)('classic filters of the kernel’s own tests', () => {
  it('accepts and refuses the same', () => {
    for (const test of readJsonl<{ name: string; insns: string; expected_errcode?: number }>(
      'conformance/isa/test_bpf_classic.jsonl.gz',
    )) {
      const filters = readFilters(fromHex(test.insns));
      expect(Buffer.from(writeFilters(filters)).toString('hex')).toBe(test.insns);
      if (test.expected_errcode === undefined) convertClassic(filters, kernel);
      else expect(() => convertClassic(filters, kernel), test.name).toThrow(ClassicError);
    }
  });
});

describe('texts of classic filters', () => {
  const ip = [
    { code: 40, jt: 0, jf: 0, k: 12 },
    { code: 21, jt: 0, jf: 1, k: 2048 },
    { code: 6, jt: 0, jf: 0, k: 262144 },
    { code: 6, jt: 0, jf: 0, k: 0 },
  ];
  it.each([
    ['tcpdump -ddd', '4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n'],
    [
      'tcpdump -dd',
      '{ 0x28, 0, 0, 0x0000000c },\n{ 0x15, 0, 1, 0x00000800 },\n{ 0x6, 0, 0, 0x00040000 },\n{ 0x6, 0, 0, 0x00000000 },\n',
    ],
    ['bpf_asm', '4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,'],
  ])('%s', (_, text) => {
    expect(looksLikeFilters(text)).toBe(true);
    expect(parseFilters(text)).toEqual(ip);
  });

  it('says what does not fit', () => {
    const cases: [string, string][] = [
      ['x\n', 'classic filter: the first line must be the number of instructions, found "x"'],
      ['2\n6 0 0 0\n', 'classic filter: 2 instructions announced, 1 given'],
      ['1\n6 0 0\n', 'classic filter, instruction 0: needs four numbers (code jt jf k), has "6 0 0"'],
      ['1\n6 0 256 0\n', 'classic filter, instruction 0: jf is "256"'],
    ];
    for (const [text, message] of cases) expect(() => parseFilters(text)).toThrow(message);
  });

  it('converts `ip` of tcpdump', () => {
    expect(listing(convertClassic(ip, kernel).insns).map((l) => l.text)).toMatchInlineSnapshot(`
      [
        "(ac) w0 ^= w0",
        "(ac) w7 ^= w7",
        "(bf) r6 = r1",
        "(79) r8 = *(u64 *)(r6 +208)",
        "(61) r9 = *(u32 *)(r6 +112)",
        "(61) r2 = *(u32 *)(r6 +116)",
        "(1c) w9 -= w2",
        "(bf) r2 = r9",
        "(17) r2 -= 12",
        "(c5) if r2 s< 0x2 goto pc+3",
        "(69) r0 = *(u16 *)(r8 +12)",
        "(dc) r0 = be16 r0",
        "(05) goto pc+8",
        "(bf) r1 = r6",
        "(bf) r2 = r8",
        "(bf) r3 = r9",
        "(b7) r4 = 12",
        "(85) call unknown#8507536",
        "(75) if r0 s>= 0x0 goto pc+2",
        "(ac) w0 ^= w0",
        "(95) exit",
        "(55) if r0 != 0x800 goto pc+2",
        "(b4) w0 = 262144",
        "(95) exit",
        "(b4) w0 = 0",
        "(95) exit",
      ]
    `);
  });
});
