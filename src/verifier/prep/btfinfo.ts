/** The program's own BTF: function and line records (check_btf_func(), check_btf_line()). */
import { type Btf, type BtfType, isEnum } from '../../btf/index.ts';
import { skipModifiers } from '../access/btfwalk.ts';
import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';

/** Before functions are discovered: the records themselves. */
export function checkFuncRecords(env: Env): void {
  const { btf, funcInfo } = env.input;
  if (!funcInfo || funcInfo.length === 0) return;
  if (!btf) env.quit('EINVAL');
  let previous = -1;
  funcInfo.forEach((record, n) => {
    if (n === 0 && record.insnOff !== 0)
      env.fail('EINVAL', `nonzero insn_off ${record.insnOff} for the first func info record`);
    if (n > 0 && record.insnOff <= previous)
      env.fail(
        'EINVAL',
        `same or smaller insn offset (${record.insnOff}) than previous func info record (${previous})`,
      );
    const fn = record.typeId < btf.typeCount ? btf.typeById(record.typeId) : undefined;
    // the one message that Linux does not end
    if (fn?.kind !== 'func') {
      env.log.write(`invalid type id ${record.typeId} in func info`);
      env.quit('EINVAL');
    }
    if (btf.typeById(fn.type).kind !== 'func_proto') env.quit('EINVAL');
    previous = record.insnOff;
  });
}

/** What ends a function on its own gives zero: its caller must expect a number. */
function checkReturn(env: Env, btf: Btf, fn: BtfType & { kind: 'func' }, subprog: Subprog, n: number): void {
  const proto = btf.typeById(fn.type);
  const ret = proto.kind === 'func_proto' ? skipModifiers(btf, proto.type) : undefined;
  if (n === 0 || !ret || (ret.kind === 'int' && ret.bits <= 64) || isEnum(ret)) return;
  if (subprog.hasLdAbs) env.fail('EINVAL', "LD_ABS is only allowed in functions that return 'int'.");
  if (subprog.hasTailCall) env.fail('EINVAL', "tail_call is only allowed in functions that return 'int'.");
}

/** Afterwards: one record for each function, lines in order. */
export function checkBtfInfo(env: Env): void {
  const { btf, funcInfo, lineInfo } = env.input;
  if (btf && funcInfo && funcInfo.length > 0) {
    if (funcInfo.length !== env.subprogs.length)
      env.fail('EINVAL', "number of funcs in func_info doesn't match number of subprogs");
    funcInfo.forEach((record, n) => {
      const subprog = env.subprogs[n] as Subprog;
      if (subprog.start !== record.insnOff)
        env.fail('EINVAL', "func_info BTF section doesn't match subprog layout in BPF program");
      const fn = btf.typeById(record.typeId);
      if (fn.kind !== 'func') return;
      checkReturn(env, btf, fn, subprog, n);
      subprog.name = fn.name;
      subprog.isGlobal = fn.linkage === 'global';
    });
  }
  if (!btf || !lineInfo) return;
  let previous = -1;
  lineInfo.forEach((record, n) => {
    const { insnOff } = record;
    if ((n > 0 && insnOff <= previous) || insnOff >= env.insns.length) {
      env.fail(
        'EINVAL',
        `Invalid line_info[${n}].insn_off:${insnOff} (prev_offset:${Math.max(previous, 0)} prog->len:${env.insns.length})`,
      );
    }
    if (env.insn(insnOff).code === 0) env.fail('EINVAL', `Invalid insn code at line_info[${n}].insn_off`);
    previous = insnOff;
  });
  for (const [n, subprog] of env.subprogs.entries()) {
    if (!lineInfo.some((record) => record.insnOff === subprog.start) && lineInfo.length > 0)
      env.fail('EINVAL', `missing bpf_line_info for func#${n}`);
  }
}
