/**
 * PROG_TEST_RUN: Linux 6.12 Documentation/bpf/bpf_prog_run.rst, with the limits and errors of net/bpf/test_run.c.
 * Each family of program types has a file; a program that skipped the verifier runs on whatever it is given.
 */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { progTypeName } from '../../src/uapi/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { TestRunOptions, TestSetup } from '../bpf/prog/test-run.ts';
import { progTypeRow, type TestRunFamily } from '../bpf/prog/types.ts';
import { runFlowDissector, runSkLookup } from './lookup.ts';
import type { Runner } from './runner.ts';
import { runRawTracepoint, runSyscall, runTracing } from './simple.ts';
import { runSkb } from './skb.ts';
import { runXdp } from './xdp.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';

/** A driver for each family of program types (`bpf/prog/types.ts`). */
const DRIVERS: Readonly<Record<TestRunFamily, (runner: Runner, options: TestRunOptions) => TestSetup>> = {
  skb: runSkb,
  xdp: runXdp,
  syscall: runSyscall,
  raw_tp: runRawTracepoint,
  sk_lookup: runSkLookup,
  flow_dissector: runFlowDissector,
  tracing: runTracing,
};

/**
 * What a test run calls, and what comes of it.
 * @throws BpfError ENOTSUPP for types that Linux cannot test-run, EINVAL, E2BIG, ENOSPC ... as the kernel
 */
export function setUp(runner: Runner, options: TestRunOptions): TestSetup {
  const { prog } = runner;
  const unverified = !prog.init.verified && !prog.init.classic;
  const family = progTypeRow(prog.type)?.testRun;
  const isPacket = family === 'skb' || family === 'xdp';
  if (unverified && (options.ctxIn !== undefined || !isPacket)) return bare(runner, options);
  if (family === undefined)
    throw new BpfError(COMMAND, 'ENOTSUPP', `${progTypeName(prog.type)} programs have no test run`);
  return DRIVERS[family](runner, options);
}

/** R1 is the buffer's address, R2 its length; the buffer is given back as it was left. */
function bare(runner: Runner, options: TestRunOptions): TestSetup {
  const bytes = options.ctxIn;
  const { host } = runner.state;
  const size = bytes?.length ?? 0;
  const at: Addr = size > 0 ? host.vmalloc(size) : 0;
  if (bytes !== undefined && size > 0) host.memory.writeBytes(at, bytes);
  const args = [[addrLo(at), addrHi(at)] as const, [size | 0, 0] as const];
  return {
    calls: [{ target: runner.prog.entry, args }],
    as: 'atomic',
    collect: () => {
      const ctxOut = size > 0 ? host.memory.readBytes(at, size) : new Uint8Array(0);
      return runner.result(options.dataIn ?? new Uint8Array(0), ctxOut);
    },
    release: () => {
      if (at !== 0) host.vfree(at);
    },
  };
}
