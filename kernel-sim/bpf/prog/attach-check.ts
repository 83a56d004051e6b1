/** Whether a program type takes an expected attach type and an attach target: `bpf_prog_load_check_attach` of Linux 6.12. */
import { attachType } from '../../../src/uapi/index.ts';
import type { Errno } from '../../core/errno.ts';
import { progTypeRow } from './types.ts';

/** Old loaders leave the attach type of some at 0: `bpf_prog_load_fixup_attach_type`. */
export function fixupAttachType(type: number, expected: number): number {
  const meant = progTypeRow(type)?.attachTypeOfOld;
  return expected === 0 && meant !== undefined ? attachType(meant) : expected;
}

export function checkAttach(type: number, expected: number, btfId: number, hasTargetProg: boolean): Errno | undefined {
  const row = progTypeRow(type);
  if (btfId !== 0 && !row?.byBtf) return 'EINVAL';
  if (hasTargetProg && !row?.toProgram) return 'EINVAL';
  const allowed = row?.attachTypes;
  return allowed === undefined || allowed.some((given) => attachType(given) === expected) ? undefined : 'EINVAL';
}
