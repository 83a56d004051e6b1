/** Reads and writes below /proc/sys on their way to programs of cgroups: `struct bpf_sysctl_kern` over tables by path (kernel/bpf/cgroup.c, fs/proc/proc_sysctl.c). */
import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault } from '../../src/machine/index.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { On } from './run.ts';

const PROC_SYS = '/proc/sys/';
const PAGE = 4096;

export function registerSysctl(kernel: ObjectFloor, on: On): void {
  const { args, memory, slab, structs, tasks, files, recorded, text } = kernel;
  text.maker.mayCall(['proc_sys_read', 'proc_sys_write']);
  const pathOf = (file: Addr): string =>
    files.dcache.pathOf(memory.readAddr(file + structs.of('file').offset('f_path.dentry')));
  const zeroed = (struct: string): GuestStruct => {
    const at = slab.kmalloc(structs.of(struct).size);
    memory.writeBytes(at, new Uint8Array(structs.of(struct).size));
    return new GuestStruct(kernel, struct, at);
  };
  const string = (value: string): Addr => {
    const bytes = encodeUtf8(`${value}\0`);
    const at = slab.kmalloc(bytes.length);
    memory.writeBytes(at, bytes);
    return at;
  };
  const table = (name: string): Addr => zeroed('ctl_table').set('procname', string(name)).at;
  /** what one context holds, freed with it */
  const made: Addr[] = [];

  on('proc_sys', () => args.retU32(args.addr(0) !== 0 && pathOf(args.addr(0)).startsWith(PROC_SYS) ? 1 : 0));
  // (file, write, ppos)
  on('sysctl_context', () => {
    const parts = pathOf(args.addr(0)).slice(PROC_SYS.length).split('/');
    const ctx = zeroed('bpf_sysctl_kern');
    // the root directory, then one a part; the last part is the table itself
    let directory = zeroed('ctl_dir');
    directory.set('header.ctl_table', table(''));
    made.push(directory.at);
    for (const part of parts.slice(0, -1)) {
      const below = zeroed('ctl_dir');
      below.set('header.ctl_table', table(part)).set('header.parent', directory.at);
      made.push(below.at);
      directory = below;
    }
    const own = table(parts.at(-1) ?? '');
    const head = zeroed('ctl_table_header');
    head.set('ctl_table', own).set('parent', directory.at);
    made.push(head.at, own);
    ctx.set('head', head.at).set('table', own).set('write', args.lo(1)).set('ppos', args.addr(2));
    const { call } = tasks.current;
    const data = call?.args[1];
    const value = data?.kind === 'bytes' || data?.kind === 'string' ? data.bytes.subarray(0, PAGE) : new Uint8Array();
    const kept = slab.kmalloc(PAGE);
    memory.writeBytes(kept, value);
    made.push(kept);
    // a read's recorded data are what the value is now; a write's are what it becomes
    if (args.lo(1) === 0) ctx.set('cur_val', kept).set('cur_len', Math.min(value.length, Math.max(0, recorded.lo)));
    else ctx.set('new_val', kept).set('new_len', value.length);
    args.retAddr(ctx.at);
  });
  // (ctx, verdict, buf): 1 the value was replaced, which a write then stores
  on('sysctl_done', () => {
    const ctx = new GuestStruct(kernel, 'bpf_sysctl_kern', args.addr(0));
    const replaced = args.lo(1) === 0 && ctx.get('new_updated') !== 0 && ctx.get('write') !== 0;
    if (replaced && args.addr(2) !== 0)
      try {
        memory.writeBytes(args.addr(2), memory.readBytes(ctx.get('new_val'), ctx.get('new_len')));
      } catch (error) {
        if (!(error instanceof GuestFault)) throw error;
      }
    for (const at of made.splice(0)) slab.kfree(at);
    slab.kfree(ctx.at);
    args.retInt(args.lo(1));
  });
}
