/** Kernel functions of no family: sections, casts, sums, sessions, exceptions, memory of user space (Linux 6.12 Documentation/bpf/kfuncs.rst). */
import type { Addr } from '../../../../src/machine/addr.ts';
import { MachineStop, RBP, RSP } from '../../../../src/machine/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { probeReadString } from '../../helpers/bodies/access.ts';
import type { HelperBodies, HelperBody } from '../../helpers/bodies/call.ts';
import type { BpfProg } from '../../prog/prog.ts';

const none: HelperBody = ({ args }) => args.ret(0, 0);
const same: HelperBody = ({ args }) => args.retAddr(args.addr(0));

/** BPF_F_PAD_ZEROS */
const PAD_ZEROS = 1;
/** A string with its end, which is always there; the bytes of both. */
const copyUserString: HelperBody = ({ args, kernel }) => {
  const [to, size, from] = [args.addr(0), args.u32(1), args.addr(2)];
  if (args.hi(3) !== 0 || args.u32(3) & ~PAD_ZEROS) return args.retInt(-ERRNO.EINVAL);
  if (size === 0) return args.retInt(0);
  const length = probeReadString(kernel.memory, 'user', to, size, from);
  // of an empty string the end is counted, which the nofault copy does not
  const copied = length === 0 ? 1 : length;
  if (copied > 0 && args.u32(3) & PAD_ZEROS && copied < size) kernel.memory.fillBytes(to + copied, 0, size - copied);
  args.retInt(copied);
};

/** `bpf_session_run_ctx` of the program of a kprobe session that runs */
const session =
  (field: 'is_return' | 'data'): HelperBody =>
  ({ args, kernel }) => {
    const { memory, structs, tasks } = kernel;
    const run = memory.readAddr(tasks.current.field('bpf_ctx')) - structs.of('bpf_session_run_ctx').offset('run_ctx');
    const ctx = new GuestStruct(kernel, 'bpf_session_run_ctx', run);
    args.retAddr(ctx.get(field));
  };

/** Sums of the per-CPU counters of elements. */
const sumElements: HelperBody = (call) => {
  const map = call.map(0);
  const at = new GuestStruct(call.kernel, 'bpf_map', map.addr).get('elem_count');
  if (at === 0) return call.args.ret(0, 0);
  let sum = 0;
  for (let cpu = 0; cpu < call.kernel.cpus; cpu++)
    sum += call.kernel.memory.readAddr(call.kernel.percpu.address(at, cpu));
  call.args.retAddr(sum);
};

/** The function of a program that an address is in: whether it is the main one, and where exceptions go then. */
function functionAt(
  progs: Iterable<BpfProg>,
  ip: Addr,
): { readonly isMain: boolean; readonly handler: Addr } | undefined {
  for (const { placed, init } of progs) {
    const n = placed.findIndex(({ address, bytes }) => ip >= address && ip < address + bytes.length);
    if (n < 0) continue;
    const { funcs } = init.code;
    const handler = placed[funcs.findIndex((f) => f.isExceptionCb === true)];
    return { isMain: funcs[n]?.exceptionBoundary === true && handler !== undefined, handler: handler?.address ?? 0 };
  }
  return undefined;
}

/**
 * The program ends here, whatever functions of its own it is in: its exception callback runs with the stack as the main program had
 * it, and answers in its place (`bpf_throw`).
 */
const throwException: HelperBody = (call) => {
  const { kernel, state, args } = call;
  if (kernel.engine === 'interp') throw new MachineStop('bpf_throw needs the JIT, as on Linux: engine jit or step');
  const { cpu, memory } = kernel;
  let sp = cpu.reg(RSP) + 8;
  let bp = cpu.reg(RBP);
  let ip = memory.readAddr(sp - 8);
  for (;;) {
    const found = functionAt(state.progs.all(), ip);
    if (found?.isMain) {
      args.set(1, sp);
      args.set(2, bp);
      cpu.rip = found.handler;
      return;
    }
    if (found === undefined && state.kernel.symbols.at(ip) === undefined)
      throw new MachineStop('bpf_throw: no program is below it');
    [ip, sp, bp] = [memory.readAddr(bp + 8), bp + 16, memory.readAddr(bp)];
  }
};

export const MISC_KFUNCS: HelperBodies = {
  bpf_rcu_read_lock: none,
  bpf_rcu_read_unlock: none,
  bpf_preempt_disable: (call) => {
    call.kernel.context.preemptDisable();
    call.args.ret(0, 0);
  },
  bpf_preempt_enable: (call) => {
    call.kernel.context.preemptEnable();
    call.args.ret(0, 0);
  },
  bpf_rdonly_cast: same,
  /** of a packet's or an event's context the kernel's own structure is what programs are passed */
  bpf_cast_to_kern_ctx: same,
  bpf_copy_from_user_str: copyUserString,
  bpf_session_is_return: (call) => {
    session('is_return')(call);
    call.args.retU32(call.args.result & 0xff);
  },
  bpf_session_cookie: session('data'),
  bpf_map_sum_elem_count: sumElements,
  bpf_modify_return_test_tp: none,
  bpf_throw: throwException,
  /** The machine goes down into the kernel that was loaded for it. */
  crash_kexec: () => {
    throw new MachineStop('the program called crash_kexec: the machine would start its crash kernel here');
  },
};
