/** Recordings of real programs, made ready for {@link Kernel.replay}. */
import type { Trace, TraceStep, TraceTask } from '../../kernel-sim/index.ts';
import { checkArgument, checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { encodeUtf8, host, type OpenBytes } from '../platform/index.ts';
import { AnyParser } from './formats.ts';
import { HeldBytes } from './held-bytes.ts';
import { openOutputFiles } from './strace/output-files.ts';
import { StraceParser } from './strace/parser.ts';
import { bytesOf, RecordingStream } from './stream.ts';
import type { RecordingWarning } from './warnings.ts';
import { WORKLOADS, type WorkloadName, workload } from './workloads/index.ts';
import { WorkloadSteps } from './workloads/steps.ts';

export { AnyParser } from './formats.ts';
export { PacedSteps } from './pace.ts';
export { type Capture, type CapturedPacket, CaptureError, LINKTYPE_ETHERNET, readCapture } from './pcap/read.ts';
export { writeCapture } from './pcap/write.ts';
export { type SocketAddress, socketAddress } from './socket-address.ts';
export { FORKS } from './strace/clone.ts';
export { constantValues } from './strace/constants.ts';
export { dataArg } from './strace/data-args.ts';
export { StraceParser } from './strace/parser.ts';
export { RecordingStream } from './stream.ts';
export type { LineWarnings, RecordingWarning } from './warnings.ts';
export { WORKLOADS, type WorkloadName, workload } from './workloads/index.ts';

const OPEN_BYTES: Schema<OpenBytes> = { follow: is.bool, keep: is.bool };
const isStream: is.Check = (value) =>
  typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function'
    ? undefined
    : `${is.shown(value)} cannot be iterated asynchronously`;

/**
 * Reads `strace -f` output in any of its forms. A line that cannot be read is a warning; the rest is replayed.
 * For long recordings, and those that are still being made, there are {@link openRecording} and {@link streamStrace}.
 */
export function readStrace(text: string): { readonly trace: Trace; readonly warnings: readonly RecordingWarning[] } {
  checkArgument('text', text, is.text);
  const parser = new StraceParser({ whole: true });
  parser.push(encodeUtf8(text));
  parser.end();
  const tasks: TraceTask[] = [];
  const steps: TraceStep[] = [];
  for (let step = parser.next(); step; step = parser.next()) {
    if (step.kind === 'task') tasks.push({ pid: step.pid, comm: step.comm });
    else steps.push(step);
  }
  const startRealtime = parser.epoch;
  return {
    trace: { tasks, steps, ...(startRealtime === undefined ? {} : { startRealtime }) },
    warnings: parser.warnings.list,
  };
}

/** Reads `strace -f` output that arrives in chunks, cut anywhere, in bounded memory: a source for {@link Kernel.replay}. */
export function streamStrace(chunks: AsyncIterable<Uint8Array | string>): RecordingStream {
  checkArgument('chunks', chunks, isStream);
  return new RecordingStream(bytesOf(chunks), () => new StraceParser());
}

/**
 * Opens a recording of the host, or `-`, standard input, as a source for {@link Kernel.replay}: strace's, trace events
 * as ftrace, `trace-cmd report` and `perf script` print them, or functions as ltrace and `uftrace replay` do. Where there is
 * no such file, but files PATH.PID, they are what `strace -ff -o PATH` wrote, and are merged.
 * @throws FileError
 */
export function openRecording(path: string, options?: OpenBytes): RecordingStream {
  checkArgument('path', path, is.text);
  if (options !== undefined) checkOptions('options', options, OPEN_BYTES);
  const separate = path === '-' || host.exists(path) ? undefined : openOutputFiles(path, options);
  return new RecordingStream(separate ?? host.openBytes(path, options), () => new AnyParser());
}

/** As {@link openRecording}, of bytes. */
export const recordingOf = (bytes: Uint8Array): RecordingStream =>
  new RecordingStream(new HeldBytes(bytes), () => new AnyParser());

/** A workload of the project's own as a source for {@link Kernel.replay}, for a seed. */
export function openWorkload(name: WorkloadName, seed = 1): RecordingStream {
  checkArgument('name', name, is.oneOf(...WORKLOADS));
  checkArgument('seed', seed, is.count);
  return new RecordingStream(new HeldBytes(new Uint8Array(0)), () => new WorkloadSteps(workload(name, seed)));
}

/** strace of a command: every task, wall clock times, strings long enough for paths and what is written; on descriptor 3, up to its end when Ctrl-C ends the command */
const STRACE = ['-f', '-ttt', '-s', '256', '-o', '|trap "" INT; exec cat >&3', '--'];

/**
 * Runs a command under the host's strace, and gives what it does as it does it: a source for {@link Kernel.replay}.
 * A host without strace is an error of the first step.
 */
export function recordCommand(command: readonly string[]): RecordingStream {
  checkArgument('command', command, is.listOf(is.text));
  return new RecordingStream(host.openProgram('strace', [...STRACE, ...command]), () => new StraceParser());
}
