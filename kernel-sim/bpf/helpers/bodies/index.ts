/** Helper bodies by kernel symbol. A helper is a kernel function; its text is made when a program first calls it. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { GuestFault, MachineStop } from '../../../../src/machine/index.ts';
import type { SpecialField } from '../../../../src/verifier/access/record.ts';
import { capture, reinstate } from '../../../core/state.ts';
import { callbacks } from '../../../text/assembly/callbacks.ts';
import { assembly } from '../../../text/assembly/index.ts';
import { KFUNC_FAMILIES } from '../../kfuncs/bodies/index.ts';
import { freeFields } from '../../kfuncs/bodies/object.ts';
import type { BpfState, HelperSupply, TimerCall } from '../../objects/state.ts';
import { type HelperBodies, type HelperBody, HelperCall, NoMapError } from './call.ts';
import { CGROUP } from './cgroup.ts';
import { DYNPTR } from './dynptr.ts';
import { ECN } from './ecn.ts';
import { FIB } from './fib.ts';
import { FILE } from './file.ts';
import { LWT } from './lwt.ts';
import { MAP } from './map.ts';
import { MISC } from './misc.ts';
import { PERF } from './perf.ts';
import { PRINT } from './print.ts';
import { PROBE } from './probe.ts';
import { SEQ } from './seq.ts';
import { SK_MSG } from './sk-msg.ts';
import { SKB } from './skb.ts';
import { SKB_CHECKSUM } from './skb-checksum.ts';
import { SKB_ROOM } from './skb-room.ts';
import { SOCKETS } from './sock.ts';
import { SOCK_MAP } from './sock-map.ts';
import { SOCK_OPS } from './sock-ops.ts';
import { SOCKOPT } from './sockopt.ts';
import { STRING } from './string.ts';
import { SYNCOOKIE } from './syncookie.ts';
import { SYSCALL } from './syscall.ts';
import { SYSCTL } from './sysctl.ts';
import { TASK } from './task.ts';
import { DueTimers, dueTimers, runDueTimers, TIMER, takeTimer } from './timer.ts';
import { TRACING } from './tracing.ts';
import { TUNNEL_KEYS } from './tunnel.ts';
import { XDP } from './xdp.ts';

const FAMILIES: readonly HelperBodies[] = [
  MAP,
  ...KFUNC_FAMILIES,
  PRINT,
  TASK,
  CGROUP,
  PROBE,
  MISC,
  PERF,
  TRACING,
  SKB,
  SKB_CHECKSUM,
  SKB_ROOM,
  ECN,
  TUNNEL_KEYS,
  LWT,
  FIB,
  SOCKETS,
  SOCK_MAP,
  SOCK_OPS,
  SOCKOPT,
  SK_MSG,
  SYNCOOKIE,
  SYSCTL,
  SYSCALL,
  SEQ,
  FILE,
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

/** Whether the model knows what a kernel function that programs call does. */
export const isModelled = (symbol: string): boolean => symbol in callbacks || bodyOf(symbol) !== undefined;

/** The texts of one kernel's helpers. */
export class HelperTexts implements HelperSupply {
  readonly #state: BpfState;
  #made: HelperCall | undefined;
  /** helpers whose text is there */
  readonly #defined = new Set<string>();
  /** functions whose text only stops the program */
  readonly #stopping = new Set<string>();
  readonly #dueTimers: DueTimers;
  constructor(state: BpfState) {
    this.#state = state;
    this.#dueTimers = new DueTimers(state.kernel, () => this.#made);
  }
  save() {
    const { timers, nextTimer } = this.#made ?? { timers: undefined, nextTimer: Number.POSITIVE_INFINITY };
    const [due, stopping] = [this.#dueTimers, this.#stopping];
    return capture({ defined: this.#defined, stopping, due, timers, nextTimer, ...this.#kept() });
  }
  restore(state: ReturnType<HelperTexts['save']>): void {
    const { timers, nextTimer, tunnelMetadata, secrets } = reinstate(state);
    if (this.#made !== undefined) Object.assign(this.#made, { tunnelMetadata, secrets });
    if (timers === undefined) this.#made?.timers.clear();
    if (this.#made !== undefined) this.#made.nextTimer = nextTimer;
  }
  #kept(): Pick<HelperCall, 'tunnelMetadata' | 'secrets'> {
    const { tunnelMetadata = 0, secrets = [0, 0] } = this.#made ?? {};
    return { tunnelMetadata, secrets };
  }
  get #call(): HelperCall {
    if (this.#made !== undefined) return this.#made;
    const call = new HelperCall(this.#state);
    this.#made = call;
    this.#state.kernel.clock.alarms.push({
      get due() {
        return call.nextTimer;
      },
      ring: () => void runDueTimers(call),
      skip: () => {},
    });
    return call;
  }
  /** `bpf_obj_free_fields`, of a map's value. */
  freeFields(value: Addr, fields: readonly SpecialField[]): void {
    freeFields(this.#call, value, fields);
  }
  /** Calls back timers that are due; the number of calls. */
  fireTimers(): number {
    return this.#made === undefined ? 0 : runDueTimers(this.#made);
  }
  dueTimers(): readonly Addr[] {
    return this.#made === undefined ? [] : dueTimers(this.#made);
  }
  takeTimer(at: Addr): TimerCall | undefined {
    return this.#made && takeTimer(this.#made, at);
  }

  /**
   * Makes sure that a helper does what it does; false where the model has no body for it. Some helpers are machine code
   * (`text/assembly`): of those the body here is what the interpreter calls, and what the code itself asks the host for.
   */
  define(symbol: string): boolean {
    const { kernel } = this.#state;
    const { text } = kernel;
    if (this.#defined.has(symbol)) return true;
    if (text.has(symbol) && !(symbol in assembly)) return !this.#stopping.has(symbol);
    const body = bodyOf(symbol);
    if (kernel.symbols.find(symbol) === undefined || (body === undefined && !(symbol in assembly))) return false;
    this.#defined.add(symbol);
    if (body === undefined) return true;
    const call = this.#call;
    if (!(symbol in assembly)) text.define({ name: symbol, handler: () => body(call) });
    else if (kernel.engine !== 'interp' || symbol in callbacks) text.hypercall(symbol, () => body(call));
    else text.define({ name: symbol, orText: true, handler: () => orText(body, call) });
    return true;
  }

  /** Text for a helper without a body: a program that reaches it stops, and says which it was. */
  defineUnmodelled(symbol: string): void {
    const { text, symbols } = this.#state.kernel;
    if (text.has(symbol) || symbols.find(symbol) === undefined) return;
    this.#stopping.add(symbol);
    text.define({
      name: symbol,
      handler: () => {
        throw new MachineStop(`the program called ${symbol}, which is not modelled yet`);
      },
    });
  }
}

/** What the host cannot do, as memory faults or a pointer leads to no map, the machine code does: it faults where Linux's would. */
function orText(body: HelperBody, call: HelperCall): void {
  try {
    body(call);
  } catch (error) {
    if (!(error instanceof GuestFault) && !(error instanceof NoMapError)) throw error;
    call.kernel.cpu.rip += 1;
  }
}
