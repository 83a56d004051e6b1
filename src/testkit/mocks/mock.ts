/** Functions that programs call, and that a test answers for. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { ArgumentError, checkArgument, checkOptions, type Schema } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { ERRNO, type Errno } from '../../errors/index.ts';
import { nearestText } from '../../errors/near.ts';
import { BPF_OBJ_NAME_LEN } from '../../uapi/index.ts';
import { keepingRegisters, type MockArguments, MockCall } from './call.ts';
import { type Prototype, prototypeOf } from './prototype.ts';

/** It fails: `{ error: 'EFAULT' }` returns -EFAULT; `null` returns NULL. */
export interface MockError {
  readonly error: Errno | null;
}
/** What a call returns: a register's value, negative ones with their sign. Nothing is 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing
export type MockResult = number | bigint | boolean | MockError | void;
export type MockFunction = (args: MockArguments, call: MockCall) => MockResult;
/** A function; one result for all calls; results one after another, then the kernel's own again. */
export type MockBehaviour = MockFunction | MockResult | readonly MockResult[];

export interface MockOptions {
  /** the first call that it answers, counted from 1; those before it are the kernel's. Default 1 */
  readonly from?: number;
  /** how many calls it answers; those behind are the kernel's. Default: all */
  readonly times?: number;
  /** calls that concern this map only */
  readonly map?: string;
}
export interface RecordedCall {
  readonly args: MockArguments;
  /** what the program got, a register's value with its sign */
  readonly result: bigint;
  readonly pid: number;
}

const OPTIONS: Schema<MockOptions> = { from: is.whole(1, 2 ** 31), times: is.whole(1, 2 ** 31), map: is.text };

/** A mocked function. Restored by {@link restore}, at the end of a `using` block, or with all others of its kernel. */
export class Mock implements Disposable {
  /** as programs call it: `bpf_ktime_get_ns` */
  readonly name: string;
  /** all calls so far, in order, whoever answered */
  readonly calls: RecordedCall[] = [];
  /** how many of them this mock answered */
  answered = 0;
  readonly #undo: (mock: Mock) => void;

  constructor(name: string, undo: (mock: Mock) => void) {
    this.name = name;
    this.#undo = undo;
  }
  /** The kernel answers again, or an older mock of the same function. */
  restore(): void {
    this.#undo(this);
  }
  [Symbol.dispose](): void {
    this.restore();
  }
}

/** A mock, and which calls it answers how. */
interface Answering {
  readonly mock: Mock;
  readonly answer: (call: MockCall) => bigint | typeof REAL;
}
/** A function that is taken from the kernel. */
interface Taken {
  /** the newest first */
  readonly list: Answering[];
  readonly giveBack: () => void;
}

/** The mocks of one kernel. */
export class Mocks {
  readonly #kernel: Kernel;
  readonly #taken = new Map<string, Taken>();
  /** what else ends with them */
  readonly #also = new Set<() => void>();
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * @param behaviour undefined: the kernel answers, and calls are recorded
   * @param turn counts the calls that concern it; mocks that fail as one share it
   * @throws ArgumentError: no such function, with near ones; a result that no register holds
   */
  add(name: string, behaviour?: MockBehaviour, options: MockOptions = {}, turn = { count: 0 }): Mock {
    checkArgument('name', name, is.text);
    checkOptions('options', options, OPTIONS);
    const prototype = prototypeOf(this.#kernel, name);
    const answer = answers(behaviour);
    const { from = 1, times = Number.POSITIVE_INFINITY, map } = options;
    const mock = new Mock(prototype.name, (gone) => this.#remove(gone));
    const answering: Answering = {
      mock,
      answer: (call) => {
        if (map !== undefined && !Object.values(call.args).some((arg) => isMap(arg, map))) return REAL;
        const n = ++turn.count;
        return n >= from && n < from + times ? answer(n - from, call) : REAL;
      },
    };
    this.#take(prototype).list.unshift(answering);
    return mock;
  }

  /** `end` is called with {@link restore}, or when what this gives is. */
  until(end: () => void): () => void {
    const once = (): void => {
      if (this.#also.delete(once)) end();
    };
    this.#also.add(once);
    return once;
  }

  restore(): void {
    for (const end of [...this.#also]) end();
    for (const { list } of [...this.#taken.values()]) for (const { mock } of [...list]) mock.restore();
  }

  #take(prototype: Prototype): Taken {
    const known = this.#taken.get(prototype.name);
    if (known) return known;
    const kernel = this.#kernel;
    const list: Answering[] = [];
    const giveBack = kernel.bpf.state.detours.take(prototype.name, prototype.symbols, (original) =>
      keepingRegisters(kernel, () => ask(list, new MockCall(kernel, prototype, original))),
    );
    const taken = { list, giveBack };
    this.#taken.set(prototype.name, taken);
    return taken;
  }
  #remove(mock: Mock): void {
    const taken = this.#taken.get(mock.name);
    const at = taken?.list.findIndex((one) => one.mock === mock) ?? -1;
    if (!taken || at < 0) return;
    taken.list.splice(at, 1);
    if (taken.list.length > 0) return;
    this.#taken.delete(mock.name);
    taken.giveBack();
  }
}

/** The newest mock that wants to answers, else the kernel. */
function ask(list: readonly Answering[], call: MockCall): bigint {
  // one may be restored while it answers
  const asked = [...list];
  let answer: bigint | typeof REAL = REAL;
  for (const one of asked) {
    answer = one.answer(call);
    if (answer === REAL) continue;
    one.mock.answered++;
    break;
  }
  const result = BigInt.asIntN(64, answer === REAL ? call.original() : answer);
  for (const { mock } of asked) mock.calls.push({ args: call.args, result, pid: call.task.pid });
  return result;
}

/** the kernel is to answer */
const REAL: unique symbol = Symbol('real');
type Answer = (n: number, call: MockCall) => bigint | typeof REAL;

const isMap = (arg: unknown, name: string): boolean =>
  typeof arg === 'object' && arg !== null && isNamed((arg as { readonly name?: unknown }).name, name);
/** The kernel keeps so much of a name. */
export const isNamed = (kept: unknown, name: string): boolean => kept === name.slice(0, BPF_OBJ_NAME_LEN - 1);

function answers(behaviour: MockBehaviour): Answer {
  if (behaviour === undefined) return () => REAL;
  if (typeof behaviour === 'function')
    return (_, call) => register(behaviour(call.args, call), 'what the mock returns');
  if (Array.isArray(behaviour)) {
    const results = behaviour.map((result: MockResult, n) => register(result, `behaviour[${n}]`));
    return (n) => results[n] ?? REAL;
  }
  const result = register(behaviour as MockResult, 'behaviour');
  return () => result;
}

function register(result: MockResult, argument: string): bigint {
  if (result === undefined) return 0n;
  if (typeof result === 'boolean') return result ? 1n : 0n;
  if (typeof result === 'object') return failure(result, argument);
  checkArgument(argument, result, is.u64);
  return BigInt.asUintN(64, BigInt(result));
}
function failure({ error }: MockError, argument: string): bigint {
  if (error === null) return 0n;
  const number = ERRNO[error];
  if (number === undefined)
    throw new ArgumentError(
      `${argument}.error`,
      `there is no '${error}'${nearestText(String(error), Object.keys(ERRNO))}`,
    );
  return BigInt.asUintN(64, BigInt(-number));
}
