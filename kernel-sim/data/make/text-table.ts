/** Generates the whole text for the shipped symbols, as {@link Pregenerated} takes it. */
import { GuestMemory, Machine } from '../../../src/machine/index.ts';
import { MODEL_PERCPU } from '../../core/model-percpu.ts';
import { Structs } from '../../core/structs.ts';
import { builtinSymbols } from '../../sym/kallsyms.ts';
import { assembly } from '../../text/assembly/index.ts';
import type { TraceSite } from '../../text/compile.ts';
import { beginningOf } from '../../text/function-maker.ts';
import { tables } from '../../text/functions/index.ts';
import { KernelText } from '../../text/kernel-text.ts';
import { builtinBtf } from '../builtin.ts';
import { layouts } from '../layouts.ts';
import type { TextTable } from '../text-table.ts';

interface Made {
  readonly name: string;
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly sites: readonly TraceSite[];
}

export function pregenerate(): TextTable {
  // once to learn the hypercalls' names, then with their numbers fixed
  const hypercalls = all([]).hypercalls.sort();
  const { base, made } = all(hypercalls);
  const places = new Uint32Array(made.flatMap((m) => [m.at - base, m.bytes.length]));
  return {
    names: made.map((m) => m.name).join(' '),
    places: Buffer.from(places.buffer).toString('base64'),
    base,
    text: Buffer.concat(made.map((m) => m.bytes)).toString('base64'),
    sites: made
      .flatMap((m) => m.sites.map((s) => `${s.event} ${m.name} ${s.at - m.at} ${s.outOfLine - m.at}`))
      .join('\n'),
    hypercalls: hypercalls.join('\n'),
  };
}

function all(hypercalls: readonly string[]): { base: number; made: Made[]; hypercalls: string[] } {
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
  const made: Made[] = [];
  for (const f of symbols.functions()) {
    if (!text.has(f.name)) continue;
    // text that refers to the model's own memory depends on the order in which that was asked for
    const before = text.privateCount;
    const { bytes, sites } = text.maker.make(f.name, f.address, beginningOf(f));
    if (bytes.length <= f.size && text.privateCount === before)
      made.push({ name: f.name, at: f.address, bytes, sites });
  }
  return { base: text.base, made, hypercalls: text.hypercalls.names() };
}
