/**
 * Classic BPF: `struct sock_filter` of include/uapi/linux/filter.h, as SO_ATTACH_FILTER takes it
 * (Linux 6.12 Documentation/networking/filter.rst), and the texts in which tools print it.
 *
 *     bytes 0-1  code: class, size, mode as in eBPF's opcodes, with LD/LDX accumulator and index
 *     byte  2    jt: instructions to skip when true
 *     byte  3    jf: when false
 *     bytes 4-7  k
 */
import { KernelError } from '../../core/errno.ts';

export interface SockFilter {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  /** u32 */
  readonly k: number;
}

/** A classic filter that Linux refuses, always with EINVAL; `pc` is the instruction. */
export class ClassicError extends KernelError {
  override readonly name = 'ClassicError';
  readonly pc: number | undefined;
  constructor(message: string, pc?: number) {
    super('EINVAL', pc === undefined ? `classic filter: ${message}` : `classic filter, instruction ${pc}: ${message}`);
    this.pc = pc;
  }
}

const SIZE = 8;

/** Reads an array of `struct sock_filter`. @throws ClassicError where bytes are left over */
export function readFilters(bytes: Uint8Array): SockFilter[] {
  if (bytes.length % SIZE !== 0)
    throw new ClassicError(`${bytes.length} bytes are not a whole number of 8-byte instructions`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / SIZE }, (_, n) => ({
    code: view.getUint16(n * SIZE, true),
    jt: view.getUint8(n * SIZE + 2),
    jf: view.getUint8(n * SIZE + 3),
    k: view.getUint32(n * SIZE + 4, true),
  }));
}

/** The inverse of {@link readFilters}. */
export function writeFilters(filters: readonly SockFilter[]): Uint8Array {
  const bytes = new Uint8Array(filters.length * SIZE);
  const view = new DataView(bytes.buffer);
  filters.forEach((f, n) => {
    view.setUint16(n * SIZE, f.code, true);
    view.setUint8(n * SIZE + 2, f.jt);
    view.setUint8(n * SIZE + 3, f.jf);
    view.setUint32(n * SIZE + 4, f.k, true);
  });
  return bytes;
}

/**
 * Parses what tools print: `tcpdump -ddd` (a count, then four decimal numbers a line), `tcpdump -dd`
 * (C initialisers), `bpf_asm` and `nfbpf_compile` (all in one line, separated by commas).
 * @throws ClassicError naming what does not fit
 */
export function parseFilters(text: string): SockFilter[] {
  if (text.includes('{')) {
    return [...text.matchAll(/\{([^}]*)\}/g)].map((m, pc) =>
      filterOf(
        (m[1] as string).split(',').filter((s) => s.trim() !== ''),
        pc,
      ),
    );
  }
  const groups = text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const count = Number(groups[0]);
  if (!Number.isInteger(count))
    throw new ClassicError(`the first line must be the number of instructions, found "${groups[0] ?? ''}"`);
  if (groups.length - 1 !== count)
    throw new ClassicError(`${count} instructions announced, ${groups.length - 1} given`);
  return groups.slice(1).map((group, pc) => filterOf(group.split(/\s+/), pc));
}

const LIMITS = [
  ['code', 0xffff],
  ['jt', 0xff],
  ['jf', 0xff],
  ['k', 0xffff_ffff],
] as const;

function filterOf(words: readonly string[], pc: number): SockFilter {
  if (words.length !== 4)
    throw new ClassicError(`needs four numbers (code jt jf k), has "${words.join(' ').trim()}"`, pc);
  const [code, jt, jf, k] = LIMITS.map(([field, limit], n) => {
    const value = Number((words[n] as string).trim());
    if (!Number.isInteger(value) || value < -limit || value > limit)
      throw new ClassicError(`${field} is "${(words[n] as string).trim()}"`, pc);
    return value;
  }) as [number, number, number, number];
  return { code, jt, jf, k: k >>> 0 };
}

/** Whether a text looks like one of the forms that {@link parseFilters} takes. */
export const looksLikeFilters = (text: string): boolean =>
  /^\s*(\d+\s*[,\n]\s*\d+\s+\d+\s+\d+\s+\d+|\{\s*0x)/.test(text);

/** {@link parseFilters} to the bytes that `progLoad({ classic: true })` takes. */
export const parseTcpdump = (text: string): Uint8Array => writeFilters(parseFilters(text));
