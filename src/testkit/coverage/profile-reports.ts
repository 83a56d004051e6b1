/** A profile as text beside the source, in the collapsed form of flame graphs, and as pprof's profile.proto. */
import { checkArgument } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { encodeUtf8 } from '../../platform/index.ts';
import type { HelperCost, LineCost } from './profile.ts';
import { Proto } from './proto.ts';

const isCosts = is.listOf(is.holding('cost of a line', 'file', 'line', 'insns', 'helpers'));

const nsOf = (helpers: readonly HelperCost[]): number => Math.round(helpers.reduce((ns, h) => ns + h.ns, 0));

/** A row a line: instructions, their share, nanoseconds in helpers, the line. */
export function profileText(costs: readonly LineCost[]): string {
  checkArgument('costs', costs, isCosts);
  const all = costs.reduce((sum, cost) => sum + cost.insns, 0);
  const out: string[] = [];
  let head = '';
  for (const cost of costs) {
    const title = `${cost.program}${cost.func === cost.program ? '' : `, ${cost.func}`}${cost.file === '' ? '' : `, ${cost.file}`}`;
    if (title !== head) {
      if (head !== '') out.push('');
      out.push(title, '     insns       %  helpers ns   line');
      head = title;
    }
    const share = all === 0 ? '0.0' : ((100 * cost.insns) / all).toFixed(1);
    const ns = cost.helpers.length === 0 ? '' : String(nsOf(cost.helpers));
    const called = cost.helpers.map((h) => `${h.name} x${h.calls}`).join(', ');
    const source = `${cost.line === 0 ? '' : cost.line}`.padStart(6);
    const text = `${cost.text}${called === '' ? '' : `  [${called}]`}`;
    out.push(
      `${String(cost.insns).padStart(10)}  ${share.padStart(6)}  ${ns.padStart(10)} ${source}  ${text}`.trimEnd(),
    );
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

const place = (cost: LineCost): string => (cost.line === 0 ? cost.func : `${cost.file}:${cost.line}`);
const stackOf = (cost: LineCost): string[] => [...new Set([cost.program, cost.func, place(cost)])];

/** `program;function;file:line;helper COUNT`, which flamegraph.pl and speedscope read; counts are instructions, a call one. */
export function collapsed(costs: readonly LineCost[]): string {
  checkArgument('costs', costs, isCosts);
  const lines: string[] = [];
  for (const cost of costs) {
    const stack = stackOf(cost).join(';');
    const calls = cost.helpers.reduce((sum, h) => sum + h.calls, 0);
    if (cost.insns - calls > 0) lines.push(`${stack} ${cost.insns - calls}`);
    for (const helper of cost.helpers) lines.push(`${stack};${helper.name} ${helper.calls}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** Profile of https://github.com/google/pprof/blob/main/proto/profile.proto, not packed: `go tool pprof` reads it so, too. */
export function pprof(costs: readonly LineCost[]): Uint8Array {
  checkArgument('costs', costs, isCosts);
  const strings = new Map<string, number>([['', 0]]);
  const text = (value: string): number => {
    const known = strings.get(value);
    if (known !== undefined) return known;
    strings.set(value, strings.size);
    return strings.size - 1;
  };
  const functions = new Map<string, number>();
  const locations = new Map<string, number>();
  const profile = new Proto();
  const valueType = (type: string, unit: string): Proto => new Proto().int(1, text(type)).int(2, text(unit));
  profile.message(1, valueType('instructions', 'count')).message(1, valueType('helper_time', 'nanoseconds'));
  const functionId = (name: string, file: string): number => {
    const key = `${name}\0${file}`;
    const known = functions.get(key);
    if (known !== undefined) return known;
    const id = functions.size + 1;
    functions.set(key, id);
    return id;
  };
  const locationId = (name: string, file: string, line: number): number => {
    const key = `${name}\0${file}\0${line}`;
    const known = locations.get(key);
    if (known !== undefined) return known;
    const id = locations.size + 1;
    locations.set(key, id);
    profile.message(4, new Proto().int(1, id).message(4, new Proto().int(1, functionId(name, file)).int(2, line)));
    return id;
  };
  for (const cost of costs) {
    const own = locationId(cost.func, cost.file, cost.line);
    // the leaf comes first
    const outer = cost.func === cost.program ? [own] : [own, locationId(cost.program, cost.file, 0)];
    const calls = cost.helpers.reduce((sum, h) => sum + h.calls, 0);
    if (cost.insns - calls > 0) profile.message(2, new Proto().packed(1, outer).packed(2, [cost.insns - calls, 0]));
    for (const { name, calls: times, ns } of cost.helpers)
      profile.message(2, new Proto().packed(1, [locationId(name, '', 0), ...outer]).packed(2, [times, Math.round(ns)]));
  }
  for (const [key, id] of functions) {
    const [name = '', file = ''] = key.split('\0');
    profile.message(5, new Proto().int(1, id).int(2, text(name)).int(3, text(name)).int(4, text(file)));
  }
  for (const value of strings.keys()) profile.bytes(6, encodeUtf8(value));
  return profile.done();
}
