/**
 * Guest functions as basic blocks of decoded instructions: what is reachable from an address by
 * jumps, calls stepped over. Nothing of the machine's state is in here, so a shape stays valid until
 * the text changes.
 */
import { decode, type Form, form, PREFIX } from '../../../x86/index.ts';
import { type Addr, addrHi, addrLo, addrOf } from '../../addr.ts';
import { EXEC } from '../../layout.ts';
import type { GuestMemory } from '../../memory.ts';
import type { Decoded, Unit } from '../ir/ir.ts';

export type BlockEnd =
  /** falls into `next` (a leader follows) */
  | { readonly kind: 'fall'; readonly next: Addr }
  | { readonly kind: 'jump'; readonly target: Addr }
  | { readonly kind: 'branch'; readonly cc: number; readonly target: Addr; readonly next: Addr }
  | { readonly kind: 'call'; readonly target: Addr; readonly next: Addr }
  | { readonly kind: 'ret'; readonly pop: number }
  | { readonly kind: 'vmcall'; readonly next: Addr }
  | { readonly kind: 'indirect jump' }
  | { readonly kind: 'indirect call'; readonly next: Addr }
  /** the stepper must take the last instruction (`insns` excludes it) */
  | { readonly kind: 'stop'; readonly at: Addr };

export interface ShapeBlock {
  readonly start: Addr;
  readonly insns: readonly Decoded[];
  readonly end: BlockEnd;
}

export interface Shape {
  readonly entry: Addr;
  readonly blocks: ReadonlyMap<Addr, ShapeBlock>;
  readonly insns: number;
  readonly returns: boolean;
  readonly ranges: readonly (readonly [Addr, Addr])[];
  /** starts of blocks that were left out, as they have not been executed */
  readonly cold: readonly Addr[];
}

const MAX_INSNS = 20000;
const BRANCH = /^j(?:o|no|b|ae|e|ne|be|a|s|ns|p|np|l|ge|le|g) rel/;
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];
const STOPS: ReadonlySet<string> = new Set([
  'int3',
  'int',
  'int1',
  'ud2',
  'ud1',
  'hlt',
  'iretq',
  'syscall',
  'sysretq',
  'loop',
  'loope',
  'loopne',
  'jrcxz',
]);

type Flow = 'next' | 'stop' | 'jump' | 'branch' | 'call' | 'ret' | 'vmcall' | 'indirect jump' | 'indirect call';
const flows = new Map<number, Flow>();

function flowOf(f: Form): Flow {
  let flow = flows.get(f.row);
  if (flow === undefined) {
    if (BRANCH.test(f.syntax)) flow = 'branch';
    else if (f.syntax.startsWith('jmp rel')) flow = 'jump';
    else if (f.syntax.startsWith('call rel')) flow = 'call';
    else if (f.mnemonic === 'ret') flow = 'ret';
    else if (f.mnemonic === 'vmcall') flow = 'vmcall';
    else if (f.mnemonic === 'jmp') flow = 'indirect jump';
    else if (f.mnemonic === 'call') flow = 'indirect call';
    else if (STOPS.has(f.mnemonic)) flow = 'stop';
    else flow = 'next';
    flows.set(f.row, flow);
  }
  return flow;
}

/** Condition number of a jcc, setcc or cmovcc mnemonic. */
export const conditionOf = (mnemonic: string, prefix: string): number =>
  CONDITIONS.indexOf(mnemonic.slice(prefix.length));

const relative = (d: Decoded): Addr => {
  const target = d.next + addrOf(d.insn.immLo, d.insn.immHi);
  return addrOf(addrLo(target), addrHi(target));
};

/** Decodes instructions, remembering the run of pages it is in. */
class Fetch {
  private readonly memory: GuestMemory;
  private start: Addr = 0;
  private end: Addr = 0;
  private phys = 0;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  /** Instruction at `rip`, undefined where there is none to translate. */
  at(rip: Addr): Decoded | undefined {
    if (!(rip >= this.start && rip < this.end)) {
      if (this.memory.translate(rip, EXEC, false) < 0) return undefined;
      const region = this.memory.regionAt(rip)!;
      this.start = region.start;
      this.end = region.end;
      this.phys = region.phys;
    }
    const insn = decode(this.memory.u8, this.phys + (rip - this.start));
    const next = rip + insn.length;
    // What would reach into other pages is the stepper's.
    if (insn.row < 0 || next > this.end) return undefined;
    return { rip, next, insn, form: form(insn.row) };
  }
}

/**
 * Finds the blocks of the function at `entry`; undefined where nothing there can be translated. Blocks of which
 * `isCold` says so are left out.
 */
export function shapeAt(
  memory: GuestMemory,
  entry: Addr,
  isCold: (rip: Addr) => boolean = () => false,
): Shape | undefined {
  const fetch = new Fetch(memory);
  // Offsets from the entry: small integers, where addresses would be boxed numbers.
  const decoded = new Map<number, Decoded>();
  const leaders = new Set<number>([0]);
  const work: number[] = [0];
  const runs: [Addr, Addr][] = [];
  const cold: Addr[] = [];
  const reach = (offset: number): void => {
    if (leaders.has(offset)) return;
    leaders.add(offset);
    if (isCold(entry + offset)) cold.push(entry + offset);
    else work.push(offset);
  };
  while (work.length > 0) {
    let offset = work.pop()!;
    const first = entry + offset;
    let last = first;
    while (!decoded.has(offset)) {
      const d = decoded.size < MAX_INSNS ? fetch.at(entry + offset) : undefined;
      if (d === undefined) break;
      decoded.set(offset, d);
      last = d.next;
      const flow = flowOf(d.form);
      offset = d.next - entry;
      if (flow === 'next') continue;
      if (flow === 'jump' || flow === 'branch') {
        reach(relative(d) - entry);
      }
      if (flow === 'branch' || flow === 'call' || flow === 'vmcall' || flow === 'indirect call') {
        reach(offset);
      }
      break;
    }
    if (last > first) runs.push([first, last]);
  }
  if (decoded.size === 0) return undefined;
  const blocks = new Map<Addr, ShapeBlock>();
  let returns = false;
  for (const start of leaders) {
    const block = blockAt(decoded, leaders, entry, start);
    if (block.end.kind === 'ret') returns = true;
    blocks.set(block.start, block);
  }
  return { entry, blocks, insns: decoded.size, returns, ranges: joined(runs), cold };
}

function blockAt(
  decoded: ReadonlyMap<number, Decoded>,
  leaders: ReadonlySet<number>,
  entry: Addr,
  from: number,
): ShapeBlock {
  const insns: Decoded[] = [];
  const start = entry + from;
  for (let offset = from; ; ) {
    const d = decoded.get(offset);
    const flow = d === undefined ? 'stop' : flowOf(d.form);
    if (d === undefined || flow === 'stop') return { start, insns, end: { kind: 'stop', at: entry + offset } };
    insns.push(d);
    offset = d.next - entry;
    if (flow !== 'next') return { start, insns, end: endOf(d, flow) };
    if (leaders.has(offset)) return { start, insns, end: { kind: 'fall', next: d.next } };
  }
}

function endOf(d: Decoded, flow: Exclude<Flow, 'next' | 'stop'>): BlockEnd {
  switch (flow) {
    case 'jump':
      return { kind: 'jump', target: relative(d) };
    case 'branch':
      return { kind: 'branch', cc: conditionOf(d.form.mnemonic, 'j'), target: relative(d), next: d.next };
    case 'call':
      return { kind: 'call', target: relative(d), next: d.next };
    case 'ret':
      return { kind: 'ret', pop: d.form.operands.length > 0 ? d.insn.immLo & 0xffff : 0 };
    case 'vmcall':
    case 'indirect call':
      return { kind: flow, next: d.next };
    case 'indirect jump':
      return { kind: flow };
  }
}

/** Runs of code in order, neighbours joined. */
function joined(runs: [Addr, Addr][]): [Addr, Addr][] {
  const out: [Addr, Addr][] = [];
  for (const run of runs.sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && run[0] <= last[1]) last[1] = Math.max(last[1], run[1]);
    else out.push(run);
  }
  return out;
}

/** A loop inside another one. */
export interface Nested {
  /** start of the outermost loop around it */
  readonly outer: Addr;
  /** the loop's own blocks; undefined where `rip` starts no loop */
  readonly body: ReadonlySet<Addr> | undefined;
}

/**
 * Where `rip`, the shape's entry, is inside a loop that starts before it: that, judged by backward jumps and the order of
 * the code, as the function's own entry is not known. A guess, which decides only what is translated together.
 */
export function nestedAt(shape: Shape): Nested | undefined {
  const rip = shape.entry;
  let outer = rip;
  let latch = -Number.MAX_VALUE;
  for (const { insns, end } of shape.blocks.values()) {
    if (end.kind !== 'jump' && end.kind !== 'branch') continue;
    const source = insns[insns.length - 1]!.rip;
    if (end.target > source) continue;
    if (end.target === rip) latch = Math.max(latch, source);
    if (source >= rip) outer = Math.min(outer, end.target);
  }
  if (outer === rip) return undefined;
  const body = new Set<Addr>();
  for (const start of shape.blocks.keys()) if (start >= rip && start <= latch) body.add(start);
  return { outer, body: body.size > 0 ? body : undefined };
}

/** Whether the instruction carries a prefix that the translator leaves to the stepper. */
export const hasOddPrefix = (d: Decoded): boolean => (d.insn.prefixes & PREFIX.ADDRSIZE) !== 0 || d.insn.segment === 4;

/** Whether code has a byte in [start, end). */
export const covers = (ranges: Unit['ranges'], start: Addr, end: Addr): boolean =>
  ranges.some(([a, b]) => a < end && b > start);
