/**
 * Credentials held against the real kernel: golden/ids.strace is strace's recording of a program that sets its ids
 * in all ways, allowed and not, and golden/ids.trace what golden/ids.o, attached to sys_exit on Linux 6.12, printed of
 * it: the call, bpf_get_current_uid_gid, and all ids of `current->cred`.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject, type EngineName } from '../../../src/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { many } from '../../support/depth.ts';
import { program } from '../support/programs.ts';

const golden = (name: string): URL => new URL(`../golden/${name}`, import.meta.url);
const lines = (text: string): string[] => text.trimEnd().split('\n');

/** pid to what was printed of it: which of two tasks runs first is not the kernel's to say */
function byPid(all: readonly string[]): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const line of all) (out[line.slice(0, line.indexOf(' '))] ??= []).push(line.slice(line.indexOf(' ') + 1));
  return out;
}

describe('credentials', () => {
  it.each<EngineName>(['interp', 'step', 'jit'])('are those that the real kernel had (%s)', async (engine) => {
    const kernel = await Kernel.boot({ engine });
    BpfObject.open(new Uint8Array(readFileSync(golden('ids.o'))))
      .load(kernel)
      .attach();
    const { trace, warnings } = readStrace(readFileSync(golden('ids.strace'), 'utf8'));
    expect(warnings).toEqual([]);
    await kernel.replay(trace);
    const ours = lines(kernel.tracePipe.read()).map((line) => line.replace(/^.*-(\d+) .*bpf_trace_printk: /, '$1 '));
    expect(byPid(ours)).toEqual(byPid(lines(readFileSync(golden('ids.trace'), 'utf8'))));
  });

  it('functions are called in the order that ftrace saw', async () => {
    // function tracer of Linux 6.12, below __x64_sys_setuid: one that succeeds, one that does not
    const calls =
      'make_kuid map_id_range_down prepare_creds get_ucounts security_prepare_creds ns_capable_setid security_task_fix_setuid set_cred_ucounts flag_nproc_exceeded commit_creds proc_id_connector abort_creds __put_cred from_kuid from_kgid'.split(
        ' ',
      );
    const kernel = await Kernel.boot({ engine: 'jit' });
    const seen: string[] = [];
    for (const symbol of calls)
      kernel.probes.kprobe(
        program(kernel, symbol, () => void seen.push(symbol)),
        { symbol },
      );
    const run = async (text: string): Promise<string> => {
      seen.length = 0;
      await kernel.replay(readStrace(text).trace);
      return seen.join(' ');
    };
    const start = 'make_kuid map_id_range_down prepare_creds get_ucounts security_prepare_creds ns_capable_setid';
    expect(await run('7 1.0 setuid(1000) = 0\n')).toBe(
      `${start} security_task_fix_setuid set_cred_ucounts flag_nproc_exceeded commit_creds proc_id_connector`,
    );
    expect(await run('7 1.0 setuid(0) = -1 EPERM (Operation not permitted)\n')).toBe(`${start} abort_creds __put_cred`);
  });

  it('a thread shares its creator’s until one of them changes; a process has its own', async () => {
    const kernel = await Kernel.boot({ engine: 'jit' });
    const seen = new Map<number, [cred: number, uid: number]>();
    const look = program(kernel, 'look', () => {
      const { pid, cred, uid } = kernel.tasks.current;
      seen.set(pid, [cred, uid]);
    });
    kernel.probes.kprobe(look, { symbol: '__x64_sys_getppid' });
    const thread = 'CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD';
    const replay = async (more: string) => {
      seen.clear();
      const text = `7 1.0 setuid(5) = 0
7 1.1 clone3({flags=${thread}, stack=0x1000, stack_size=0x1000}, 88) = 8
7 1.2 clone(child_stack=NULL, flags=SIGCHLD) = 9
${more}${[7, 8, 9].map((pid) => `${pid} 1.5 getppid() = 1\n`).join('')}`;
      await kernel.replay(readStrace(text).trace);
      return [7, 8, 9].map((pid) => seen.get(pid)!);
    };
    const [one, two, three] = await replay('');
    expect([one![1], two![1], three![1]]).toEqual([5, 5, 5]);
    expect(two![0]).toBe(one![0]);
    expect(three![0]).not.toBe(one![0]);
    const [parent, changed] = await replay('8 1.4 setresuid(6, 5, 5) = 0\n');
    expect([parent![1], changed![1]]).toEqual([5, 6]);
    expect(changed![0]).not.toBe(parent![0]);
  });

  it('go with their tasks: memory is flat', async () => {
    const kernel = await Kernel.boot({ engine: 'jit' });
    const { loader, creds } = kernel.tasks;
    let pid = 2000;
    const fork = (): void => {
      const task = kernel.tasks.create(++pid, pid, 'child', loader);
      creds.commit(task, creds.prepare(task));
      // as setuid does
      creds.commit(task, creds.prepare(task));
      creds.put(creds.prepare(task));
      kernel.tasks.exit(task, 0);
      kernel.tasks.reap();
    };
    for (let n = 0; n < 100; n++) fork();
    const pages = kernel.memory.freePageCount;
    for (let n = 0; n < many(500, 20_000); n++) fork();
    expect(kernel.memory.freePageCount).toBe(pages);
    expect(creds.references(loader.cred)).toBe(4);
  });
});
