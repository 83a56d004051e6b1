/** Helper bodies by kernel symbol. A helper is a kernel function; its text is made when a program first calls it. */
import { GuestFault, MachineStop } from '../../../../src/machine/index.ts';
import type { Kernel } from '../../../kernel.ts';
import { assembly } from '../../../text/assembly/index.ts';
import { refaultOf } from '../../engine/refault.ts';
import type { BpfState } from '../../syscall/state.ts';
import { type HelperBodies, type HelperBody, HelperCall, NoMapError } from './call.ts';
import { DYNPTR } from './dynptr.ts';
import { KFUNCS } from './kfuncs.ts';
import { MAP } from './map.ts';
import { MISC } from './misc.ts';
import { PERF } from './perf.ts';
import { PRINT } from './print.ts';
import { PROBE } from './probe.ts';
import { SKB } from './skb.ts';
import { SOCK } from './sock.ts';
import { STRING } from './string.ts';
import { TASK } from './task.ts';
import { runDueTimers, TIMER } from './timer.ts';
import { TRACING } from './tracing.ts';
import { XDP } from './xdp.ts';

const FAMILIES: readonly HelperBodies[] = [
  MAP,
  KFUNCS,
  PRINT,
  TASK,
  PROBE,
  MISC,
  PERF,
  TRACING,
  SKB,
  SOCK,
  XDP,
  STRING,
  DYNPTR,
  TIMER,
];

const bodyOf = (symbol: string): HelperBody | undefined => {
  for (const family of FAMILIES) {
    const body = family[symbol];
    if (body) return body;
  }
  return undefined;
};

const calls = new WeakMap<BpfState, HelperCall>();
const callOf = (state: BpfState): HelperCall => {
  let call = calls.get(state);
  if (call === undefined) {
    call = new HelperCall(state);
    calls.set(state, call);
  }
  return call;
};

/** Calls back timers that are due; the number of calls. */
export const fireTimers = (state: BpfState): number => runDueTimers(callOf(state));

/** Whether the model knows what a kernel function that programs call does. */
export const isModelled = (symbol: string): boolean => bodyOf(symbol) !== undefined;

/** Functions whose text only stops the program: {@link defineUnmodelled}. */
const stopping = new WeakMap<Kernel, Set<string>>();

/** Kernels whose text has these helpers defined. */
const made = new WeakMap<Kernel, Set<string>>();

/**
 * Makes sure that a helper does what it does; false where the model has no body for it. Some helpers are machine code
 * (`text/assembly`): of those the body here is what the interpreter calls, and what the code itself asks the host for.
 */
export function defineHelper(state: BpfState, symbol: string): boolean {
  const { kernel } = state;
  const { text } = kernel;
  const done = made.get(kernel) ?? new Set();
  if (done.has(symbol)) return true;
  if (text.has(symbol) && !(symbol in assembly)) return !stopping.get(kernel)?.has(symbol);
  const body = bodyOf(symbol);
  if (kernel.symbols.find(symbol) === undefined || (body === undefined && !(symbol in assembly))) return false;
  made.set(kernel, done.add(symbol));
  if (body === undefined) return true;
  const call = callOf(state);
  const faults = refaultOf(kernel);
  if (!(symbol in assembly)) text.define({ name: symbol, handler: () => faults.guard(() => body(call)) });
  else if (kernel.engine !== 'interp') text.hypercall(symbol, () => faults.guard(() => body(call)));
  else text.define({ name: symbol, orText: true, handler: () => orText(kernel, body, call) });
  return true;
}

/** What the host cannot do, as memory faults or a pointer leads to no map, the machine code does: it faults where Linux's would. */
function orText(kernel: Kernel, body: HelperBody, call: HelperCall): void {
  try {
    body(call);
  } catch (error) {
    if (!(error instanceof GuestFault) && !(error instanceof NoMapError)) throw error;
    kernel.cpu.rip += 1;
  }
}

/** Text for a helper without a body: a program that reaches it stops, and says which it was. */
export function defineUnmodelled(state: BpfState, symbol: string): void {
  const { kernel } = state;
  if (kernel.text.has(symbol) || kernel.symbols.find(symbol) === undefined) return;
  const symbols = stopping.get(kernel) ?? new Set();
  stopping.set(kernel, symbols.add(symbol));
  kernel.text.define({
    name: symbol,
    handler: () => {
      throw new MachineStop(`the program called ${symbol}, which is not modelled yet`);
    },
  });
}
