/** BPF_PROG_LOAD by its attributes. */
import {
  BPF_CALL,
  BPF_JMP,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  LD_IMM64,
} from '../../../../src/isa/index.ts';
import type { Addr } from '../../../../src/machine/addr.ts';
import { BpfError } from '../../errors.ts';
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
    const btf = early(call, () => records(call));
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

/** What the verifier says of a program that it did not come to. */
const NOTHING = 'processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n';

/** Errors before the walk are in the log, too. */
function early<R>(call: Call, act: () => R): R {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof BpfError) || call.u32(ATTR.log_level) === 0) throw error;
    throw new BpfError(call.command, error.errno, error.message, `${error.log}${NOTHING}`);
  }
}

/** func_info and line_info, cut to the records that this kernel knows; the program's BTF counts only with them. */
function records(call: Call): Partial<ProgLoadAttrs> {
  const funcs = call.u32(ATTR.func_info_cnt);
  const lines = call.u32(ATTR.line_info_cnt);
  if (funcs === 0 && lines === 0) return {};
  const btf = call.s32(ATTR.prog_btf_fd);
  call.state.btfByFd(call.command, btf);
  const out: { btf: number; funcInfo?: Uint8Array; lineInfo?: Uint8Array } = { btf };
  if (funcs > 0) {
    const size = call.u32(ATTR.func_info_rec_size);
    if (size < 8 || size > 252 || size % 4 !== 0) {
      const text = `invalid func info rec size ${size}\n`;
      throw new BpfError(call.command, 'EINVAL', text.trimEnd(), call.u32(ATTR.log_level) === 0 ? '' : text);
    }
    out.funcInfo = table(call, call.pointer(ATTR.func_info), funcs, size, 8, 'nonzero tailing record in func info');
  }
  if (lines > 0) {
    const size = call.u32(ATTR.line_info_rec_size);
    if (size < 16 || size > 252 || size % 4 !== 0 || lines > INT_MAX / 16)
      call.fail('EINVAL', `line_info_rec_size ${size}`);
    out.lineInfo = table(call, call.pointer(ATTR.line_info), lines, size, 16, 'nonzero tailing record in line_info');
  }
  return out;
}

function table(call: Call, at: Addr, count: number, size: number, known: number, beyond: string): Uint8Array {
  const out = new Uint8Array(count * known);
  const bytes = call.copyIn(at, count * size);
  for (let n = 0; n < count; n++) {
    const record = bytes.subarray(n * size, (n + 1) * size);
    if (record.subarray(known).some((b) => b !== 0))
      throw new BpfError(call.command, 'E2BIG', beyond, call.u32(ATTR.log_level) === 0 ? '' : `${beyond}\n`);
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
