/**
 * Wide loads and calls of a program that skips the verifier: descriptors become the addresses of maps and values,
 * BTF ids those of kernel symbols, helper ids distances from `__bpf_call_base`.
 */

import type { Insn } from '../../../src/isa/index.ts';
import * as isa from '../../../src/isa/index.ts';
import { addrToBigInt } from '../../../src/machine/addr.ts';
import type { BpfMap } from '../maps/index.ts';
import type { BpfState } from '../objects/state.ts';
import { COMMAND, loadFailure } from './load.ts';
import { MalformedProgram } from './unverified.ts';

const CALL = isa.BPF_JMP | isa.BPF_CALL;

export interface Resolver {
  /** the slot's call is a distance already: it came in the place of another instruction */
  isResolved(slot: number): boolean;
  /** address of the helper's text. @throws where the program type has no such helper, or the model none */
  helper(id: number): bigint;
}

/** Changes `insns` in place; the maps referred to, each once. @throws BpfError, MalformedProgram */
export function resolveReferences(
  state: BpfState,
  insns: Insn[],
  fdArray: readonly number[],
  resolver: Resolver,
): BpfMap[] {
  const maps: BpfMap[] = [];
  const use = (map: BpfMap): BpfMap => {
    if (!maps.includes(map)) maps.push(map);
    return map;
  };
  const setWide = (slot: number, value: bigint): void => {
    insns[slot] = { ...insns[slot]!, src: 0, imm: Number(BigInt.asIntN(32, value)) };
    insns[slot + 1] = { ...insns[slot + 1]!, imm: Number(BigInt.asIntN(32, value >> 32n)) };
  };
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    if (insn.code === CALL && insn.src === 0 && !resolver.isResolved(slot)) {
      insns[slot] = { ...insn, imm: Number(BigInt.asIntN(32, resolver.helper(insn.imm) - state.callBase)) };
    } else if (insn.code === CALL && insn.src === isa.BPF_PSEUDO_KFUNC_CALL) {
      insns[slot] = { ...insn, imm: Number(BigInt.asIntN(32, symbolOfBtf(state, insn.imm, 'func') - state.callBase)) };
    }
    if (insn.code !== isa.LD_IMM64) continue;
    const high = insns[slot + 1]!.imm;
    switch (insn.src) {
      case isa.BPF_PSEUDO_MAP_FD:
        setWide(slot, addrToBigInt(use(state.mapByFd(COMMAND, insn.imm)).addr));
        break;
      case isa.BPF_PSEUDO_MAP_IDX:
        setWide(slot, addrToBigInt(use(state.mapByFd(COMMAND, indexed(fdArray, insn.imm))).addr));
        break;
      case isa.BPF_PSEUDO_MAP_VALUE:
        setWide(slot, valueAddress(use(state.mapByFd(COMMAND, insn.imm)), high));
        break;
      case isa.BPF_PSEUDO_MAP_IDX_VALUE:
        setWide(slot, valueAddress(use(state.mapByFd(COMMAND, indexed(fdArray, insn.imm))), high));
        break;
      case isa.BPF_PSEUDO_BTF_ID:
        setWide(slot, symbolOfBtf(state, insn.imm, 'var'));
        break;
    }
    slot++;
  }
  return maps;
}

function indexed(fdArray: readonly number[], index: number): number {
  const fd = fdArray[index];
  if (fd === undefined) throw loadFailure('EINVAL', `fd_array has no element ${index}`);
  return fd;
}

function valueAddress(map: BpfMap, offset: number): bigint {
  const at = map.directValue;
  if (at === undefined)
    throw loadFailure('EINVAL', `${map.describe()} has no values that a program may address directly`);
  return addrToBigInt(at + (offset >>> 0));
}

function symbolOfBtf(state: BpfState, id: number, kind: 'func' | 'var'): bigint {
  const { btf, symbols } = state.kernel;
  const type = id < btf.typeCount ? btf.typeById(id) : undefined;
  if (type?.kind !== kind)
    throw new MalformedProgram(`BTF id ${id} is no kernel ${kind === 'func' ? 'function' : 'variable'}`);
  const at = symbols.find(type.name)?.address;
  if (at === undefined) throw new MalformedProgram(`the kernel has no symbol ${type.name}`);
  return addrToBigInt(at);
}
