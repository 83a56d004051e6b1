/** A process that executes code of its own: its address space, its descriptors, and what system calls keep of it. */
import type { Addr } from '../../src/machine/addr.ts';
import type { UserSpace } from '../../src/machine/index.ts';
import { capture, reinstate } from '../core/state.ts';
import type { UserHalf } from '../task/user-half.ts';
import type { AddressSpace } from './address-space.ts';
import type { OpenFiles } from './open-files.ts';
import type { ProgramStreams } from './user-files.ts';

export class Program implements UserHalf {
  /** path of what it executes */
  path: string;
  maps: AddressSpace;
  readonly files: OpenFiles;
  readonly streams: ProgramStreams;
  cwd = '/';
  /** start and end of what brk(2) moves */
  brkStart: Addr = 0;
  brk: Addr = 0;
  umask = 0o022;

  constructor(path: string, maps: AddressSpace, streams: ProgramStreams, files: OpenFiles) {
    this.path = path;
    this.maps = maps;
    this.streams = streams;
    this.files = files;
  }
  get space(): UserSpace {
    return this.maps.space as UserSpace;
  }
  save() {
    const { path, maps, files, cwd, brkStart, brk, umask } = this;
    return capture({ path, maps, files, cwd, brkStart, brk, umask });
  }
  restore(state: ReturnType<Program['save']>): void {
    Object.assign(this, reinstate(state));
  }
  /** Its memory goes. */
  release(): void {
    this.maps.clear();
  }
}
