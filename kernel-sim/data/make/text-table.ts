/** Generates the whole text for the shipped symbols, as {@link Pregenerated} takes it. */
import { GuestMemory, Machine } from '../../../src/machine/index.ts';
import { MODEL_PERCPU } from '../../core/model-percpu.ts';
import { Structs } from '../../core/structs.ts';
import { builtinSymbols } from '../../sym/kallsyms.ts';
import { assembly } from '../../text/assembly/index.ts';
import type { TraceSite } from '../../text/compile.ts';
import { tables } from '../../text/functions/index.ts';
import { KernelText } from '../../text/kernel-text.ts';
import { builtinBtf } from '../builtin.ts';
import { layouts } from '../layouts.ts';
import type { TextTable } from '../text-table.ts';

/** Of events and classes that the kernel has no handler of its own for: nobody asks for them. */
const EVENT_HANDLER = /^(perf_trace|__bpf_trace|__traceiter)_/;

interface Made {
  readonly name: string;
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly sites: readonly TraceSite[];
}

export function pregenerate(): TextTable {
  // once to learn the hypercalls' names, then with their numbers fixed
  const hypercalls = all([]).hypercalls.sort();
  const { base, inPlace, apart, own } = all(hypercalls);
  const made = [...inPlace, ...apart];
  const places = new Uint32Array(made.flatMap((m) => [m.at - base, m.bytes.length]));
  return {
    names: made.map((m) => m.name).join(' '),
    places: Buffer.from(places.buffer).toString('base64'),
    base,
    firstOwn: inPlace.length,
    own: [...own.places].map(([name, at]) => `${name}=${at - base}`).join(' '),
    ownText: own.ownText,
    ownData: own.ownData,
    text: Buffer.concat(made.map((m) => m.bytes)).toString('base64'),
    sites: made
      .flatMap((m) => m.sites.map((s) => `${s.event} ${m.name} ${s.at - m.at} ${s.outOfLine - m.at}`))
      .join('\n'),
    hypercalls: hypercalls.join('\n'),
  };
}

interface All {
  readonly base: number;
  readonly inPlace: readonly Made[];
  /** what the symbols have no place for */
  readonly apart: readonly Made[];
  readonly own: ReturnType<KernelText['own']>;
  readonly hypercalls: string[];
}

function all(hypercalls: readonly string[]): All {
  const machine = new Machine(new GuestMemory({ bytes: 1 << 27 }), { engine: 'step' });
  const symbols = builtinSymbols();
  const structs = new Structs(layouts, false, builtinBtf);
  const text = new KernelText({
    machine,
    symbols,
    structs,
    tables,
    assembly,
    percpu: MODEL_PERCPU,
    ready: undefined,
    hypercalls,
  });
  const inPlace: Made[] = [];
  const apart: Made[] = [];
  for (const f of symbols.functions()) {
    if (!text.has(f.name)) continue;
    const {
      pieces: [entry, cold],
      sites,
    } = text.pieces(f);
    inPlace.push({ ...entry, sites });
    if (cold) apart.push({ ...cold, sites: [] });
  }
  // what only hypercalls ask for
  for (const name of text.maker.names()) if (!EVENT_HANDLER.test(name)) text.place(name);
  const own = text.own();
  // a body may ask for another that the kernel has no place for: a Map's loop takes what is added on the way, too
  for (const [name, at] of own.places)
    if (text.has(name)) apart.push({ name, at, ...text.maker.make(name, at, 'endbr') });
  return { base: text.base, inPlace, apart, own: text.own(), hypercalls: text.hypercalls.names() };
}
