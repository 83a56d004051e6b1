/** Test runs whose context is a buffer: syscall programs, raw tracepoints, and the functions that tracing programs are tried on. */

import { BPF_ATTACH_TYPE as A } from '../../src/uapi/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { TestCall, TestRunOptions, TestSetup } from '../bpf/prog/test-run.ts';
import type { Runner } from './runner.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';
const U16_MAX = 0xffff;
/** MAX_BPF_FUNC_ARGS u64 values */
const RAW_TP_CTX = 12 * 8;
const NONE = new Uint8Array(0);
/** BPF_F_TEST_RUN_ON_CPU */
const ON_CPU = 1;

const invalid = (what: string): never => {
  throw new BpfError(COMMAND, 'EINVAL', what);
};

/** The context must hold all that the program looks at. */
function tooShort(runner: Runner, size: number): void {
  const { maxCtxOffset } = runner.prog.init;
  if (size < maxCtxOffset) invalid(`a context of ${size} bytes: the program looks at ${maxCtxOffset}`);
}

/** `bpf_prog_test_run_syscall` */
export function runSyscall(runner: Runner, o: TestRunOptions): TestSetup {
  if (o.dataIn !== undefined || o.dataSizeOut || (o.repeat ?? 0) > 1 || o.flags)
    invalid('syscall programs take a context and nothing else');
  const ctx = o.ctxIn;
  if ((ctx?.length ?? 0) > U16_MAX) invalid(`a context of ${ctx?.length} bytes: at most ${U16_MAX}`);
  const { host } = runner.state;
  const size = ctx?.length ?? 0;
  tooShort(runner, size);
  const at = size > 0 ? host.kmalloc(size) : 0;
  const release = (): void => {
    if (at !== 0) host.kfree(at);
  };
  try {
    if (ctx !== undefined && size > 0) host.memory.writeBytes(at, ctx);
    return {
      calls: runner.onContext(at),
      as: 'program',
      collect: () => {
        return runner.result(NONE, size > 0 ? host.memory.readBytes(at, size) : NONE);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** `bpf_prog_test_run_raw_tp` */
export function runRawTracepoint(runner: Runner, o: TestRunOptions): TestSetup {
  if (o.dataIn !== undefined || o.dataSizeOut || o.ctxSizeOut || (o.repeat ?? 0) > 1)
    invalid('raw tracepoint programs take a context and nothing else');
  const ctx = o.ctxIn ?? NONE;
  tooShort(runner, ctx.length);
  if (ctx.length > RAW_TP_CTX) invalid(`a context of ${ctx.length} bytes: at most ${RAW_TP_CTX}`);
  if (((o.flags ?? 0) & ON_CPU) === 0 && o.cpu) invalid('a CPU without BPF_F_TEST_RUN_ON_CPU');
  if (((o.flags ?? 0) & ON_CPU) !== 0 && (o.cpu ?? 0) >= runner.state.host.cpus) {
    throw new BpfError(COMMAND, 'ENXIO', `no CPU ${o.cpu}`);
  }
  const { host } = runner.state;
  const at = host.kmalloc(RAW_TP_CTX);
  const release = (): void => {
    host.kfree(at);
  };
  try {
    host.memory.writeBytes(at, ctx);
    return {
      calls: runner.onContext(at),
      as: 'program',
      collect: () => {
        return runner.result(NONE, NONE);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** What the functions that tracing programs are tried on are called with, and what they answer. */
const SUMS: readonly (readonly [name: string, args: readonly number[], sum: number])[] = [
  ['bpf_fentry_test1', [1], 2],
  ['bpf_fentry_test2', [2, 3], 5],
  ['bpf_fentry_test3', [4, 5, 6], 15],
  ['bpf_fentry_test4', [7, 8, 9, 10], 34],
  ['bpf_fentry_test5', [11, 12, 13, 14, 15], 65],
  ['bpf_fentry_test6', [16, 17, 18, 19, 20, 21], 111],
];

/** `bpf_prog_test_run_tracing`: calls bpf_fentry_test1 and its siblings, which the program may be attached to. */
export function runTracing(runner: Runner, o: TestRunOptions): TestSetup {
  if (o.flags || o.cpu) invalid('tracing programs take no flags');
  const { kernel } = runner.state;
  const call = (name: string, args: readonly number[], check?: TestCall['check']): TestCall => {
    const target = kernel.symbols.find(name)?.address;
    if (target === undefined || !kernel.text.has(name))
      throw new BpfError(COMMAND, 'EOPNOTSUPP', `kernel function ${name} is not modelled yet`);
    return { target, args: args.map((a) => [a, 0] as const), ...(check === undefined ? {} : { check }) };
  };
  const release = (): void => {};
  switch (runner.prog.expectedAttachType) {
    case A.TRACE_FENTRY:
    case A.TRACE_FEXIT: {
      const calls = SUMS.map(([name, args, sum]) =>
        call(name, args, (r0) => {
          if (r0 !== sum) throw new BpfError(COMMAND, 'EFAULT', `${name} gave the wrong sum`);
        }),
      );
      return { calls, as: undefined, collect: () => runner.result(NONE, NONE, 0), release };
    }
    case A.MODIFY_RETURN: {
      const calls = [call('bpf_modify_return_test', [1, 0])];
      return { calls, as: undefined, collect: () => runner.result(NONE, NONE, runner.retval & 0xffff), release };
    }
    default:
      return invalid('tracing programs are test-run as fentry, fexit or modify_return');
  }
}
