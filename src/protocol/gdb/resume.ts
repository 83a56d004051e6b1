/** What gdb resumes with: `vCont` and its older forms, forwards and backwards (GDB manual, E.2 "Packets"). */
import type { MoveOptions, Session, Stop } from '../../debug/index.ts';
import { addrFromBigInt } from '../../machine/addr.ts';
import { pidOf } from './threads.ts';

export type Resumption =
  | { readonly kind: 'continue'; readonly back: boolean }
  /** one instruction of a task, whoever runs in between */
  | { readonly kind: 'step'; readonly back: boolean; readonly pid: number | undefined }
  /** instructions of a task as long as they are in [start, end) */
  | { readonly kind: 'range'; readonly start: number; readonly end: number; readonly pid: number | undefined };

/** `vCont;s:7562;c`, `s`, `C05`, `bc`; undefined: it is none of these. Signals are nothing that a kernel is sent. */
export function parseResumption(packet: string): Resumption | undefined {
  switch (packet[0]) {
    case 'b':
      if (packet === 'bs') return { kind: 'step', back: true, pid: undefined };
      return packet === 'bc' ? { kind: 'continue', back: true } : undefined;
    case 'c':
    case 'C':
      return { kind: 'continue', back: false };
    case 's':
    case 'S':
      return { kind: 'step', back: false, pid: undefined };
  }
  const actions = /^vCont;(.*)$/.exec(packet)?.[1]?.split(';') ?? [];
  for (const action of actions) {
    const [what = '', thread = ''] = action.split(':');
    const pid = pidOf(thread);
    if (/^s|^S/.test(what)) return { kind: 'step', back: false, pid };
    const range = /^r([0-9a-f]+),([0-9a-f]+)$/i.exec(what);
    if (range) return { kind: 'range', start: address(range[1]), end: address(range[2]), pid };
  }
  return actions.some((a) => /^[cC]/.test(a)) ? { kind: 'continue', back: false } : undefined;
}
const address = (hex: string | undefined): number => addrFromBigInt(BigInt(`0x${hex}`));

/** Makes it; where it stops. */
export async function resume(session: Session, how: Resumption, options: MoveOptions): Promise<Stop> {
  if (how.kind === 'continue') return session.move({ kind: 'continue', back: how.back }, options);
  const pid = how.pid ?? session.stop.task.pid;
  const back = how.kind === 'step' && how.back;
  for (;;) {
    const stop = await step(session, pid, back, options);
    const { rip } = stop.place;
    if (how.kind === 'step' || stop.reason !== 'step' || rip < how.start || rip >= how.end) return stop;
    if (session.breakpoints.on(rip).some((b) => b.enabled)) return stop;
    if (options.signal?.aborted) return { ...stop, reason: 'interrupted' };
  }
}

/** One instruction. Where another task runs behind it, on to where this one does again: what switches is the same code. */
async function step(session: Session, pid: number, back: boolean, options: MoveOptions): Promise<Stop> {
  const stop = await session.move({ kind: 'step', unit: 'x86', back }, options);
  if (stop.reason !== 'step' || stop.task.pid === pid) return stop;
  return session.move({ kind: 'until', address: stop.place.rip, pid, back }, options);
}
