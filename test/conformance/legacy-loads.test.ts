/** BPF_LD | BPF_ABS and BPF_IND: RFC 9669 section 5.5, linux/filter.h SKF_NET_OFF and SKF_LL_OFF. */
import { beforeAll, describe, expect, it } from 'vitest';
import { BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_LD, BPF_W, insn, writeInsns } from '../../src/isa/index.ts';
import { ENGINES, type Engine, engine } from '../support/drivers.ts';

const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;
const ETH_HLEN = 14;
const packet = Uint8Array.from({ length: 64 }, (_, n) => (n * 3 + 1) & 0xff);
const SIZES = [
  [BPF_B, 1],
  [BPF_H, 2],
  [BPF_W, 4],
] as const;

const engines = new Map<string, Engine>();
beforeAll(async () => {
  for (const name of ENGINES) engines.set(name, await engine(name));
});

/** Big-endian, undefined where the packet ends before. */
function at(offset: number, size: number): number | undefined {
  if (offset < 0 || offset + size > packet.length) return undefined;
  return packet.subarray(offset, offset + size).reduce((value, byte) => value * 256 + byte, 0);
}

describe.each(ENGINES)('%s', (name) => {
  // through the verifier a socket filter's packet begins behind its Ethernet header
  it.each([
    [false, 0],
    [true, ETH_HLEN],
  ])('loads from packets, and ends with 0 beyond them (verify: %s)', (verify, data) => {
    for (const [code, size] of SIZES) {
      for (const [offset, place] of [
        ...[0, 1, 13, 46, 47, 49, 50, 60, 61, 62, 63, 64, 0x7fff, 0x12345].map((k) => [k, data + k] as const),
        ...[0, 5].map((k) => [SKF_NET_OFF + k, ETH_HLEN + k] as const),
        ...[0, 62, 100].map((k) => [SKF_LL_OFF + k, k] as const),
        [-1, -1],
        [SKF_LL_OFF - 1, -1],
      ] as const) {
        for (const index of [undefined, 0, 3]) {
          if (index !== undefined && offset < 0) continue;
          const load = insn(
            BPF_LD | (index === undefined ? BPF_ABS : BPF_IND) | code,
            0,
            index === undefined ? 0 : 7,
            0,
            offset,
          );
          const insns = writeInsns([
            insn(0xbf, 6, 1, 0, 0),
            insn(0xb7, 7, 0, 0, index ?? 0),
            insn(0xb7, 0, 0, 0, 77),
            load,
            insn(0x95, 0, 0, 0, 0),
          ]);
          const got = engines.get(name)!.run({ type: 'socket_filter', insns, packet, verify });
          const want = at(place + (index ?? 0), size);
          const label = `${size} bytes at ${offset} + ${index ?? 0}`;
          expect(got.r0, label).toBe(BigInt(want ?? 0));
          expect(got.insns, label).toBe(want === undefined ? 4 : 5);
        }
      }
    }
  });
});
