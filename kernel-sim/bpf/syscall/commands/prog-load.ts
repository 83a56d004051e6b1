/** BPF_PROG_LOAD by its attributes. */

import type { Btf } from '../../../../src/btf/index.ts';
import {
  BPF_CALL,
  BPF_JMP,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  LD_IMM64,
} from '../../../../src/isa/index.ts';
import type { Addr } from '../../../../src/machine/addr.ts';
import { BPF_LOG_LEVEL2, BPF_PROG_TYPE as P } from '../../../../src/uapi/index.ts';
import { BpfError, NotModelledError } from '../../errors.ts';
import { checkLoad, type LoadRequest, type ProgLoadAttrs } from '../../prog/load.ts';
import type { Call } from './call.ts';
import { finishLog, isLogValid, type LogBuffer } from './log.ts';

const ATTR = {
  prog_type: 0,
  insn_cnt: 4,
  insns: 8,
  license: 16,
  log_level: 24,
  log_size: 28,
  log_buf: 32,
  prog_flags: 44,
  prog_name: 48,
  prog_ifindex: 64,
  expected_attach_type: 68,
  prog_btf_fd: 72,
  func_info_rec_size: 76,
  func_info: 80,
  func_info_cnt: 88,
  line_info_rec_size: 92,
  line_info: 96,
  line_info_cnt: 104,
  attach_btf_id: 108,
  attach_prog_fd: 112,
  core_relo_cnt: 116,
  fd_array: 120,
  core_relo_rec_size: 136,
  log_true_size: 140,
  prog_token_fd: 144,
};
const LICENSE_MAX = 128;
const INT_MAX = 0x7fff_ffff;

export function progLoad(call: Call): number {
  const attrs = attributes(call);
  const request = checkLoad(call.state, attrs);
  const log: LogBuffer = {
    at: call.pointer(ATTR.log_buf),
    size: call.u32(ATTR.log_size),
    level: call.u32(ATTR.log_level),
    trueSize: ATTR.log_true_size,
  };
  if (!isLogValid(log)) call.fail('EINVAL', 'log level, buffer and size do not go together');
  let isLogDone = false;
  const finish = (text: string, longest: number): void => {
    isLogDone = true;
    finishLog(call, log, text, longest);
  };
  try {
    const btf = early(call, '', () => records(call, request));
    early(call, functionsIn(call, request.insns), () => checkTarget(call, request));
    const all = { ...attrs, ...btf };
    return call.process.fds.install(
      call.programs.load({ ...request, attrs: all, fdArray: fdArray(call, request), verified: finish }),
    );
  } catch (error) {
    if (error instanceof BpfError && !isLogDone) finish(error.log, error.logLongest);
    throw error;
  }
}

function attributes(call: Call): ProgLoadAttrs {
  const count = call.u32(ATTR.insn_cnt);
  return {
    type: call.u32(ATTR.prog_type),
    insnCount: count,
    insns: () => call.copyIn(call.pointer(ATTR.insns), count * 8),
    license: () => call.string(call.pointer(ATTR.license), LICENSE_MAX),
    logLevel: call.u32(ATTR.log_level),
    flags: call.u32(ATTR.prog_flags),
    name: call.name(ATTR.prog_name),
    ifindex: call.u32(ATTR.prog_ifindex),
    expectedAttachType: call.u32(ATTR.expected_attach_type),
    attachBtf: call.u32(ATTR.attach_btf_id),
    attachProg: call.s32(ATTR.attach_prog_fd),
    tokenFd: call.s32(ATTR.prog_token_fd),
  };
}

/** A program that is attached to must say what its functions are. */
function checkTarget(call: Call, { attachProgFd, type }: LoadRequest): void {
  if (attachProgFd === 0 || call.state.progByFd(call.command, attachProgFd).btfObject !== undefined) return;
  const kind = type === P.EXT ? 'Tracing' : 'FENTRY/FEXIT';
  const text = `${kind} program can only be attached to another program annotated with BTF`;
  throw new BpfError(call.command, 'EINVAL', text, call.u32(ATTR.log_level) === 0 ? '' : `${text}\n`);
}

/** What the verifier says of a program that it did not come to. */
const NOTHING = 'processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n';

/** Errors before the walk are in the log, too. */
function early<R>(call: Call, before: string, act: () => R): R {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof BpfError) || call.u32(ATTR.log_level) === 0 || error.log.endsWith(NOTHING)) throw error;
    throw new BpfError(call.command, error.errno, error.message, `${before}${error.log}${NOTHING}`);
  }
}

/** The functions of a program, as the log lists them at level 2. */
function functionsIn(call: Call, insns: LoadRequest['insns']): string {
  if (!(call.u32(ATTR.log_level) & BPF_LOG_LEVEL2)) return '';
  const starts = new Set([0]);
  insns.forEach((insn, at) => {
    const isCall = insn.code === (BPF_JMP | BPF_CALL) && insn.src === BPF_PSEUDO_CALL;
    if (isCall || (insn.code === LD_IMM64 && insn.src === BPF_PSEUDO_FUNC)) starts.add(at + 1 + insn.imm);
  });
  return [...starts]
    .sort((a, b) => a - b)
    .map((start, n) => `func#${n} @${start}\n`)
    .join('');
}

/** func_info and line_info, cut to the records that this kernel knows; the program's BTF counts only with them. */
function records(call: Call, { insns }: LoadRequest): Partial<ProgLoadAttrs> {
  const funcs = call.u32(ATTR.func_info_cnt);
  const lines = call.u32(ATTR.line_info_cnt);
  if (funcs === 0 && lines === 0) return {};
  const btf = call.s32(ATTR.prog_btf_fd);
  const object = call.state.btfByFd(call.command, btf);
  if (object.isKernel) call.fail('EACCES', "the kernel's BTF describes no program");
  const out: { btf: number; funcInfo?: Uint8Array } = { btf };
  if (funcs > 0) {
    const size = call.u32(ATTR.func_info_rec_size);
    if (size < 8 || size > 252 || size % 4 !== 0) {
      const text = `invalid func info rec size ${size}\n`;
      throw new BpfError(call.command, 'EINVAL', text.trimEnd(), call.u32(ATTR.log_level) === 0 ? '' : text);
    }
    out.funcInfo = table(call, call.pointer(ATTR.func_info), funcs, size, 8, 'func_info_rec_size');
  }
  try {
    return { ...out, ...early(call, functionsIn(call, insns), () => lateRecords(call, lines)) };
  } catch (error) {
    // functions are looked at first: the verifier is to say what is wrong with them
    if (error instanceof BpfError && out.funcInfo && !areFunctions(object.btf, out.funcInfo)) return out;
    throw error;
  }
}

function areFunctions(btf: Btf, records: Uint8Array): boolean {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  for (let at = 0; at < records.length; at += 8) {
    const id = view.getUint32(at + 4, true);
    if (id >= btf.typeCount || btf.typeById(id).kind !== 'func') return false;
  }
  return true;
}

/** What the kernel looks at once it has found the functions. */
function lateRecords(call: Call, lines: number): { lineInfo?: Uint8Array } {
  const out: { lineInfo?: Uint8Array } = {};
  if (lines > 0) {
    const size = call.u32(ATTR.line_info_rec_size);
    if (size < 16 || size > 252 || size % 4 !== 0 || lines > INT_MAX / 16)
      call.fail('EINVAL', `line_info_rec_size ${size}`);
    out.lineInfo = table(call, call.pointer(ATTR.line_info), lines, size, 16, 'line_info_rec_size');
  }
  checkCoreRelos(call);
  return out;
}

/** `check_core_relo`: relocations that the kernel makes itself, for loaders without libbpf. */
function checkCoreRelos(call: Call): void {
  if (call.u32(ATTR.core_relo_cnt) === 0) return;
  const size = call.u32(ATTR.core_relo_rec_size);
  if (size < 16 || size > 252 || size % 4 !== 0) call.fail('EINVAL', `core_relo_rec_size ${size}`);
  throw new NotModelledError(call.command, 'CO-RE relocations made by the kernel');
}

function table(
  call: Call,
  at: Addr,
  count: number,
  size: number,
  known: number,
  field: 'func_info_rec_size' | 'line_info_rec_size',
): Uint8Array {
  const beyond = `nonzero tailing record in ${field === 'func_info_rec_size' ? 'func info' : 'line_info'}`;
  const out = new Uint8Array(count * known);
  const bytes = call.copyIn(at, count * size);
  for (let n = 0; n < count; n++) {
    const record = bytes.subarray(n * size, (n + 1) * size);
    if (record.subarray(known).some((b) => b !== 0)) {
      // the caller learns what this kernel knows
      call.put32(ATTR[field], known);
      throw new BpfError(call.command, 'E2BIG', beyond, call.u32(ATTR.log_level) === 0 ? '' : `${beyond}\n`);
    }
    out.set(record.subarray(0, known), n * known);
  }
  return out;
}

/** As many descriptors as the program refers to: the attributes do not say how many there are. */
function fdArray(call: Call, { insns }: LoadRequest): number[] {
  let count = 0;
  for (const insn of insns) {
    if (insn.code === LD_IMM64 && (insn.src === BPF_PSEUDO_MAP_IDX || insn.src === BPF_PSEUDO_MAP_IDX_VALUE))
      count = Math.max(count, insn.imm + 1);
    if (insn.code === (BPF_JMP | BPF_CALL) && insn.src === BPF_PSEUDO_KFUNC_CALL && insn.off > 0)
      count = Math.max(count, insn.off + 1);
  }
  const at = call.pointer(ATTR.fd_array);
  const fds: number[] = [];
  for (let n = 0; at !== 0 && n < count; n++) {
    const bytes = call.process.memory.read(at + 4 * n, 4);
    if (bytes === undefined) break;
    fds.push(new DataView(bytes.buffer).getInt32(0, true));
  }
  return fds;
}
