/** bpf_trace_printk, bpf_trace_vprintk, bpf_snprintf (bpf-helpers(7)). */
import { type Addr, addrToBigInt } from '../../../../src/machine/addr.ts';
import { type GuestMemory, PAGE_SIZE, START_KERNEL_MAP } from '../../../../src/machine/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import type { BpfState } from '../../syscall/state.ts';
import { copyString, readString } from './access.ts';
import type { HelperBodies, HelperCall } from './call.ts';
import { type Conversion, parseFormat } from './format.ts';
import { type FormatEnv, FormatPrinter } from './format-printer.ts';

/** BPF_TRACE_PRINTK_SIZE */
const TRACE_SIZE = 1024;
const MAX_VARARGS = 12;
/** formats remembered */
const MAX_FORMATS = 256;

/** A format as it was read: good as long as memory still holds the same bytes. */
interface KnownFormat {
  readonly size: number;
  /** its text and its end; undefined where it does not end within its size */
  readonly bytes: Uint8Array | undefined;
  readonly conversions: readonly Conversion[] | undefined;
}

/** Formats by address, and what prints them: one for each kernel. */
class Printing {
  readonly printer: FormatPrinter;
  /** arguments, low and high halves */
  readonly words = new Int32Array(2 * MAX_VARARGS);
  readonly #memory: GuestMemory;
  readonly #known = new Map<Addr, KnownFormat>();

  constructor(kernel: Kernel) {
    this.#memory = kernel.memory;
    this.printer = new FormatPrinter(environment(kernel));
  }
  /** The format at an address; undefined where it is refused. */
  format(at: Addr, size: number): readonly Conversion[] | undefined {
    const known = this.#known.get(at);
    if (known !== undefined && known.size === size && this.#same(at, known)) return known.conversions;
    const all = this.#memory.readBytes(at, size);
    const end = all.indexOf(0);
    const bytes = end < 0 ? undefined : all.subarray(0, end + 1);
    const conversions = bytes && parseFormat(bytes.subarray(0, end));
    if (this.#known.size >= MAX_FORMATS) this.#known.clear();
    this.#known.set(at, { size, bytes, conversions });
    return conversions;
  }
  #same(at: Addr, { bytes, size }: KnownFormat): boolean {
    const phys = this.#memory.translate(at, 0, false);
    if (bytes === undefined || phys < 0 || (phys & (PAGE_SIZE - 1)) + size > PAGE_SIZE) return false;
    const { u8 } = this.#memory;
    for (let n = 0; n < bytes.length; n++) if (u8[phys + n] !== bytes[n]) return false;
    return true;
  }
  /** Arguments of the v forms; how many there are, -1 where the size is refused. */
  values(at: Addr, size: number): number {
    if (size % 8 !== 0 || size > MAX_VARARGS * 8 || (size > 0 && at === 0)) return -1;
    for (let n = 0; n < size / 4; n++) this.words[n] = this.#memory.readS32(at + 4 * n);
    return size / 8;
  }
}

const printings = new WeakMap<BpfState, Printing>();
function printingOf(state: BpfState): Printing {
  let printing = printings.get(state);
  if (printing === undefined) {
    printing = new Printing(state.kernel);
    printings.set(state, printing);
  }
  return printing;
}

/** is_ksym_addr(): the kernel's text, modules and images. */
const isText = (at: Addr): boolean => at < 0 && at >= START_KERNEL_MAP;

function environment({ memory, symbols }: Kernel): FormatEnv {
  return {
    string: (at, _space, max, to) => Math.min(copyString(memory, at, max, to, 0), max - 1),
    bytes: (at, size) => {
      try {
        return memory.readBytes(at, size);
      } catch {
        return new Uint8Array(size);
      }
    },
    symbol: (at, form) => {
      const back = form === 'B' ? 1 : 0;
      const found = isText(at) ? symbols.at(at - back) : undefined;
      if (found === undefined) return `0x${addrToBigInt(at).toString(16)}`;
      if (form === 's') return found.name;
      const module = found.module ? ` [${found.module}]` : '';
      return `${found.name}+0x${(found.offset + back).toString(16)}/0x${found.size.toString(16)}${module}`;
    },
    hash: (lo, hi) => {
      // a keyed hash on Linux; here one that differs between seeds of the machine only by being fixed
      let h = 0x811c9dc5;
      for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((lo >>> shift) & 0xff), 0x01000193);
      for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((hi >>> shift) & 0xff), 0x01000193);
      return h >>> 0;
    },
  };
}

function trace(call: HelperCall, format: readonly Conversion[] | undefined, count: number): void {
  const { printer, words } = printingOf(call.state);
  if (format === undefined || count < 0 || !printer.print(format, words, count, TRACE_SIZE - 1)) {
    call.args.retInt(-ERRNO.EINVAL);
    return;
  }
  call.kernel.trace.bpfPrintk(printer.out, Math.min(printer.length, TRACE_SIZE - 1));
  call.args.retInt(printer.length);
}

export const PRINT: HelperBodies = {
  bpf_trace_printk: (call) => {
    const { args } = call;
    const printing = printingOf(call.state);
    const { words } = printing;
    // the format takes as many as it wants: a call always passes three registers
    for (let n = 0; n < 3; n++) {
      words[2 * n] = args.lo(2 + n);
      words[2 * n + 1] = args.hi(2 + n);
    }
    trace(call, printing.format(args.addr(0), args.u32(1)), 3);
  },
  bpf_trace_vprintk: (call) => {
    const { args } = call;
    const printing = printingOf(call.state);
    const format = printing.format(args.addr(0), args.u32(1));
    trace(call, format, printing.values(args.addr(2), args.u32(3)));
  },
  bpf_snprintf: (call) => {
    const { args } = call;
    const { memory } = call.kernel;
    const [at, size] = [args.addr(0), args.u32(1)];
    const printing = printingOf(call.state);
    const { printer, words } = printing;
    const bytes = readString(memory, args.addr(2), 4096);
    const count = printing.values(args.addr(3), args.u32(4));
    const format = bytes && parseFormat(bytes);
    if (format === undefined || count < 0 || !printer.print(format, words, count, Math.max(0, size - 1))) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    if (size > 0) {
      const kept = new Uint8Array(Math.min(size - 1, printer.length) + 1);
      kept.set(printer.out.subarray(0, kept.length - 1));
      memory.writeBytes(at, kept);
    }
    args.retInt(printer.length + 1);
  },
};
