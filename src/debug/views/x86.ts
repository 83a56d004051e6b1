/** The listing of the function that the CPU is in, whatever it is: an image with its BPF slots, a trampoline, kernel text, user code. */
import type { Addr } from '../../machine/addr.ts';
import { listInsns } from '../../x86/index.ts';
import type { SessionContext } from '../session/context.ts';

export interface X86Row {
  readonly address: Addr;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** what an address in it points to: `.rodata`, `map counts` */
  readonly points: string | undefined;
  /** BPF slot whose code begins here */
  readonly slot: number | undefined;
  readonly current: boolean;
  readonly breakpoint: boolean;
}

export interface X86View {
  /** function, or `[user]` */
  readonly name: string;
  readonly start: Addr;
  readonly rows: readonly X86Row[];
  readonly current: number;
}

export interface X86Options {
  readonly syntax?: 'att' | 'intel';
  /** an address of the function to show; default where the CPU is */
  readonly at?: Addr;
}

/** an address of the kernel as an immediate */
const ADDRESS = /\b0xffff[0-9a-f]{12}\b/;
/** bytes of a function that are shown, and of code that has no symbol */
const MOST_BYTES = 16384;
const WINDOW = 64;

export function x86View(session: SessionContext, options: X86Options = {}): X86View {
  const { kernel, programs, places } = session;
  const rip = session.selected === 0 ? kernel.cpu.rip : (session.frames[session.selected]?.place.rip ?? kernel.cpu.rip);
  const at = options.at ?? rip;
  const image = programs.at(at);
  const symbol = kernel.symbols.at(at);
  const start = image?.func.address ?? (symbol === undefined || at >= 0 ? at - (at & 15) : at - symbol.offset);
  const size = image?.func.bytes.length ?? (symbol === undefined || at >= 0 ? WINDOW : symbol.size);
  const read = readCode(session, start, Math.min(size, MOST_BYTES));
  // behind code without a symbol its page is empty
  const bytes = symbol === undefined && image === undefined ? read.subarray(0, lastUsed(read, at - start) + 1) : read;
  const slots = new Map<Addr, number>();
  if (image !== undefined) {
    const { func } = image;
    for (let n = func.end - func.start - 1; n >= 0; n--)
      slots.set(func.address + (func.offsets[n] as number), func.start + n);
  }
  const points = new Set(session.breakpoints.addresses);
  const rows: X86Row[] = [];
  const name = (address: number): string | undefined => {
    const s = kernel.symbols.at(address);
    return s === undefined ? undefined : places.name(address);
  };
  // code without a symbol is decoded from where it is executed
  const from = symbol === undefined && image === undefined && at < start + bytes.length ? at - start : 0;
  const listing = { address: start, symbol: name, ...(options.syntax ? { syntax: options.syntax } : {}) };
  for (const insn of listInsns(bytes, listing, from)) {
    const address = start + insn.offset;
    const immediate = ADDRESS.exec(insn.text)?.[0];
    rows.push({
      address,
      bytes: insn.bytes,
      text: insn.text,
      points: immediate === undefined ? undefined : session.follow(BigInt(immediate)),
      slot: slots.get(address),
      current: address === rip,
      breakpoint: points.has(address),
    });
  }
  return {
    name: image?.func.name ?? (at >= 0 ? '[user]' : (symbol?.name ?? '?')),
    start,
    rows,
    current: rows.findIndex((r) => r.current),
  };
}

function lastUsed(bytes: Uint8Array, atLeast: number): number {
  let last = bytes.length - 1;
  while (last > atLeast && bytes[last] === 0) last--;
  return last;
}

/** What of it is mapped. */
function readCode(session: SessionContext, start: Addr, bytes: number): Uint8Array {
  const { scope, kernel } = session;
  const whole = scope.memory.read(start, bytes);
  if (whole !== undefined) return whole;
  // kernel text is written when it is first executed: looking at it earlier leaves no trace of it
  if (kernel.symbols.at(start) !== undefined)
    return session.peek(() => {
      kernel.text.ensure(start, bytes);
      return scope.memory.read(start, bytes) ?? new Uint8Array();
    });
  for (let n = bytes; n > 0; n = n > 4096 ? n - 4096 : n >> 1) {
    const read = scope.memory.read(start, n);
    if (read !== undefined) return read;
  }
  return new Uint8Array();
}
