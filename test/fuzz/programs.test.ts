/** Random programs agree on all engines; `npm run fuzz` runs any number of them. */
import { expect, it } from 'vitest';
import { insn } from '../../src/isa/index.ts';
import { many } from '../support/depth.ts';
import { campaign } from './campaign.ts';
import { World } from './world.ts';

it.each([
  ['plain', many(30, 100), many(30, 100)],
  ['verified', many(10, 30), many(10, 30)],
  ['sound', many(15, 50), many(1, 8)],
] as const)(
  'runs random programs alike on every engine: %s',
  async (mode, count, least) => {
    const report = await campaign(mode, 1, count);
    expect(report.findings).toEqual([]);
    expect(report.loaded).toBeGreaterThanOrEqual(least);
  },
  120_000,
);

// each was reported once, though nothing was wrong: a stack pointer in a map; contexts read beyond 64 bytes
it.each([
  [900433, 1],
  [880342, 0],
  [910220, 0],
])(
  'knows what differs without being wrong: seed %i',
  async (seed, addresses) => {
    const report = await campaign('sound', seed, 1);
    expect(report).toMatchObject({ loaded: 1, findings: [], addresses });
  },
  60_000,
);

/** `ld_imm64` of the address of a map's first value: BPF_PSEUDO_MAP_VALUE */
const mapValue = (reg: number, fd: number) => [insn(0x18, reg, 2, 0, fd), insn(0, 0, 0, 0, 0)];

it.each([
  ['a pointer that is stored', insn(0x7b, 9, 10, 0, 0), true],
  ['a number that is stored', insn(0x7b, 9, 0, 0, 0), false],
])('asks the verifier who may see an address: %s', async (_, store, tells) => {
  const world = await World.boot('interp', true);
  const map = world.maps.buffer;
  const insns = [...mapValue(9, map), insn(0xb7, 0, 0, 0, 1), store, insn(0x95, 0, 0, 0, 0)];
  expect(world.mayTellAddresses('xdp', insns)).toBe(tells);
});
