/**
 * The root file system of user space: files that were put there, kept in memory, and those of a directory of the host
 * where one was given, which are read and never written. Without either there is nothing in it.
 */
import { FileError, host } from '../../src/platform/index.ts';
import { capture, reinstate } from '../core/state.ts';

/** What a file is at one moment. Its bytes are never changed in place: who writes gives it others. */
export interface RootNode {
  readonly ino: number;
  readonly kind: 'file' | 'directory';
  /** permission bits */
  readonly mode: number;
  bytes: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const FIRST_INO = 262_145;

/** An absolute path without `.`, `..` and doubled slashes. */
export function normalPath(path: string, cwd = '/'): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export class RootFiles {
  /** directory of the host */
  readonly #sysroot: string | undefined;
  readonly #nodes = new Map<string, RootNode>();
  /** what the host has not, and is not asked for again */
  readonly #absent = new Set<string>();
  #ino = FIRST_INO;
  /** what relative paths of the loader count from */
  cwd = '/';

  constructor(sysroot?: string) {
    this.#sysroot = sysroot;
    for (const path of ['/', '/tmp']) this.mkdir(path);
  }
  save() {
    return capture({ nodes: this.#nodes, absent: this.#absent, ino: this.#ino, cwd: this.cwd });
  }
  restore(state: ReturnType<RootFiles['save']>): void {
    const { ino, cwd } = reinstate(state);
    this.#ino = ino;
    this.cwd = cwd;
  }

  /** Puts a file there, and the directories on the way. */
  add(path: string, bytes: Uint8Array, mode = 0o644): RootNode {
    const at = normalPath(path);
    for (let end = at.lastIndexOf('/'); end > 0; end = at.lastIndexOf('/', end - 1)) this.mkdir(at.slice(0, end));
    const node: RootNode = { ino: this.#ino++, kind: 'file', mode, bytes };
    this.#nodes.set(at, node);
    return node;
  }
  mkdir(path: string, mode = 0o755): void {
    const at = normalPath(path);
    if (!this.#nodes.has(at)) this.#nodes.set(at, { ino: this.#ino++, kind: 'directory', mode, bytes: NOTHING });
  }
  remove(path: string): void {
    this.#nodes.delete(normalPath(path));
  }
  /** What is at a path; undefined where there is nothing. */
  find(path: string): RootNode | undefined {
    const at = normalPath(path, this.cwd);
    const known = this.#nodes.get(at);
    if (known !== undefined || this.#sysroot === undefined || this.#absent.has(at)) return known;
    try {
      return this.add(at, host.readFileBelow(this.#sysroot, at), 0o755);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#absent.add(at);
      return undefined;
    }
  }
  /** A file's bytes; undefined where there is none. */
  read(path: string): Uint8Array | undefined {
    const node = this.find(path);
    return node?.kind === 'file' ? node.bytes : undefined;
  }
  /** Names right below a directory, of what is in memory. */
  names(path: string): string[] {
    const prefix = normalPath(path) === '/' ? '/' : `${normalPath(path)}/`;
    const below = [...this.#nodes.keys()].filter((p) => p.startsWith(prefix) && p !== '/');
    return [...new Set(below.map((p) => p.slice(prefix.length).split('/')[0] as string))].sort();
  }
}
