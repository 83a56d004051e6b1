/**
 * Sequences of bpf(2) calls as record.c wrote them down on Linux 6.12, made again of a kernel here: the same attributes
 * at the same addresses, and what comes back compared.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ERRNO, KernelError } from '../../../../kernel-sim/core/errno.ts';
import type { Process } from '../../../../kernel-sim/core/process.ts';
import type { UserAccess } from '../../../../kernel-sim/core/user-access.ts';
import { Kernel } from '../../../../kernel-sim/index.ts';

const BASE = 0x1000_0000;
const SIZE = 0x10000;

/** The region that record.c maps. */
class Region implements UserAccess {
  readonly bytes = new Uint8Array(SIZE);
  read(at: number, bytes: number): Uint8Array | undefined {
    const offset = at - BASE;
    return offset < 0 || offset + bytes > SIZE ? undefined : this.bytes.slice(offset, offset + bytes);
  }
  write(at: number, bytes: Uint8Array): boolean {
    const offset = at - BASE;
    if (offset < 0 || offset + bytes.length > SIZE) return false;
    this.bytes.set(bytes, offset);
    return true;
  }
}

export interface Change {
  readonly offset: number;
  readonly bytes: Uint8Array;
}
export type Line =
  | { readonly kind: 'seq'; readonly text: string; readonly caps: bigint; readonly unpriv: number; readonly ids: Ids }
  | {
      readonly kind: 'bpf';
      readonly text: string;
      readonly cmd: number;
      readonly size: number;
      readonly result: number;
      readonly before: readonly Change[];
      readonly after: readonly Change[];
    }
  | { readonly kind: 'close'; readonly text: string; readonly fd: number; readonly result: number }
  | { readonly kind: 'open'; readonly text: string; readonly what: string; readonly result: number }
  | { readonly kind: 'fdinfo'; readonly text: string; readonly fd: number; readonly content: string }
  | { readonly kind: 'unlink' | 'mkdir'; readonly text: string; readonly path: string; readonly result: number };
interface Ids {
  readonly prog: number;
  readonly map: number;
  readonly btf: number;
  readonly link: number;
}

const changes = (words: readonly string[]): Change[] =>
  words.map((word) => {
    const [offset, hex] = word.split(':') as [string, string];
    return { offset: Number.parseInt(offset, 16), bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
  });

export function parse(text: string): Line[] {
  return text.split('\n').flatMap((line): Line[] => {
    const words = line.split(' ');
    const equals = words.indexOf('=');
    const result = Number(words[equals + 1]);
    switch (words[0]) {
      case 'seq': {
        const field = (name: string): string => words.find((w) => w.startsWith(`${name}=`))!.slice(name.length + 1);
        const id = (name: string): number => Number(field(name));
        const ids = { prog: id('prog'), map: id('map'), btf: id('btf'), link: id('link') };
        return [{ kind: 'seq', text: line, caps: BigInt(`0x${field('caps')}`), unpriv: id('unpriv'), ids }];
      }
      case 'bpf':
        return [
          {
            kind: 'bpf',
            text: line,
            cmd: Number(words[1]),
            size: Number(words[2]),
            before: changes(words.slice(3, equals)),
            result,
            after: changes(words.slice(equals + 2)),
          },
        ];
      case 'close':
        return [{ kind: 'close', text: line, fd: Number(words[1]), result }];
      case 'open':
        return [{ kind: 'open', text: line, what: words[1]!, result }];
      case 'fdinfo':
        return [
          { kind: 'fdinfo', text: line, fd: Number(words[1]), content: Buffer.from(words[3] ?? '', 'hex').toString() },
        ];
      case 'unlink':
      case 'mkdir':
        return [{ kind: words[0], text: line, path: words[1]!, result }];
      default:
        return [];
    }
  });
}
export const readRecording = (url: URL): Line[] => parse(gunzipSync(readFileSync(url)).toString());

/** Where a call's answer differs from the recorded one. */
export interface Difference {
  readonly line: number;
  readonly text: string;
  readonly why: string;
}

/** What two boots of the same kernel do not agree on either: offsets in the region, by command. */
const INFO = 0xa000;
/** do_unlinkat in the BTF of Linux 6.12.117, as record.c was told */
const VMLINUX_DO_UNLINKAT = 44_649;
const LOG = 0x6000;
const LOG_END = 0x8000;
const OF_BOOT: readonly { readonly cmd: number; readonly from: number; readonly to: number }[] = [
  // load_time, jited_ksyms' and jited_line_info's addresses, the image with its calls' distances
  { cmd: 15, from: INFO + 40, to: INFO + 48 },
  { cmd: 15, from: 0xa600, to: 0xa700 },
  { cmd: 15, from: 0xab00, to: 0xac00 },
  { cmd: 15, from: 0xc000, to: 0xd000 },
  // duration
  { cmd: 10, from: 36, to: 40 },
];

export class Player {
  #kernel: Kernel;
  readonly region = new Region();
  readonly #shadow = new Uint8Array(SIZE);
  #process: Process;
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#process = kernel.process;
  }

  /** Plays all lines. A region that differed is set right, so that one difference is not told twice. */
  async play(lines: readonly Line[]): Promise<Difference[]> {
    const out: Difference[] = [];
    let skip = false;
    for (const [n, line] of lines.entries()) {
      if (line.kind === 'seq') {
        skip = false;
        // where something went differently, so may ids
        if (out.length > 0) {
          this.#end();
          this.#kernel = await Kernel.boot();
          this.#process = this.#kernel.process;
        }
      }
      if (skip) continue;
      const why = this.#one(line);
      if (why === undefined) continue;
      out.push({ line: n, text: line.text, why });
      // what has another result may have made something, and what follows means other objects
      if (why.startsWith('result'))
        skip = (line.kind === 'bpf' && (line.result >= 3 || why.includes('not -'))) || line.kind !== 'bpf';
    }
    this.#end();
    return out;
  }

  #one(line: Line): string | undefined {
    switch (line.kind) {
      case 'seq':
        this.#begin(line.caps, line.unpriv, line.ids);
        return undefined;
      case 'bpf':
        return this.#call(line);
      case 'close':
        return compare(
          line.result,
          attempt(() => this.#process.fds.close(line.fd)),
        );
      case 'open': {
        const kernel = this.#kernel;
        const open: Record<string, () => number> = {
          cgroup: () => kernel.cgroups.open('/rec'),
          netns: () => kernel.net.openNamespace(),
          bpffs: () => -1,
        };
        return compare(line.result, open[line.what]!());
      }
      case 'fdinfo': {
        const text = this.#process.fds.find(line.fd)?.fdinfo?.() ?? '';
        return text === line.content ? undefined : `fdinfo\n${text}\n      Linux:\n${line.content}`;
      }
      default: {
        const { bpffs } = this.#kernel.bpf.state;
        return compare(
          line.result,
          attempt(() => bpffs[line.kind](line.path)),
        );
      }
    }
  }

  #call(line: Line & { kind: 'bpf' }): string | undefined {
    const { bytes } = this.region;
    for (const { offset, bytes: now } of line.before) bytes.set(now, offset);
    this.#shadow.set(bytes);
    for (const { offset, bytes: now } of line.after) this.#shadow.set(now, offset);
    this.#swapIds(line.cmd, VMLINUX_DO_UNLINKAT, this.#doUnlinkat);
    const union = Buffer.from(bytes.subarray(0, 152))
      .toString('hex')
      .replace(/(00)+$/, '');
    const result = this.#kernel.bpf.syscallAt(line.cmd, BASE, line.size, this.#process);
    this.#swapIds(line.cmd, this.#doUnlinkat, VMLINUX_DO_UNLINKAT);
    let why = compare(line.result, result);
    if (why === undefined) {
      // what is behind a log's end is left from what was written and taken back
      if (line.cmd === 5 || line.cmd === 18) this.#endLogs();
      const isSame = Buffer.compare(bytes, this.#shadow) === 0;
      for (let at = 0; !isSame && at < SIZE && why === undefined; at++) {
        if (bytes[at] === this.#shadow[at]) continue;
        if (OF_BOOT.some((r) => r.cmd === line.cmd && at >= r.from && at < r.to)) continue;
        const show = (from: Uint8Array): string => Buffer.from(from.subarray(at, at + 32)).toString('hex');
        why = `at 0x${at.toString(16)}: ${show(bytes)}\n      Linux: ${show(this.#shadow)}`;
        if (at >= 0x6000 && at < 0x8000) why += `\n${text(bytes)}\n      Linux:\n${text(this.#shadow)}`;
      }
    }
    bytes.set(this.#shadow);
    return why && `${why}\n      attr ${union.replaceAll(/(.{8})/g, '$1 ')}`;
  }

  /** The id of do_unlinkat in the kernel's own BTF, which is larger than the one here. */
  get #doUnlinkat(): number {
    return this.#kernel.btf.findByName('do_unlinkat', 'func');
  }
  #swapIds(cmd: number, from: number, to: number): void {
    const view = new DataView(this.region.bytes.buffer);
    for (const at of cmd === 5 ? [108] : cmd === 15 ? [INFO + 24, INFO + 224] : [])
      if (view.getUint32(at, true) === from) view.setUint32(at, to, true);
  }

  /** Forgets what lies behind the end of the log. */
  #endLogs(): void {
    for (const bytes of [this.region.bytes, this.#shadow]) {
      const end = bytes.indexOf(0, LOG);
      bytes.fill(0, end, LOG_END);
      // where a map lies differs from boot to boot
      const log = Buffer.from(bytes.subarray(LOG, end))
        .toString('latin1')
        .replaceAll(/0xffff[0-9a-f]{12}/g, '0xffff888000000000');
      bytes.set(Buffer.from(log, 'latin1'), LOG);
    }
  }

  /** A new process, with the capabilities and the next ids of the recorded one. */
  #begin(caps: bigint, unpriv: number, ids: Ids): void {
    this.#end();
    const kernel = this.#kernel;
    const root: Process = { ...kernel.process, memory: this.region, fds: kernel.fds.sibling() };
    kernel.sysctl.unprivilegedBpfDisabled = unpriv;
    this.region.bytes.fill(0);
    burn(kernel, ids);
    this.#process = { ...root, caps };
  }
  #end(): void {
    if (this.#process !== this.#kernel.process) this.#process.fds.closeAll();
    const { bpffs } = this.#kernel.bpf.state;
    for (const [path] of [...bpffs.entries()]) bpffs.unlink(path);
    for (const path of ['/sys/fs/bpf/d/a', '/sys/fs/bpf/d', '/sys/fs/bpf/a', '/sys/fs/bpf/b'])
      if (bpffs.kind(path) === 'directory') bpffs.rmdir(path);
  }
}
const text = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0x6000, bytes.indexOf(0, 0x6000))).toString();

/** Makes and closes objects until the next of each kind gets the id that Linux gave. */
function burn(kernel: Kernel, next: Ids): void {
  const { bpf } = kernel;
  const load = () =>
    bpf.progLoad({ type: 'raw_tracepoint', insns: 'b700000000000000 9500000000000000', license: 'GPL' });
  const until = (kind: keyof Ids, make: () => { id: number; fd: number }): void => {
    for (let id = 0; id < next[kind] - 1; ) {
      const made = make();
      id = made.id;
      bpf.close(made.fd);
      if (id >= next[kind]) throw new Error(`the next ${kind} would get the id ${id + 1}, Linux gave ${next[kind]}`);
    }
  };
  until('map', () => bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 }));
  until('btf', () => bpf.btfLoad(EMPTY_BTF));
  const prog = load();
  until('link', () => bpf.rawTracepointOpen({ prog: prog.fd, name: 'sched_process_exit' }));
  prog.close();
  until('prog', load);
}
/** a header, one integer type, an empty string section */
const EMPTY_BTF = Uint8Array.from(
  Buffer.from(
    '9feb01001800000000000000100000001000000007000000010000000000000104000000200000000069333200000000',
    'hex',
  ),
).subarray(0, 24 + 16 + 7);

function attempt(act: () => unknown): number {
  try {
    act();
    return 0;
  } catch (error) {
    if (error instanceof KernelError) return -ERRNO[error.errno];
    throw error;
  }
}
const compare = (linux: number, result: number): string | undefined =>
  linux === result ? undefined : `result ${result}, not ${linux}`;
