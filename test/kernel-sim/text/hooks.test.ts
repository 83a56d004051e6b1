/**
 * Hooks of the LSM that each system call passes, in order: fixtures/worlds/hooks.trace is what function tracing of the real
 * kernel showed while fixtures/worlds/hooks.strace was recorded. A replay passes the same, but for calls that are named here.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Kernel, type TraceStep } from '../../../kernel-sim/index.ts';
import { insn, writeInsns } from '../../../src/isa/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';

const at = (name: string): string => readFileSync(new URL(`../../../fixtures/worlds/${name}`, import.meta.url), 'utf8');
/** calls, some of which pass other hooks here, and why */
const DIFFER = new Map([
  ['openat', 'a recording does not tell that a file is new, nor which names are links or made by procfs on demand'],
  ['write', 'memory that the file system takes, AF_UNIX pairs'],
  ['read', 'AF_UNIX pairs'],
  ['unlink', 'the last link of an inode that something else holds'],
  ['close', 'descriptors of pipes and pairs; segments of TCP'],
  ['connect', 'segments of TCP, AF_UNIX'],
  ['sendto', 'segments of TCP'],
  ['shutdown', 'segments of TCP'],
  ['bind', 'AF_UNIX'],
  ['socket', 'RCU frees something of another call'],
  ['clone', 'an area of memory after the other is accounted for'],
  ['vfork', 'RCU frees something of another call'],
  ['wait4', 'RCU frees something of another call'],
  ['setgroups', 'RCU frees something of another call'],
  ['msgget', 'RCU frees something of another call'],
  ['request_key', 'RCU frees something of another call'],
  ['perf_event_open', 'RCU frees something of another call'],
  ['ptrace', 'strace held the task'],
  ['setfsuid', 'ids that do not change'],
  ['setfsgid', 'ids that do not change'],
  ['setresuid', 'ids that do not change'],
  ['setresgid', 'ids that do not change'],
  ['shmat', 'IMA'],
  ['unshare', 'sockets of a new network namespace'],
  ['brk', 'whether the heap grows'],
]);

describe('hooks of the LSM', () => {
  it('are passed in the order of Linux', async () => {
    const k = await Kernel.boot({ engine: 'jit' });
    const linux = at('hooks.trace').trim().split('\n');
    const { trace } = readStrace(at('hooks.strace'));
    const main = trace.tasks[0]?.pid;
    const seen: string[] = [];
    let hooks: string[] = [];
    const names = k.symbols.functions().flatMap(({ name }) => (name.startsWith('security_') ? [name] : []));
    for (const symbol of [...names, 'devcgroup_check_permission'])
      k.probes.kprobe(
        program(k, 'hook', () => void (k.tasks.current.pid === main && hooks.push(symbol.replace('security_', '')))),
        { symbol },
      );
    const own = (made: () => void) => () => void (k.tasks.current.pid === main && made());
    k.probes.tracepoint(
      program(
        k,
        'enter',
        own(() => {
          hooks = [];
        }),
      ),
      'raw_syscalls',
      'sys_enter',
    );
    k.probes.tracepoint(
      program(
        k,
        'exit',
        own(() => void seen.push([k.tasks.current.call?.name, ...hooks].join(' '))),
      ),
      'raw_syscalls',
      'sys_exit',
    );
    expect(await k.replay(trace)).toMatchObject({ oopses: [] });
    const here = seen.slice(seen.findIndex((line) => line.startsWith('chdir ')));
    const call = (line: string | undefined): string => line?.split(' ')[0] ?? '';
    expect(here.map(call)).toEqual(linux.map(call));
    const same = (line: string, n: number): boolean => here[n] === line;
    const other = linux.filter((line, n) => !same(line, n) && !DIFFER.has(call(line)));
    expect(other).toEqual([]);
    expect(linux.filter(same).length).toBeGreaterThanOrEqual(165);
  });

  const refuse = writeInsns([insn(0xb7, 0, 0, 0, -1), insn(0x95, 0, 0, 0, 0)]);
  it.each([
    ['file_open', '7 openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3\n', 'openat 3 -1 file_open'],
    ['path_unlink', '7 unlink("/tmp/x") = 0\n', 'unlink 0 -1 path_unlink'],
    ['inode_mkdir', '7 mkdir("/tmp/x", 0755) = 0\n', 'mkdir 0 -1 inode_mkdir'],
    ['task_kill', '7 kill(7, 0) = 0\n', 'kill 0 -1 task_kill'],
    ['socket_create', '7 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n', 'socket 3 -1 socket_create'],
    ['inode_setxattr', '7 setxattr("/tmp/x", "user.a", "b", 1, 0) = 0\n', 'setxattr 0 -1 inode_setxattr'],
  ])('%s that says no is what the call returns', async (hook, text, departed) => {
    const k = await Kernel.boot({ engine: 'step' });
    const prog = k.bpf.progLoad({
      type: 'lsm',
      expectedAttachType: 'lsm_mac',
      attachBtf: hook,
      insns: refuse,
      license: 'GPL',
    });
    k.bpf.linkCreate({ prog });
    const told: string[] = [];
    const exits: number[] = [];
    k.departures.told.add((d) => void told.push(`${d.call} ${d.recorded} ${d.result} ${d.by}`));
    k.probes.tracepoint(
      program(k, 'exit', () => void exits.push(k.memory.readS32(k.args.addr(0) + 16))),
      'raw_syscalls',
      'sys_exit',
    );
    const steps = [...readStrace(text).trace.steps] as TraceStep[];
    expect(await k.replay({ tasks: [{ pid: 7, comm: 'task' }], steps })).toMatchObject({ oopses: [] });
    expect({ told, exits }).toEqual({ told: [departed], exits: [-1] });
  });
});
