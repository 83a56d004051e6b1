/** Calls of helpers and kfuncs get their addresses, or become something else: do_misc_fixups() of kernel/bpf/verifier.c, Linux 6.12. */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import { BPF_F_SLEEPABLE } from '../../uapi/index.ts';
import type { MapFacts } from '../kernel.ts';
import type { InsnAux } from '../types.ts';
import { alu32Imm, callImm, jmpImm, ldImm64, ldxDw, mov64Imm } from './build.ts';
import { type Draft, inlines, type Patch, RewriteError } from './draft.ts';
import { INLINED } from './inline-helpers.ts';

export const TAIL_CALL = 12;
const TIMER_SET_CALLBACK = 170;
const GFP_ATOMIC = 0x820;
const GFP_KERNEL = 0xcc0;
const STORAGE_GET = new Set([107, 145, 156, 210]);

type MapOp = Parameters<NonNullable<Draft['kernel']['mapOp']>>[1];
/** Helpers that a known map's operation is called for. */
const MAP_OPS: ReadonlyMap<number, MapOp> = new Map([
  [1, 'lookup'],
  [2, 'update'],
  [3, 'delete'],
  [51, 'redirect'],
  [87, 'push'],
  [88, 'pop'],
  [89, 'peek'],
  [164, 'for_each'],
  [195, 'lookup_percpu'],
]);

const known = (map: MapFacts | 'poison' | undefined): map is MapFacts => map !== undefined && map !== 'poison';

function tailCall(draft: Draft, insn: Insn, aux: InsnAux): Patch {
  const { mapPtr, mapKey, mapPtrUnpriv } = aux;
  const jump = { ...insn, code: I.BPF_JMP | I.BPF_TAIL_CALL, imm: 0 };
  if (draft.input.caps.bpf && typeof mapKey === 'bigint' && known(mapPtr) && !mapPtrUnpriv) {
    draft.pokes.push({ mapIndex: draft.verified.usedMaps.indexOf(mapPtr), key: Number(mapKey) });
    return { insns: [{ ...jump, imm: draft.pokes.length }] };
  }
  if (!mapPtrUnpriv) return { insns: [jump] };
  if (!known(mapPtr)) throw new RewriteError('EINVAL', 'tail_call abusing map_ptr');
  const mask = mapPtr.maxEntries <= 1 ? 0 : 2 ** Math.ceil(Math.log2(mapPtr.maxEntries)) - 1;
  return { insns: [jmpImm(I.BPF_JGE, 3, mapPtr.maxEntries, 2), alu32Imm(I.BPF_AND, 3, mask), jump] };
}

/** `fn->func - __bpf_call_base` */
function address(draft: Draft, insn: Insn): Insn {
  const { kernel, input } = draft;
  const found = kernel.helper(insn.imm, input.type, input.expectedAttachType);
  const at = (found.ok ? kernel.protoAddress?.(found.proto) : undefined) ?? kernel.helperAddress(insn.imm);
  if (at === undefined)
    throw new RewriteError('EFAULT', `kernel subsystem misconfigured func ${kernel.helperName(insn.imm)}#${insn.imm}`);
  return { ...insn, imm: callImm(at, kernel.callBase) };
}

export function helperCall(draft: Draft, insn: Insn, aux: InsnAux, progAux: bigint): Patch | undefined {
  const { kernel, input } = draft;
  if (insn.imm === TAIL_CALL) return tailCall(draft, insn, aux);
  if (insn.imm === TIMER_SET_CALLBACK) return { insns: [...ldImm64(3, progAux), address(draft, insn)] };
  if (STORAGE_GET.has(insn.imm)) {
    const sleepable = (input.flags & BPF_F_SLEEPABLE) !== 0;
    const gfp = !sleepable || aux.storageGetFuncAtomic ? GFP_ATOMIC : GFP_KERNEL;
    return { insns: [mov64Imm(5, gfp), address(draft, insn)] };
  }
  if (aux.callWithPercpuAllocPtr) return { insns: [ldxDw(1, 1, 0), address(draft, insn)] };
  const op = MAP_OPS.get(insn.imm);
  const name = `bpf_${kernel.helperName(insn.imm)}`;
  if (op !== undefined && aux.mapPtr !== undefined && aux.mapPtr !== 'poison' && inlines(draft, name)) {
    const inlined = op === 'lookup' ? kernel.mapGenLookup?.(aux.mapPtr) : undefined;
    if (inlined) return { insns: inlined };
    const at = kernel.mapOp?.(aux.mapPtr, op);
    if (at !== undefined) return { insns: [{ ...insn, imm: callImm(at, kernel.callBase) }] };
  }
  const inlined = INLINED.get(insn.imm)?.(draft);
  return { insns: inlined && inlines(draft, name) ? inlined : [address(draft, insn)] };
}
