/**
 * Places as people write them:
 *
 *     hello.c:10   :10   10            a line
 *     do_sys_openat2   hello+0x14      a function of the kernel's, or a program
 *     hello@3                          an instruction (slot) of a program as it runs
 *     *0xffffffff81453d90              an address
 *     helper bpf_map_lookup_elem       syscall openat [exit]
 *     map [lookup|update|delete] counts    tracepoint sched:sched_switch
 *
 * with ` if EXPRESSION` behind it.
 */
import { addrFromBigInt } from '../../machine/addr.ts';
import { DebugError } from '../error.ts';
import type { BreakpointAt } from './types.ts';

export interface Said {
  readonly at: BreakpointAt;
  readonly condition: string | undefined;
}

/** @throws DebugError */
export function parseBreakpoint(text: string): Said {
  const m = /^(.*?)(?:\s+if\s+(.+))?$/.exec(text.trim());
  const [, place = '', condition] = m ?? [];
  return { at: parsePlace(place.trim()), condition };
}

function parsePlace(text: string): BreakpointAt {
  const words = text.split(/\s+/);
  const [first = '', second, third] = words;
  const name = (): string => {
    if (second === undefined) throw new DebugError(`break ${first}: which one?`);
    return second;
  };
  switch (first) {
    case '':
      throw new DebugError(
        'break where? A line, a function, *ADDRESS, helper NAME, syscall NAME, map NAME, tracepoint NAME',
      );
    case 'helper':
      return { kind: 'helper', name: name() };
    case 'syscall':
      return { kind: 'syscall', name: name(), ...(third === 'exit' ? { exit: true } : {}) };
    case 'tracepoint':
      return { kind: 'tracepoint', name: name() };
    case 'map': {
      // in either order
      const [op, map = name()] = isMapOp(name()) && third !== undefined ? [name(), third] : [third, name()];
      if (op === undefined) return { kind: 'map', map };
      if (!isMapOp(op)) throw new DebugError(`break map ${map} ${op}: of a map one stops at lookup, update or delete`);
      return { kind: 'map', map, op };
    }
  }
  if (words.length > 1) throw new DebugError(`'${text}' is no place`);
  const address = /^\*(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (address) return { kind: 'address', address: addrFromBigInt(BigInt(address[1] as string)) };
  const line = /^(?:(.*):)?(\d+)$/.exec(text);
  if (line) return { kind: 'line', line: Number(line[2]), ...(line[1] ? { file: line[1] } : {}) };
  const slot = /^(\w+)@(\d+)$/.exec(text);
  if (slot) return { kind: 'insn', program: slot[1] as string, slot: Number(slot[2]) };
  const func = /^([\w.]+)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(text);
  if (func) return { kind: 'function', name: func[1] as string, ...(func[2] ? { offset: Number(func[2]) } : {}) };
  throw new DebugError(`'${text}' is no place`);
}

type MapOp = 'lookup' | 'update' | 'delete';
const isMapOp = (word: string): word is MapOp => /^(lookup|update|delete)$/.test(word);
