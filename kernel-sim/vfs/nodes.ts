/** Files and directories as values: text that is made when it is read, writes that are lines, directories of a table. */

import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { O } from '../../src/uapi/fcntl.ts';
import { ERRNO } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { S_IF } from '../core/file-mode.ts';
import type { FileStat } from '../core/file-ops.ts';
import type { DirectoryNode, FileNode, LinkNode, Node } from './types.ts';

const SEEK_CUR = 1;
const SEEK_END = 2;

/** Bytes that are read from the start on, as any file's. */
export class OpenText implements FdObject {
  readonly fdName: string;
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(fdName: string, bytes: Uint8Array) {
    this.fdName = fdName;
    this.#bytes = bytes;
  }
  read(bytes: number, at?: number): Uint8Array {
    const from = at ?? this.#at;
    const part = this.#bytes.subarray(from, from + bytes);
    if (at === undefined) this.#at += part.length;
    return part;
  }
  seek(offset: number, whence: number): number {
    const base = whence === SEEK_END ? this.#bytes.length : whence === SEEK_CUR ? this.#at : 0;
    if (base + offset < 0) return -ERRNO.EINVAL;
    this.#at = base + offset;
    return this.#at;
  }
}

/** What is written, taken a write at a time; reads give the text as it was at open. */
class OpenControl extends OpenText {
  readonly #take: (text: string) => number;
  constructor(fdName: string, bytes: Uint8Array, take: (text: string) => number) {
    super(fdName, bytes);
    this.#take = take;
  }
  write(bytes: Uint8Array): number {
    const result = this.#take(decodeUtf8(bytes));
    return result < 0 ? result : bytes.length;
  }
}

/** A text file: read-only, world-readable unless said otherwise. */
export function text(make: () => string | Uint8Array, options: { mode?: number; size?: () => number } = {}): FileNode {
  const { mode = 0o444, size } = options;
  return {
    kind: 'file',
    mode,
    ...(size ? { size } : {}),
    open: (flags) => {
      if ((flags & O.ACCMODE) !== O.RDONLY) return -ERRNO.EACCES;
      const made = make();
      return new OpenText('file', typeof made === 'string' ? encodeUtf8(made) : made);
    },
  };
}

/** What may be written to a file: text of a write, 0 or -errno. */
export interface Control {
  readonly mode?: number;
  readonly read?: () => string;
  readonly write: (text: string) => number;
  /** opened with O.TRUNC, as `>` of a shell does; 0 or -errno */
  readonly truncate?: () => number;
}
export function control({ mode = 0o640, read, write, truncate }: Control): FileNode {
  return {
    kind: 'file',
    mode,
    open: (flags) => {
      if (flags & O.TRUNC && (flags & O.ACCMODE) !== O.RDONLY && truncate) {
        const result = truncate();
        if (result < 0) return result;
      }
      const isRead = (flags & O.ACCMODE) !== 1;
      if (isRead && !read) return -ERRNO.EACCES;
      return new OpenControl('file', encodeUtf8(isRead && read ? read() : ''), write);
    },
  };
}

/** A directory of a table; what is made each time is given as a function. */
export function directory(entries: Readonly<Record<string, Node | (() => Node)>>, mode = 0o755): DirectoryNode {
  return {
    kind: 'directory',
    mode,
    names: () => Object.keys(entries),
    child: (name) => {
      const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
      return typeof entry === 'function' ? entry() : entry;
    },
  };
}

/** A directory whose names are found out each time. */
export const listing = (
  names: () => Iterable<string>,
  child: (name: string) => Node | undefined,
  more: Partial<DirectoryNode> = {},
): DirectoryNode => ({ kind: 'directory', mode: 0o755, names, child, ...more });

export const link = (target: string): LinkNode => ({ kind: 'link', target });

const BLOCK = 4096;

export function statOf(node: Node, ino: number): FileStat {
  const base = {
    ino: (node.kind === 'directory' ? node.ino : undefined) ?? ino,
    nlink: 1,
    uid: 0,
    gid: 0,
    blksize: BLOCK,
    size: 0,
  };
  if (node.kind === 'directory') return { ...base, mode: S_IF.DIR | node.mode, nlink: 2 };
  if (node.kind === 'link') return { ...base, mode: S_IF.LNK | 0o777, size: node.target.length };
  const { size = 0 } = node;
  return { ...base, mode: S_IF.REG | node.mode, size: typeof size === 'function' ? size() : size };
}
