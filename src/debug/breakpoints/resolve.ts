/** From a place as people say it to addresses in guest code, and what must hold there besides. */

import type { Kernel } from '../../../kernel-sim/index.ts';
import { syscallNamed } from '../../../kernel-sim/index.ts';
import { nearest, nearIt } from '../../errors/near.ts';
import { type Addr, formatAddr } from '../../machine/addr.ts';
import { RDI } from '../../machine/index.ts';
import { DebugError } from '../error.ts';
import type { Programs } from '../program/programs.ts';
import type { Stations } from '../session/stations.ts';
import type { BreakpointAt } from './types.ts';

export interface Resolved {
  readonly text: string;
  readonly addresses: readonly Addr[];
  readonly when?: () => boolean;
}

export interface ResolveEnv {
  readonly kernel: Kernel;
  readonly programs: Programs;
  readonly stations: Stations;
  /** address of `struct bpf_map` by the map's name in the object */
  map(name: string): Addr | undefined;
  readonly maps: readonly string[];
  /** where copies of a function that was inlined begin */
  inlined(name: string): readonly Addr[];
  readonly inlinedNames: readonly string[];
}

/** Functions that look up, change and delete elements; the JIT's code calls those of a map's kind directly. */
const MAP_OPS = {
  lookup: /map_lookup_elem|map_lookup_percpu_elem|map_peek_elem/,
  update: /map_update_elem|map_push_elem/,
  delete: /map_delete_elem|map_pop_elem/,
} as const;

/** @throws DebugError where there is no such place */
export function resolve(env: ResolveEnv, at: BreakpointAt): Resolved {
  const { kernel, programs, stations } = env;
  switch (at.kind) {
    case 'address':
      return { text: `*0x${formatAddr(at.address)}`, addresses: [at.address] };
    case 'function':
      return functionAt(env, at.name, at.offset ?? 0);
    case 'line':
      return lineAt(env, at.line, at.file);
    case 'insn': {
      const address = programs.named(at.program)?.address(at.slot);
      if (address === undefined)
        throw new DebugError(`no instruction ${at.slot} in a program ${at.program}: there are ${names(programs)}`);
      return { text: `${at.program}:${at.slot}`, addresses: [address] };
    }
    case 'helper': {
      const name = at.name.startsWith('bpf_') ? at.name : `bpf_${at.name}`;
      const address = kernel.symbols.address(name);
      const symbols = new Map(stations.calls.map((c) => [c.target, kernel.symbols.at(c.target)?.name ?? '']));
      // what the verifier made of map helpers calls the map's kind directly
      const op = /^bpf_(map_\w+_elem)$/.exec(name)?.[1];
      const addresses = [...symbols].filter(([t, s]) => t === address || (op && s.endsWith(op))).map(([t]) => t);
      if (addresses.length === 0)
        throw new DebugError(`no program here calls ${name}; they call ${[...stations.helpers].join(', ')}`);
      return { text: `helper ${name}`, addresses, when: () => stations.here() === 'helper' };
    }
    case 'syscall': {
      const row = syscallNamed(at.name);
      if (row === undefined) throw new DebugError(`no system call ${at.name}`);
      if (at.exit !== true) return { text: `syscall ${at.name}`, addresses: [kernel.text.place(row.entry)] };
      const origAx = kernel.structs.of('pt_regs').offset('orig_ax');
      return {
        text: `syscall ${at.name} exit`,
        addresses: [kernel.text.place('syscall_exit_to_user_mode')],
        when: () => kernel.memory.readS32(kernel.cpu.reg(RDI) + origAx) === row.nr,
      };
    }
    case 'map': {
      const address = env.map(at.map);
      if (address === undefined) throw new DebugError(`no map ${at.map}: there are ${env.maps.join(', ')}`);
      const ops = at.op === undefined ? Object.values(MAP_OPS) : [MAP_OPS[at.op]];
      const targets = new Set(stations.calls.map((c) => c.target));
      const addresses = [...targets].filter((t) => ops.some((op) => op.test(kernel.symbols.at(t)?.name ?? '')));
      return {
        text: `map ${at.map}${at.op ? ` ${at.op}` : ''}`,
        addresses,
        when: () => kernel.cpu.reg(RDI) === address && stations.here() === 'helper',
      };
    }
    case 'tracepoint':
      return { text: `tracepoint ${at.name}`, addresses: sites(kernel, at.name.slice(at.name.indexOf(':') + 1)) };
  }
}

const names = (programs: Programs): string => programs.list.map((p) => p.name).join(', ');

/** What a program's function is called in kallsyms: its tag, and its name in C. */
const IMAGE = /^bpf_prog_[0-9a-f]{16}_(.+)$/;

function functionAt(env: ResolveEnv, name: string, offset: number): Resolved {
  const { kernel, programs } = env;
  const text = offset === 0 ? name : `${name}+0x${offset.toString(16)}`;
  // every copy of a function that several programs have, as gdb does
  const own = programs.list.flatMap(({ view, name: program }) =>
    view.functions
      .filter((f, n) => f.name === name || (n === 0 && program === name) || IMAGE.exec(f.name)?.[1] === name)
      .map((f) => f.address + offset),
  );
  if (offset === 0) own.push(...env.inlined(name));
  if (own.length > 0) return { text, addresses: own };
  const symbol = kernel.symbols.find(name);
  if (symbol === undefined) {
    const inlined = nearest(name, env.inlinedNames, 2);
    const near = [...inlined, ...kernel.symbols.near(name), ...programs.list.map((p) => p.name)].slice(0, 4);
    if (syscallNamed(name) !== undefined) near.unshift(`syscall ${name}`);
    throw new DebugError(`no function ${name}${nearIt(near)}`);
  }
  return { text, addresses: [symbol.address + offset] };
}

function lineAt({ programs }: ResolveEnv, line: number, file: string | undefined): Resolved {
  const lines = programs.list.flatMap((p) => [...p.lineStarts()].map(([slot, source]) => ({ p, slot, source })));
  const inFile = lines.filter(({ source }) => file === undefined || source.file.endsWith(file));
  if (inFile.length === 0)
    throw new DebugError(
      file === undefined ? 'no program here has line information: compile with clang -g' : `no lines of ${file}`,
    );
  // as gdb: a line without code is the next one that has some
  const next = Math.min(...inFile.map((l) => l.source.line).filter((l) => l >= line));
  const here = inFile.filter((l) => l.source.line === next);
  if (here.length === 0) throw new DebugError(`no code at or behind line ${line}`);
  const addresses = new Set<Addr>();
  for (const { p } of here) {
    for (const func of p.view.functions) {
      const first = here.find((l) => l.p === p && l.slot >= func.start && l.slot < func.end);
      const address = first && p.address(first.slot);
      if (address !== undefined) addresses.add(address);
    }
  }
  return { text: `${here[0]?.source.file ?? ''}:${next}`, addresses: [...addresses] };
}

/** Sites of a tracepoint. Their text is made to find them, and is no part of the kernel's time. */
function sites(kernel: Kernel, event: string): Addr[] {
  const mark = kernel.save();
  try {
    kernel.text.ensureSites(event);
    const found = kernel.text.sites.of(event).map((s) => s.at);
    if (found.length === 0) throw new DebugError(`no tracepoint ${event}, or nothing in the model reaches it`);
    return found;
  } finally {
    kernel.restore(mark);
  }
}
