/** The recording's own line of now: which call of which task runs, and what it is to return. */
import { decodeUtf8 } from '../../platform/index.ts';
import type { SessionContext } from '../session/context.ts';

export interface EventView {
  readonly pid: number;
  readonly comm: string;
  /** `openat`; undefined in user mode between two calls */
  readonly call: string | undefined;
  readonly args: readonly string[];
  readonly result: string | undefined;
}

export function eventView({ kernel }: SessionContext): EventView {
  const { current } = kernel.tasks;
  const { call } = current;
  const args = (call?.args ?? []).map((a) => {
    if (a.kind === 'int') return String((BigInt(a.hi) << 32n) | BigInt(a.lo >>> 0));
    if (a.kind === 'string') return JSON.stringify(decodeUtf8(a.bytes));
    if (a.kind === 'strings') return `[${a.list.map((s) => JSON.stringify(decodeUtf8(s))).join(', ')}]`;
    return a.kind === 'bytes' ? `<${a.bytes.length} bytes>` : a.text;
  });
  const { result } = call ?? {};
  return {
    pid: current.pid,
    comm: current.comm,
    call: call?.name,
    args,
    result: result && String((BigInt(result.hi) << 32n) | BigInt(result.lo >>> 0)),
  };
}
