/** Breakpoints: each request brings all of its kind, and takes the place of those before. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Breakpoint, type BreakpointOptions, DebugError, parseBreakpoint } from '../../debug/index.ts';
import { addrFromBigInt } from '../../machine/addr.ts';
import type { Adapter } from './adapter.ts';
import { fileOf, sourceOf } from './sources.ts';

type Answer = DebugProtocol.Breakpoint;

/** What the client asks for beside a place. */
interface Wanted {
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}

/** DAP's names of accesses. */
const ACCESS = { write: 'write', read: 'read', readWrite: 'access' } as const;

/** `3`: from the third hit on; `> 3`, `>= 3`: behind it. */
function ignored(hitCondition: string): number {
  const [, op = '', digits] = /^\s*(>=?|==?)?\s*(\d+)\s*$/.exec(hitCondition) ?? [];
  if (digits === undefined) throw new DebugError(`'${hitCondition}' is no number of hits: 3, > 3 and >= 3 are`);
  return op === '>' ? Number(digits) : Math.max(0, Number(digits) - 1);
}

const options = ({ condition, hitCondition, logMessage }: Wanted): BreakpointOptions => ({
  ...(condition ? { condition } : {}),
  ...(hitCondition ? { ignore: ignored(hitCondition) } : {}),
  ...(logMessage ? { log: logMessage } : {}),
});

/** Sets these instead of those that the same kind of request set before. */
function replace<T>(
  adapter: Adapter,
  kind: string,
  wanted: readonly T[],
  set: (want: T) => { point: Breakpoint; answer?: Partial<Answer> },
): Answer[] {
  const { breakpoints } = adapter.session;
  for (const id of adapter.points.get(kind) ?? []) breakpoints.remove(id);
  const ids: number[] = [];
  const answers = wanted.map((want): Answer => {
    try {
      const { point, answer } = set(want);
      ids.push(point.id);
      return { id: point.id, verified: true, ...answer };
    } catch (error) {
      if (!(error instanceof DebugError)) throw error;
      return { verified: false, message: error.message };
    }
  });
  adapter.points.set(kind, ids);
  return answers;
}

export function setLineBreakpoints(adapter: Adapter, args: DebugProtocol.SetBreakpointsArguments): Answer[] {
  const { session } = adapter;
  const wanted = args.breakpoints ?? (args.lines ?? []).map((line): DebugProtocol.SourceBreakpoint => ({ line }));
  const key = `${args.source.path ?? ''}#${args.source.sourceReference ?? ''}`;
  return replace(adapter, key, wanted, (want) => {
    const file = fileOf(adapter, args.source);
    const line = want.line - adapter.firstLine + 1;
    const point = session.breakpoints.add({ kind: 'line', file, line }, options(want));
    // a line without code is the next one that has some
    const at = Number(/:(\d+)$/.exec(point.text)?.[1] ?? line);
    return { point, answer: { line: at + adapter.firstLine - 1, source: sourceOf(adapter, file) } };
  });
}

/** A function by name, or whatever else the prompt's `break` takes: `helper map_lookup_elem`, `syscall openat`. */
export const setFunctionBreakpoints = (
  adapter: Adapter,
  args: DebugProtocol.SetFunctionBreakpointsArguments,
): Answer[] =>
  replace(adapter, 'function', args.breakpoints, (want) => {
    const { at, condition } = parseBreakpoint(want.name);
    const both = { ...(condition === undefined ? {} : { condition }), ...want };
    const point = adapter.session.breakpoints.add(at, options(both));
    return { point, answer: { message: point.text } };
  });

export const setInstructionBreakpoints = (
  adapter: Adapter,
  args: DebugProtocol.SetInstructionBreakpointsArguments,
): Answer[] =>
  replace(adapter, 'instruction', args.breakpoints, (want) => {
    const address = addrFromBigInt(reference(want.instructionReference)) + (want.offset ?? 0);
    return {
      point: adapter.session.breakpoints.add({ kind: 'address', address }, options(want)),
      answer: { instructionReference: want.instructionReference, offset: want.offset ?? 0 },
    };
  });

export const setDataBreakpoints = (adapter: Adapter, args: DebugProtocol.SetDataBreakpointsArguments): Answer[] =>
  replace(adapter, 'data', args.breakpoints, (want) => ({
    point: adapter.session.watch(want.dataId, options(want), ACCESS[want.accessType ?? 'write']),
  }));

/** `0xffffffff81453d90`. @throws DebugError */
export function reference(text: string): bigint {
  try {
    return BigInt(text);
  } catch {
    throw new DebugError(`'${text}' is no address`);
  }
}
