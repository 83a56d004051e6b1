/**
 * Loads along a path of kernel structures, as context conversions need them:
 *
 *     sk_buff.mark                        one load, of the member's size
 *     sk_buff.dev->net_device.ifindex     the pointer, then the member
 *     sk_buff.dev?->net_device.ifindex    the pointer; NULL is the result where it is NULL
 *     sk_buff.pkt_type                    a bitfield: its byte, masked
 */

import { alu32Imm, jumpImm, ldx } from '../../../src/isa/build.ts';
import { BPF_AND, BPF_JEQ, type Insn } from '../../../src/isa/index.ts';
import type { StructField, StructLayout } from '../../core/field-layout.ts';

export interface PathStep extends StructField {
  /** the pointer may be NULL, which ends the path */
  readonly maybeNull: boolean;
}

/** The members that a path goes through. */
export function resolvePath(layout: StructLayout, path: string): PathStep[] {
  return path.split('->').map((part) => {
    const maybeNull = part.endsWith('?');
    const text = maybeNull ? part.slice(0, -1) : part;
    const dot = text.indexOf('.');
    return { ...layout.field(text.slice(0, dot), text.slice(dot + 1)), maybeNull };
  });
}

/** The mask of a bitfield that starts at its byte's lowest bit. */
const bitMask = (step: StructField): number => (1 << step.bitfieldSize) - 1;

/** Bytes that the last load takes. */
export const loadedSize = (step: StructField): number => (step.bitfieldSize > 0 ? 1 : step.size);

/**
 * Loads what the path names into `dst`, starting from `src`.
 * @param size of the last load where it is not the member's own
 * @param add added to the last offset
 */
export function loadPath(layout: StructLayout, path: string, dst: number, src: number, size?: number, add = 0): Insn[] {
  const steps = resolvePath(layout, path);
  const out: Insn[] = [];
  let base = src;
  const checks: number[] = [];
  steps.forEach((step, n) => {
    const last = n === steps.length - 1;
    out.push(ldx(last ? (size ?? loadedSize(step)) : 8, dst, base, step.offset + (last ? add : 0)));
    if (last && step.bitfieldSize > 0) out.push(alu32Imm(BPF_AND, dst, bitMask(step)));
    if (!last && step.maybeNull) {
      checks.push(out.length);
      out.push(jumpImm(BPF_JEQ, dst, 0, 0));
    }
    base = dst;
  });
  for (const at of checks) (out[at] as Insn).off = out.length - at - 1;
  return out;
}
