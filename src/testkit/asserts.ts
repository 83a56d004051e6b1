/**
 * What tests assert, each as a verdict: vitest's matchers and the plain functions are made of these. A failure of loading
 * says the C line, the instruction and what the message means.
 */
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { BpfError, EmuError } from '../errors/index.ts';
import { explain } from '../explain/explain.ts';
import { equal, matches, show } from './values.ts';
import { type VerdictName, verdictText, verdictValue } from './verdicts.ts';

export interface Verdict {
  readonly pass: boolean;
  /** what is wrong with it; where it passes, with its being so */
  readonly message: string;
}
/** What has been traced: the test kit. */
export interface Traced {
  readonly traced: string;
}
/** A map that carries records. */
export interface Emitting {
  readonly name: string;
  records(type: string): readonly unknown[];
}
/** What a test run gives. */
export interface Returned {
  /** u32 */
  readonly retval: number;
}
/** A loaded map. */
export interface HasEntries {
  readonly name: string;
  entries(): Iterable<readonly [key: unknown, value: unknown]>;
}
/** Entries as a Map, or as pairs. */
export type Entries = Iterable<readonly [key: unknown, value: unknown]>;
const isPair: is.Check = (value) =>
  Array.isArray(value) ? undefined : `${is.shown(value)} is no pair of key and value`;
const isEntries: is.Check = (value) =>
  value instanceof Map ? undefined : is.listOf(isPair)(Array.isArray(value) ? value : [...iterable(value)]);
const iterable = (value: unknown): Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value ? (value as Iterable<unknown>) : [value];

/** The error of a load that the verifier refused; undefined where it was accepted. @throws what else went wrong */
function refusal(load: () => unknown): BpfError | undefined {
  try {
    load();
    return undefined;
  } catch (error) {
    if (error instanceof BpfError && error.log !== '') return error;
    throw error;
  }
}

/** A rejection for people: the message, the C line, the instruction, what it means. */
export function explained(error: BpfError): string {
  checkArgument('error', error, is.holding('error of bpf(2)', 'log'));
  const { message, source, insn, registers, causes, advice } = explain(error.log);
  const register = /\bR\d+\b/.exec(message)?.[0] ?? '';
  return [
    message,
    source && `  source:      ${source.text} @ ${source.file}:${source.line}`,
    insn && `  instruction: ${insn.index}: ${insn.text}`,
    registers[register] && `  ${register} was:${' '.repeat(Math.max(1, 7 - register.length))} ${registers[register]}`,
    ...causes.map(({ index, text, source: at }) => `  from:        ${index}: ${text}${at ? `  (${at.text})` : ''}`),
    advice && `  meaning:     ${advice}`,
  ]
    .filter((line) => line)
    .join('\n');
}

const found = (text: string, wanted: string | RegExp): boolean =>
  typeof wanted === 'string' ? text.includes(wanted) : text.search(wanted) >= 0;
const named = (wanted: string | RegExp): string => (typeof wanted === 'string' ? show(wanted) : String(wanted));

/** @param load loads an object or a program: `() => object.load(kernel)` */
export function isAccepted(load: () => unknown): Verdict {
  checkArgument('load', load, is.callback);
  const error = refusal(load);
  return error
    ? { pass: false, message: `the verifier refused it: ${explained(error)}` }
    : { pass: true, message: 'the verifier accepted it' };
}

/** @param wanted what the verifier's log says */
export function isRejectedBy(load: () => unknown, wanted: string | RegExp): Verdict {
  checkArgument('load', load, is.callback);
  checkArgument('wanted', wanted, is.pattern);
  const error = refusal(load);
  if (!error) return { pass: false, message: `the verifier accepted it; it was to say ${named(wanted)}` };
  const pass = found(error.log, wanted);
  return { pass, message: `the verifier ${pass ? 'says' : 'does not say'} ${named(wanted)}, but: ${explained(error)}` };
}

const MANY = 20;

export function hasTraced(kit: Traced, wanted: string | RegExp): Verdict {
  checkArgument('kit', kit, is.holding('kit', 'traced'));
  checkArgument('wanted', wanted, is.pattern);
  const text = kit.traced;
  const lines = text.trimEnd().split('\n');
  const shown = text === '' ? 'nothing' : ['', ...lines.slice(-MANY)].join('\n');
  const pass = found(text, wanted);
  return { pass, message: `${named(wanted)} was ${pass ? '' : 'not '}traced; what was: ${shown}` };
}

/** @param retval as C has it, -1 is 0xffffffff; or by its name: `'XDP_DROP'`, `'TC_ACT_SHOT'` */
export function hasRetval(run: Returned, retval: number | VerdictName): Verdict {
  checkArgument('run', run, is.holding('result of a run', 'retval'));
  checkArgument('retval', retval, is.either(is.whole(-0x8000_0000, 0xffff_ffff), is.text));
  const wanted = typeof retval === 'number' ? retval : verdictValue(retval);
  const pass = run.retval === wanted >>> 0;
  const found = typeof retval === 'number' ? run.retval : verdictText(run.retval, retval);
  return { pass, message: `the program returned ${found}${pass ? '' : `, not ${retval}`}` };
}

/**
 * A record of that type that has these members; others may have come, too. Strings may be told by a RegExp.
 * @param act what is to send it; undefined: all that came so far count
 */
export function emits(map: Emitting, type: string, wanted: unknown, act?: () => unknown): Verdict {
  checkArgument('map', map, is.holding('map with events', 'records'));
  checkArgument('type', type, is.text);
  const before = act ? map.records(type).length : 0;
  act?.();
  const records = map.records(type).slice(before);
  const pass = records.some((record) => matches(record, wanted));
  const shown = records.length === 0 ? 'nothing' : ['', ...records.slice(-MANY).map(show)].join('\n');
  return {
    pass,
    message: `map '${map.name}' ${pass ? 'has sent' : 'did not send'} ${type} ${show(wanted)}; what it sent: ${shown}`,
  };
}

/** Exactly these, in any order; a number equals the bigint of its value. */
export function hasEntries(map: HasEntries, wanted: Entries): Verdict {
  checkArgument('map', map, is.holding('map with entries', 'entries'));
  checkArgument('wanted', wanted, isEntries);
  const left = [...map.entries()];
  const missing: string[] = [];
  for (const entry of wanted) {
    const at = left.findIndex((other) => equal(other, entry));
    if (at < 0) missing.push(pair(entry));
    else left.splice(at, 1);
  }
  if (missing.length === 0 && left.length === 0) return { pass: true, message: `map '${map.name}' has these entries` };
  const lines = [...missing.map((text) => `- ${text}`), ...left.map((entry) => `+ ${pair(entry)}`)];
  return {
    pass: false,
    message: `map '${map.name}' has other entries (- it lacks, + it has besides):\n${lines.join('\n')}`,
  };
}

const pair = ([key, value]: readonly [key: unknown, value: unknown]): string => `${show(key)} => ${show(value)}`;

/** What the plain functions throw: any runner shows its message. */
export class TestFailure extends EmuError {
  override readonly name = 'TestFailure';
  constructor(message: string) {
    super('ERR_TEST', message);
  }
}

const demand =
  <A extends readonly unknown[]>(judge: (...args: A) => Verdict): ((...args: A) => void) =>
  (...args) => {
    const { pass, message } = judge(...args);
    if (!pass) throw new TestFailure(message);
  };

/** The same for any test runner. @throws TestFailure */
export const assertAccepted = demand(isAccepted);
export const assertRejectedBy = demand(isRejectedBy);
export const assertTraced = demand(hasTraced);
export const assertRetval = demand(hasRetval);
export const assertEmits = demand(emits);
export const assertEntries = demand(hasEntries);
