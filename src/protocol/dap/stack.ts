/** Threads and frames. Only the task that runs has frames; another is where it was switched away. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { callsView, type SourceLine, savedRegisters, tasksOf } from '../../debug/index.ts';
import { addrFromBigInt, formatAddr } from '../../machine/addr.ts';
import { type Adapter, threadId } from './adapter.ts';
import { sourceOf } from './sources.ts';

export const threadsOf = ({ session }: Adapter): DebugProtocol.Thread[] =>
  tasksOf(session).map((t) => ({
    id: threadId(t.pid),
    name: `${t.comm} ${t.pid}${t.call === undefined ? '' : ` in ${t.call}`}${t.runs ? '' : ' (waits)'}`,
  }));

/** The number of a frame is its depth; of a task that does not run, none opens. */
const ELSEWHERE = 1 << 20;
/** A frame by its number, where names can be about it: user code and other tasks have none. No number is the innermost. */
export const frameOf = ({ session }: Adapter, frameId = 0): number | undefined =>
  frameId < session.frames.length ? frameId : undefined;

export function framesOf(adapter: Adapter, args: DebugProtocol.StackTraceArguments): DebugProtocol.StackFrame[] {
  const { session } = adapter;
  if (args.threadId !== threadId(session.stop.task.pid)) {
    const pid = tasksOf(session).find((t) => threadId(t.pid) === args.threadId)?.pid;
    const rip = pid === undefined ? undefined : savedRegisters(session, pid)?.get('rip');
    if (pid === undefined || rip === undefined) return [];
    const place = session.places.at(addrFromBigInt(rip));
    return [
      { id: ELSEWHERE + pid, name: place.symbol, line: 0, column: 0, ...code(place.rip), presentationHint: 'subtle' },
    ];
  }
  return callsView(session).map((call, id) => ({
    id,
    name: nameOf(call.symbol, call.program),
    ...lineOf(adapter, call.source),
    ...code(call.address),
    ...(call.source === undefined ? { presentationHint: 'subtle' as const } : {}),
  }));
}

const code = (address: number) => ({ instructionPointerReference: `0x${formatAddr(address)}` });

/** An image by its program's name: `count_opens+0x31`. */
const nameOf = (symbol: string, program: string | undefined): string =>
  program === undefined ? symbol : symbol.replace(/^bpf_prog_[0-9a-f]{16}_\w+/, program);

export const lineOf = (
  adapter: Adapter,
  line: SourceLine | undefined,
): Pick<DebugProtocol.StackFrame, 'source' | 'line' | 'column'> =>
  line === undefined
    ? { line: 0, column: 0 }
    : {
        source: sourceOf(adapter, line.file),
        line: line.line + adapter.firstLine - 1,
        column: Math.max(1, line.column) + adapter.firstColumn - 1,
      };
