/** Formats of bpf_trace_printk and its kin: read once while memory stays the same, printed by the kernel's rules. */
import { type Addr, addrToBigInt } from '../../../../src/machine/addr.ts';
import { type GuestMemory, PAGE_SIZE, START_KERNEL_MAP } from '../../../../src/machine/index.ts';
import type { TextFloor } from '../../../floors/text.ts';
import { copyString, ensureText } from './access.ts';
import { type Conversion, parseFormat } from './format.ts';
import { type FormatEnv, FormatPrinter } from './format-printer.ts';

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
export class Printing {
  readonly printer: FormatPrinter;
  /** what %p prints in an address's place, u32 */
  readonly hash: FormatEnv['hash'];
  /** arguments, low and high halves */
  readonly words = new Int32Array(2 * MAX_VARARGS);
  readonly #memory: GuestMemory;
  readonly #known = new Map<Addr, KnownFormat>();

  constructor(kernel: TextFloor) {
    this.#memory = kernel.memory;
    const env = environment(kernel);
    this.printer = new FormatPrinter(env);
    this.hash = env.hash;
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

/** is_ksym_addr(): the kernel's text, modules and images. */
const isText = (at: Addr): boolean => at < 0 && at >= START_KERNEL_MAP;

function environment(kernel: TextFloor): FormatEnv {
  const { memory, symbols } = kernel;
  return {
    string: (at, _space, max, to) => {
      ensureText(kernel, at, max);
      return Math.min(copyString(memory, at, max, to, 0), max - 1);
    },
    bytes: (at, size) => {
      ensureText(kernel, at, size);
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
