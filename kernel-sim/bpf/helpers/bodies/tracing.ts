/** Where a tracing program was called from: bpf-helpers(7), bpf_get_func_ip, bpf_get_stackid and their kin. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { RBP, RSP } from '../../../../src/machine/index.ts';
import { BPF_F_SKIP_FIELD_MASK, BPF_F_USER_STACK } from '../../../../src/uapi/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { CONSUMER } from '../../../core/trace-uprobe.ts';
import { userAddress } from '../../../task/user-frames.ts';
import { StackTraceMap } from '../../maps/index.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

const MAX_DEPTH = 127;
/** the patched instruction's length: a call */
const CALL_SIZE = 5;

const PUSH_RBP = 0x55;
/** Whether an address is in a function before it has made its frame: its return address is on top of the stack then. */
function beforeFrame({ symbols, memory }: HelperCall['kernel'], ip: Addr): boolean {
  const offset = symbols.at(ip)?.offset;
  // behind endbr64, or a nop in its place, where the function has one, and behind what ftrace patches
  return [CALL_SIZE, 4 + CALL_SIZE].some((at) => {
    if (offset === undefined || offset > at) return false;
    return memory.translate(ip - offset + at, 0, false) >= 0 && memory.readU8(ip - offset + at) === PUSH_RBP;
  });
}
/** Return addresses, starting at `ip`: up the frame pointers, and where a function has no frame yet, from the stack's top. */
function walk({ kernel }: HelperCall, ip: Addr, sp: Addr, bp: Addr): Addr[] {
  const { memory } = kernel;
  const isThere = (at: Addr): boolean => memory.translate(at, 0, false) >= 0 && memory.translate(at + 7, 0, false) >= 0;
  const out: Addr[] = [ip];
  const node = kernel.structs.offsets('rethook_node', ['llist', 'ret_addr']);
  const trampoline = kernel.symbols.address('arch_rethook_trampoline');
  let hook = memory.readAddr(kernel.tasks.current.field('rethooks'));
  let [at, top, frame] = [ip, sp, bp];
  while (out.length < MAX_DEPTH) {
    const from = beforeFrame(kernel, at) ? top : frame + 8;
    if (!isThere(from)) break;
    if (from === frame + 8) {
      if (!isThere(frame)) break;
      const next = memory.readAddr(frame);
      if (out.length > 1 && next <= frame && next !== 0) break;
      frame = next;
    }
    at = memory.readAddr(from);
    top = from + 8;
    // where the function was really called from: the trampolines of its probes lie one behind another (rethook_find_ret_addr)
    while (at === trampoline && hook !== 0) {
      at = memory.readAddr(hook - node.llist + node.ret_addr);
      hook = memory.readAddr(hook);
    }
    if (kernel.symbols.at(at) === undefined) break;
    out.push(at);
  }
  return out;
}

/** The current task's user stack: the recorded one, else where it entered the kernel. Kernel threads have none. */
function userFrames({ kernel }: HelperCall): Addr[] {
  const { current } = kernel.tasks;
  if (current.user === undefined) return [];
  const recorded = current.call?.stack;
  if (recorded) return recorded.slice(0, MAX_DEPTH).map(userAddress);
  return kernel.programs.of(current) ? programFrames(kernel) : [userRegs(kernel)('ip')];
}

/** A register of the current task's user space, as it entered the kernel. */
function userRegs({ tasks, structs, memory }: HelperCall['kernel']): (field: string) => Addr {
  const regs = structs.of('pt_regs');
  const at = tasks.current.stackTop - regs.size;
  return (field) => memory.readAddr(at + regs.offset(field));
}
/** perf_callchain_user(): up the frame pointers of the program's own code. */
function programFrames(kernel: HelperCall['kernel']): Addr[] {
  const { memory, tasks, probes } = kernel;
  const reg = userRegs(kernel);
  const out = [reg('ip')];
  const isThere = (at: Addr): boolean =>
    at > 0 && memory.translate(at, 0, true) >= 0 && memory.translate(at + 15, 0, true) >= 0;
  // a function that has not made its frame yet was called from what lies on top of the stack
  if (probes.uprobes.atFunctionEntry(tasks.current) && isThere(reg('sp'))) out.push(memory.readAddr(reg('sp')));
  for (let frame = reg('bp'); out.length < MAX_DEPTH && isThere(frame); ) {
    out.push(memory.readAddr(frame + 8));
    const next = memory.readAddr(frame);
    if (next <= frame) break;
    frame = next;
  }
  return out;
}

/** where a stack begins: the context's registers, those of the sample that it points to, where an event was raised, or here */
type Source = 'regs' | 'sample' | 'event' | 'here';
/** The stack as the context's registers have it, or from here where the context has none. */
function frames(call: HelperCall, source: Source, flags: number): Addr[] {
  const { kernel, args } = call;
  const skip = flags & BPF_F_SKIP_FIELD_MASK;
  if (flags & BPF_F_USER_STACK) return userFrames(call).slice(skip);
  if (source === 'regs' || source === 'sample') {
    const regs = kernel.structs.of('pt_regs');
    const kern = kernel.structs.of('bpf_perf_event_data_kern');
    const at = source === 'regs' ? args.addr(0) : kernel.memory.readAddr(args.addr(0) + kern.offset('regs'));
    // an interrupt found user mode
    if (source === 'sample' && (kernel.memory.readU16(at + regs.offset('cs')) & 3) !== 0) return [];
    return walk(
      call,
      kernel.memory.readAddr(at + regs.offset('ip')),
      kernel.memory.readAddr(at + regs.offset('sp')),
      kernel.memory.readAddr(at + regs.offset('bp')),
    ).slice(skip);
  }
  // the helper has no frame
  const sp = kernel.cpu.reg(RSP);
  const trace = walk(call, kernel.memory.readAddr(sp), sp + 8, kernel.cpu.reg(RBP));
  // a tracepoint's program is told of who calls what runs it: perf_fetch_caller_regs()
  const from = source === 'event' ? trace.findIndex((at) => kernel.symbols.at(at)?.name === 'trace_call_bpf') + 1 : 0;
  return trace.slice(from + skip);
}

const stackId =
  (source: Source): HelperBody =>
  (call) => {
    const { args } = call;
    const map = call.map(1);
    const flags = args.u32(2);
    if (args.hi(2) !== 0 || flags & ~(BPF_F_SKIP_FIELD_MASK | 0x700) || !(map instanceof StackTraceMap)) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const trace = frames(call, source, flags);
    args.retInt(trace.length === 0 ? -ERRNO.EFAULT : map.store(trace, flags));
  };

const stack =
  (source: Source): HelperBody =>
  (call) => {
    const { args, kernel } = call;
    const [at, size, flags] = [args.addr(1), args.u32(2), args.u32(3)];
    if (args.hi(3) !== 0 || flags & ~(BPF_F_SKIP_FIELD_MASK | 0x900) || size % 8 !== 0) {
      if (size > 0) kernel.memory.fillBytes(at, 0, size);
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const trace = frames(call, source, flags).slice(0, size / 8);
    if (size > 0) kernel.memory.fillBytes(at, 0, size);
    trace.forEach((ip, i) => {
      kernel.memory.writeAddr(at + 8 * i, ip);
    });
    args.retInt(trace.length === 0 && size > 0 ? -ERRNO.EFAULT : trace.length * 8);
  };

/** The context's registers are those of user space: the program is a uprobe's. */
const inUserCode = (call: HelperCall): boolean => (call.kernel.memory.readU16(regsOffset(call, 'cs')) & 3) === 3;

const regsOffset = (call: HelperCall, field: string): Addr =>
  call.args.addr(0) + call.kernel.structs.of('pt_regs').offset(field);

/** The cookie of the attachment that runs: the kernel leaves its run context in the task (`task_struct.bpf_ctx`). */
const cookie =
  (struct: 'bpf_trace_run_ctx' | 'bpf_tramp_run_ctx'): HelperBody =>
  ({ args, kernel }) => {
    const { memory, structs, tasks } = kernel;
    const at = memory.readAddr(tasks.current.field('bpf_ctx'));
    args.retBig(at === 0 ? 0n : memory.readU64(at + structs.of(struct).offset('bpf_cookie')));
  };

export const TRACING: HelperBodies = {
  bpf_get_attach_cookie_trace: cookie('bpf_trace_run_ctx'),
  bpf_get_attach_cookie_pe: cookie('bpf_trace_run_ctx'),
  bpf_get_attach_cookie_kprobe_multi: cookie('bpf_trace_run_ctx'),
  bpf_get_attach_cookie_uprobe_multi: ({ args, kernel }) => {
    const { memory, structs, tasks } = kernel;
    const at = memory.readAddr(tasks.current.field('bpf_ctx'));
    const uprobe = at === 0 ? 0 : memory.readAddr(at + structs.of('bpf_uprobe_multi_run_ctx').offset('uprobe'));
    args.retBig(uprobe === 0 ? 0n : memory.readU64(uprobe + CONSUMER.cookie));
  },
  bpf_get_attach_cookie_tracing: cookie('bpf_tramp_run_ctx'),
  bpf_get_attach_cookie: cookie('bpf_tramp_run_ctx'),

  bpf_get_stackid: stackId('regs'),
  bpf_get_stackid_pe: stackId('sample'),
  bpf_get_stackid_tp: stackId('event'),
  bpf_get_stackid_raw_tp: stackId('here'),
  bpf_get_stack: stack('regs'),
  bpf_get_stack_sleepable: stack('regs'),
  bpf_get_stack_pe: stack('sample'),
  bpf_get_stack_tp: stack('event'),
  bpf_get_stack_raw_tp: stack('here'),
  bpf_get_task_stack: stack('here'),
  bpf_get_task_stack_sleepable: stack('here'),

  /** The traced function's entry: its address is the one that the call patched into it lies at, less endbr64. */
  bpf_get_func_ip_kprobe: (call) => {
    if (inUserCode(call)) {
      call.args.retAddr(call.kernel.probes.uprobes.vaddr(call.kernel.tasks.current));
      return;
    }
    const ip = call.kernel.memory.readAddr(regsOffset(call, 'ip'));
    const at = call.kernel.symbols.at(ip);
    const entry = at && at.offset <= 4 + CALL_SIZE ? ip - at.offset : 0;
    call.args.retAddr(entry);
  },
  bpf_get_func_ip_kprobe_multi: (call) => {
    const ip = call.kernel.memory.readAddr(regsOffset(call, 'ip'));
    call.args.retAddr(ip - (call.kernel.symbols.at(ip)?.offset ?? 0));
  },
  /** Where the probe is in user space: the kernel leaves it in its run context. */
  bpf_get_func_ip_uprobe_multi: ({ args, kernel }) => {
    const { memory, structs, tasks } = kernel;
    const at = memory.readAddr(tasks.current.field('bpf_ctx'));
    args.retAddr(at === 0 ? 0 : memory.readAddr(at + structs.of('bpf_uprobe_multi_run_ctx').offset('entry_ip')));
  },
  /** The trampoline leaves the function's address in front of the arguments. */
  bpf_get_func_ip_tracing: ({ args, kernel }) => args.retAddr(kernel.memory.readAddr(args.addr(0) - 16)),
  get_func_arg: ({ args, kernel }) => {
    const count = kernel.memory.readU8(args.addr(0) - 8);
    const n = args.u32(1);
    if (n < count) kernel.memory.writeU64(args.addr(2), kernel.memory.readU64(args.addr(0) + 8 * n));
    args.retInt(n < count ? 0 : -ERRNO.EINVAL);
  },
  get_func_ret: ({ args, kernel }) => {
    const count = kernel.memory.readU8(args.addr(0) - 8);
    kernel.memory.writeU64(args.addr(1), kernel.memory.readU64(args.addr(0) + 8 * count));
    args.retInt(0);
  },
  get_func_arg_cnt: ({ args, kernel }) => args.retU32(kernel.memory.readU8(args.addr(0) - 8)),
  /** The function is not called: it returns rc to its caller at once. */
  bpf_override_return: (call) => {
    const { memory } = call.kernel;
    memory.writeU64(regsOffset(call, 'ax'), call.args.big(1));
    const at = call.kernel.symbols.address('just_return_func');
    if (at !== undefined) memory.writeAddr(regsOffset(call, 'ip'), at);
    call.args.retInt(0);
  },
};
