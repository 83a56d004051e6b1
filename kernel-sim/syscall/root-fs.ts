/** The root file system: which functions of its module vfs calls for a file, where one is loaded. */
import type { Addr } from '../../src/machine/addr.ts';
import { FILE_SYSTEMS, type FileOperation, type FileSystem } from '../data/file-systems.ts';
import type { ObjectFloor } from '../floors/objects.ts';

/** others are mounted here, or no file has such a path */
const ELSEWHERE = /^\/(proc|sys|dev|run)\/|^[^/]/;

export class RootFs {
  readonly #kernel: ObjectFloor;
  readonly #fs: FileSystem | undefined;
  /** its struct file_operations, which programs compare files by */
  readonly #operations: Addr = 0;
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    const { rootfs, text } = kernel;
    this.#fs = rootfs && FILE_SYSTEMS[rootfs];
    if (rootfs === undefined || this.#fs === undefined) return;
    const { file_operations, ...functions } = this.#fs;
    for (const name of Object.values(functions)) text.module(name, rootfs);
    this.#operations = text.moduleData(file_operations, rootfs);
    text.maker.mayCall(Object.values(functions));
  }
  register(on: (name: string, handler: () => void) => void): void {
    const { args, structs, direct } = this.#kernel;
    const file = structs.of('file');
    const [inFile, inPath] = [file.offset('f_path.dentry'), file.offset('f_path.dentry') - file.offset('f_path')];
    const inOps = file.offset('f_op');
    on('file_open', () => {
      const opened = this.operation('open', args.addr(0));
      if (opened !== 0) direct.putAddr(args.addr(0) + inOps, this.#operations);
      args.retAddr(opened);
    });
    on('file_fsync', () => this.#give('fsync', args.addr(0), inFile));
    on('getattr_of', () => this.#give('getattr', args.addr(0), inPath));
    this.operation = (of, at) => this.#of(of, at === 0 ? 0 : direct.addr(at + inFile));
  }
  /** The function for an operation on a file; 0 calls nothing. */
  operation: (of: FileOperation, file: Addr) => Addr = () => 0;

  #give(of: FileOperation, holder: Addr, at: number): void {
    const { args, memory } = this.#kernel;
    args.retAddr(this.#fs === undefined || holder === 0 ? 0 : this.#of(of, memory.readAddr(holder + at)));
  }
  #of(of: FileOperation, dentry: Addr): Addr {
    const { files, text } = this.#kernel;
    if (this.#fs === undefined || dentry === 0 || ELSEWHERE.test(files.dcache.pathOf(dentry))) return 0;
    return text.place(this.#fs[of]);
  }
}
