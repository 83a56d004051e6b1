/** What descriptors of a program refer to beside the kernel's own objects: files of the root, its terminal, pipes. */

import { concatBytes } from '../../src/platform/index.ts';
import { O } from '../../src/uapi/fcntl.ts';
import { ERRNO } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { S_IF } from '../core/file-mode.ts';
import { type Caller, type DirEntry, EPOLLIN, EPOLLOUT, type FileStat } from '../core/file-ops.ts';
import type { RootNode } from './root.ts';

/** What a program's standard streams are connected to. */
export interface ProgramStreams {
  /** Bytes of standard input, at most so many; none at its end. */
  read(bytes: number): Uint8Array;
  /** Bytes that go to standard output (1) or error (2). */
  write(fd: 1 | 2, bytes: Uint8Array): void;
}

/** A file description: dup(2) shares it with its position and its status flags. */
export interface UserFile extends FdObject {
  /** open(2)'s flags */
  flags: number;
  save(): unknown;
  restore(state: never): void;
}
export const isUserFile = (object: FdObject): object is UserFile =>
  object instanceof RootFile || object instanceof Terminal || object instanceof PipeEnd;

export const TERMINAL = '/dev/pts/0';
const TCGETS = 0x5401;
const TIOCGWINSZ = 0x5413;
const FIONREAD = 0x541b;
const BLOCK = 4096;
/** dev_t of the root file system (8:1), of devpts and pipes, and of the first pseudo terminal (136:0) */
const DEV = { ROOT: 0x801, PTS: 24, TTY: 0x8800 } as const;
const OWNER = { nlink: 1, uid: 0, gid: 0 } as const;
/** struct termios of the kernel: a terminal that echoes */
const TERMIOS = new Uint8Array(new Uint32Array([0x4500, 5, 0xbf, 0x8a3b, 0, 0, 0, 0, 0]).buffer);
/** struct winsize */
const WINDOW = new Uint8Array(new Uint16Array([24, 80, 0, 0]).buffer);

/** stat(2) of a node of the root. */
export const statOfNode = ({ kind, mode, ino, bytes }: RootNode): FileStat => ({
  ...OWNER,
  mode: (kind === 'directory' ? S_IF.DIR : S_IF.REG) | mode,
  nlink: kind === 'directory' ? 2 : 1,
  ino,
  size: bytes.length,
  blksize: BLOCK,
  dev: DEV.ROOT,
});

export class RootFile implements UserFile {
  readonly fdName: string;
  readonly node: RootNode;
  flags: number;
  /** of a directory: its entries */
  readonly readdir?: () => readonly DirEntry[];
  #position = 0;
  constructor(path: string, node: RootNode, flags: number, entries: () => readonly DirEntry[]) {
    this.fdName = path;
    this.node = node;
    this.flags = flags;
    if (node.kind === 'directory') this.readdir = entries;
  }
  save() {
    return { flags: this.flags, position: this.#position };
  }
  restore({ flags, position }: ReturnType<RootFile['save']>): void {
    this.flags = flags;
    this.#position = position;
  }
  read(bytes: number, at?: number): Uint8Array | number {
    if (this.node.kind === 'directory') return -ERRNO.EISDIR;
    const from = at ?? this.#position;
    const part = this.node.bytes.slice(from, from + bytes);
    if (at === undefined) this.#position += part.length;
    return part;
  }
  write(bytes: Uint8Array, at?: number): number {
    const { node } = this;
    const to = this.flags & O.APPEND ? node.bytes.length : (at ?? this.#position);
    const grown = new Uint8Array(Math.max(node.bytes.length, to + bytes.length));
    grown.set(node.bytes);
    grown.set(bytes, to);
    node.bytes = grown;
    if (at === undefined) this.#position = to + bytes.length;
    return bytes.length;
  }
  seek(offset: number, whence: number): number {
    const from = [0, this.#position, this.node.bytes.length][whence];
    if (from === undefined || from + offset < 0) return -ERRNO.EINVAL;
    this.#position = from + offset;
    return this.#position;
  }
  stat(): FileStat {
    return statOfNode(this.node);
  }
}

/** What is typed and printed; `fd` is the stream that writes go to. */
export class Terminal implements UserFile {
  readonly fdName = TERMINAL;
  flags: number;
  readonly #streams: ProgramStreams;
  readonly #fd: 1 | 2;
  constructor(streams: ProgramStreams, fd: 1 | 2, flags: number) {
    this.#streams = streams;
    this.#fd = fd;
    this.flags = flags;
  }
  save(): number {
    return this.flags;
  }
  restore(flags: number): void {
    this.flags = flags;
  }
  read(bytes: number): Uint8Array {
    return this.#streams.read(bytes);
  }
  write(bytes: Uint8Array): number {
    this.#streams.write(this.#fd, bytes);
    return bytes.length;
  }
  ioctl(request: number, arg: number, { memory }: Caller): number {
    const answer = { [TCGETS]: TERMIOS, [TIOCGWINSZ]: WINDOW, [FIONREAD]: new Uint8Array(4) }[request];
    if (answer === undefined) return -ERRNO.ENOTTY;
    return memory.write(arg, answer) ? 0 : -ERRNO.EFAULT;
  }
  stat(): FileStat {
    return { ...OWNER, mode: S_IF.CHR | 0o620, ino: 3, size: 0, blksize: 1024, dev: DEV.PTS, rdev: DEV.TTY };
  }
}

/** One end of a pipe; both know what was written and not read yet. */
export class PipeEnd implements UserFile {
  readonly fdName = 'pipe:[1]';
  flags: number;
  readonly #pipe: { bytes: Uint8Array };
  constructor(pipe: { bytes: Uint8Array }, flags: number) {
    this.#pipe = pipe;
    this.flags = flags;
  }
  save() {
    return { flags: this.flags, bytes: this.#pipe.bytes };
  }
  restore({ flags, bytes }: ReturnType<PipeEnd['save']>): void {
    this.flags = flags;
    this.#pipe.bytes = bytes;
  }
  read(bytes: number): Uint8Array {
    const given = this.#pipe.bytes.slice(0, bytes);
    this.#pipe.bytes = this.#pipe.bytes.slice(given.length);
    return given;
  }
  write(bytes: Uint8Array): number {
    this.#pipe.bytes = concatBytes([this.#pipe.bytes, bytes]);
    return bytes.length;
  }
  poll(): number {
    return (this.#pipe.bytes.length > 0 ? EPOLLIN : 0) | EPOLLOUT;
  }
  stat(): FileStat {
    return { ...OWNER, mode: S_IF.FIFO | 0o600, ino: 3, size: 0, blksize: BLOCK, dev: DEV.PTS };
  }
}
