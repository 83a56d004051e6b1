/**
 * `map_gen_lookup`: instructions that take the place of a call of bpf_map_lookup_elem.
 * Linux 6.12: kernel/bpf/arraymap.c, hashtab.c, net/xdp/xskmap.c.
 */

import { alu32Imm, aluReg, ja, jumpImm, ldx, movImm } from '../../../src/isa/build.ts';
import {
  BPF_ADD,
  BPF_ALU64,
  BPF_AND,
  BPF_B,
  BPF_JEQ,
  BPF_JGE,
  BPF_JMP32,
  BPF_JNE,
  BPF_LSH,
  BPF_MEM,
  BPF_MOV,
  BPF_MUL,
  BPF_ST,
  BPF_X,
  type Insn,
  insn,
} from '../../../src/isa/index.ts';
import { BPF_F_INNER_MAP } from '../../../src/uapi/index.ts';
import type { MapFacts } from '../../../src/verifier/kernel.ts';
import type { StructLayout } from '../../core/field-layout.ts';
import { type ContextEnv, emitCall } from '../context/env.ts';

const alu64Imm = (op: number, dst: number, imm: number): Insn => insn(BPF_ALU64 | op, dst, 0, 0, imm);
/** BPF_MOV64_PERCPU_REG: adds this CPU's offset; `off` marks it among register moves. */
const BPF_ADDR_PERCPU = -1;
export const movPercpu = (dst: number, src: number): Insn =>
  insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, BPF_ADDR_PERCPU, 0);

const roundUp8 = (n: number): number => (n + 7) & ~7;
/** index_mask: all indices up to the next power of two */
const indexMask = (entries: number): number => (entries <= 1 ? 0 : 2 ** Math.ceil(Math.log2(entries)) - 1);

/** `ret *= size`, as a shift where it can be one. */
const scale = (size: number): Insn => {
  const shift = Math.log2(size);
  return Number.isInteger(shift) ? alu64Imm(BPF_LSH, 0, shift) : alu64Imm(BPF_MUL, 0, size);
};

/** Bounds check that jumps `skip` instructions on; a mask follows it where speculation is to be held back. */
function bounds(map: MapFacts, skip: number): Insn[] {
  if (map.bypassSpecV1 ?? true) return [jumpImm(BPF_JGE, 0, map.maxEntries, skip)];
  return [jumpImm(BPF_JGE, 0, map.maxEntries, skip + 1), alu32Imm(BPF_AND, 0, indexMask(map.maxEntries))];
}

/** An array's element, of `size` bytes behind `member`: its address, and then `rest`; 0 where there is none. */
function element(layout: StructLayout, map: MapFacts, member: 'value' | 'pptrs', size: number, rest: Insn[]): Insn[] {
  const found = [scale(size), aluReg(BPF_ADD, 0, 1), ...rest, ja(1)];
  return [
    alu64Imm(BPF_ADD, 1, layout.field('bpf_array', member).offset),
    ldx(4, 0, 2, 0),
    ...bounds(map, found.length),
    ...found,
    movImm(0, 0),
  ];
}
const array = (layout: StructLayout, map: MapFacts): Insn[] =>
  element(layout, map, 'value', roundUp8(map.valueSize), []);
const percpuArray = (layout: StructLayout, map: MapFacts): Insn[] =>
  element(layout, map, 'pptrs', 8, [ldx(8, 0, 0, 0), movPercpu(0, 0)]);
const arrayOfMaps = (layout: StructLayout, map: MapFacts): Insn[] =>
  element(layout, map, 'value', roundUp8(map.valueSize), [ldx(8, 0, 0, 0), jumpImm(BPF_JEQ, 0, 0, 1)]);

/** Where a hash table's element keeps its value. */
const htabValue = (layout: StructLayout, map: MapFacts): Insn =>
  alu64Imm(BPF_ADD, 0, layout.field('htab_elem', 'key').offset + roundUp8(map.keySize));

/** Looks the element up; `rest` is done where there is one. */
const htab = (env: ContextEnv, rest: Insn[]): Insn[] => [
  emitCall(env, '__htab_map_lookup_elem'),
  jumpImm(BPF_JEQ, 0, 0, rest.length),
  ...rest,
];

function lruHash(env: ContextEnv, map: MapFacts): Insn[] {
  const ref = env.layout.field('htab_elem', 'lru_node.ref').offset;
  return htab(env, [
    ldx(1, 1, 0, ref),
    jumpImm(BPF_JNE, 1, 0, 1),
    insn(BPF_ST | BPF_MEM | BPF_B, 0, 0, ref, 1),
    htabValue(env.layout, map),
  ]);
}

function xskMap(layout: StructLayout, map: MapFacts): Insn[] {
  return [
    ldx(4, 0, 2, 0),
    insn(BPF_JMP32 | BPF_JGE, 0, 0, 5, map.maxEntries),
    alu64Imm(BPF_LSH, 0, 3),
    alu64Imm(BPF_ADD, 1, layout.field('xsk_map', 'xsk_map').offset),
    aluReg(BPF_ADD, 0, 1),
    ldx(8, 0, 0, 0),
    ja(1),
    movImm(0, 0),
  ];
}

/** inner maps of an array of maps differ in size, so that theirs is called */
const isInner = (map: MapFacts): boolean => (map.flags & BPF_F_INNER_MAP) !== 0;

type GenLookup = (env: ContextEnv, map: MapFacts) => Insn[] | undefined;

export const arrayLookup: GenLookup = ({ layout }, map) => (isInner(map) ? undefined : array(layout, map));
export const percpuArrayLookup: GenLookup = ({ layout }, map) => (isInner(map) ? undefined : percpuArray(layout, map));
export const arrayOfMapsLookup: GenLookup = ({ layout }, map) => arrayOfMaps(layout, map);
export const hashLookup: GenLookup = (env, map) => htab(env, [htabValue(env.layout, map)]);
export const lruHashLookup: GenLookup = lruHash;
export const percpuHashLookup: GenLookup = (env, map) =>
  htab(env, [htabValue(env.layout, map), ldx(8, 0, 0, 0), movPercpu(0, 0)]);
export const hashOfMapsLookup: GenLookup = (env, map) => htab(env, [htabValue(env.layout, map), ldx(8, 0, 0, 0)]);
export const xskMapLookup: GenLookup = ({ layout }, map) => xskMap(layout, map);
