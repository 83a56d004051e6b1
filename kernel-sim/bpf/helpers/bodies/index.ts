/** Helper bodies by kernel symbol. A helper is a kernel function; its text is made when a program first calls it. */
import { MachineStop } from '../../../../src/machine/index.ts';
import type { Kernel } from '../../../kernel.ts';
import { refaultOf } from '../../engine/refault.ts';
import type { BpfState } from '../../state.ts';
import { type HelperBodies, type HelperBody, HelperCall } from './call.ts';
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

/** Symbols of all kernel functions that programs call and the model has. */
export const allModelled = (): string[] => FAMILIES.flatMap((family) => Object.keys(family));

/** Whether the model knows what a kernel function that programs call does. */
export const isModelled = (symbol: string): boolean => bodyOf(symbol) !== undefined;

/** Functions whose text only stops the program: {@link defineUnmodelled}. */
const stopping = new WeakMap<Kernel, Set<string>>();

/** Makes sure that a helper's text exists; false where the model has no body for it. */
export function defineHelper(state: BpfState, symbol: string): boolean {
  const { kernel } = state;
  if (kernel.text.has(symbol)) return !stopping.get(kernel)?.has(symbol);
  const body = bodyOf(symbol);
  if (body === undefined || kernel.symbols.find(symbol) === undefined) return false;
  const call = callOf(state);
  const faults = refaultOf(kernel);
  kernel.text.define({ name: symbol, handler: () => faults.guard(() => body(call)) });
  return true;
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
