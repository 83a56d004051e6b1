/** Programs in cgroups: which run and in what order (bpf(2), BPF_F_ALLOW_MULTI and _OVERRIDE), and what a verdict does to a call. */
import { describe, expect, it } from 'vitest';
import { Cgroup } from '../../../kernel-sim/cgroup/cgroup.ts';
import { KernelError } from '../../../kernel-sim/core/errno.ts';
import { Kernel, type TraceStep } from '../../../kernel-sim/index.ts';
import { insn, writeInsns } from '../../../src/isa/index.ts';
import { readStrace } from '../../../src/replay/index.ts';

import { program } from '../support/programs.ts';

const errno = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
  return undefined;
};
const [OVERRIDE, MULTI, REPLACE] = [1, 2, 4];
const TYPE = 7;
const tree = () => {
  const root = new Cgroup('/', undefined, 1);
  const mid = new Cgroup('/a', root, 2);
  return { root, mid, leaf: new Cgroup('/a/b', mid, 3) };
};
const [A, B, C, D] = [{ addr: 10 }, { addr: 11 }, { addr: 12 }, { addr: 13 }] as const;
const order = (group: Cgroup): number[] => group.effective(TYPE).map(({ callee }) => callee.addr);

describe('lists of programs', () => {
  // the example in the kernel's include/uapi/linux/bpf.h: A, B are MULTI at the top; C, D below; order is C D A B
  it("a descendant's run before its ancestors', in the order of attaching", () => {
    const { root, mid, leaf } = tree();
    root.attach(TYPE, A, { flags: MULTI });
    root.attach(TYPE, B, { flags: MULTI });
    leaf.attach(TYPE, C, { flags: MULTI });
    leaf.attach(TYPE, D, { flags: MULTI });
    expect(order(leaf)).toEqual([12, 13, 10, 11]);
    expect(order(mid)).toEqual([10, 11]);
  });
  it('one that may be overridden does not run beside another', () => {
    const { root, leaf } = tree();
    root.attach(TYPE, A, { flags: OVERRIDE });
    leaf.attach(TYPE, C, { flags: 0 });
    expect(order(leaf)).toEqual([12]);
    leaf.remove(TYPE, leaf.find(TYPE, undefined));
    expect(order(leaf)).toEqual([10]);
  });
  it('without flags nothing is attached below, other flags are no match, and a program is there once', () => {
    const { root, mid, leaf } = tree();
    root.attach(TYPE, A, { flags: 0 });
    expect(errno(() => leaf.attach(TYPE, C, { flags: MULTI }))).toBe('EPERM');
    root.attach(TYPE, B, { flags: 0 });
    expect(order(root)).toEqual([11]);
    root.remove(TYPE, root.find(TYPE, A));
    mid.attach(TYPE, A, { flags: MULTI });
    expect(errno(() => mid.attach(TYPE, B, { flags: OVERRIDE }))).toBe('EPERM');
    expect(errno(() => mid.attach(TYPE, A, { flags: MULTI }))).toBe('EINVAL');
    expect(errno(() => mid.attach(TYPE, B, { flags: MULTI | REPLACE, replace: C }))).toBe('ENOENT');
    mid.attach(TYPE, B, { flags: MULTI | REPLACE, replace: A });
    expect(order(leaf)).toEqual([11]);
    expect(errno(() => mid.find(TYPE, undefined))).toBe('EINVAL');
    expect(errno(() => mid.find(TYPE, A))).toBe('ENOENT');
    expect(errno(() => mid.attach(TYPE, C, { flags: OVERRIDE | MULTI }))).toBe('EINVAL');
  });
});

const exit = insn(0x95, 0, 0, 0, 0);
const verdict = (r0: number) => writeInsns([insn(0xb7, 0, 0, 0, r0), exit]);
/** 1 unless *(u32 *)(ctx + field) == value */
const unless = (field: number, value: number) =>
  writeInsns([
    insn(0x61, 2, 1, field, 0),
    insn(0xb7, 0, 0, 0, 1),
    insn(0x18, 3, 0, 0, value),
    insn(0, 0, 0, 0, 0),
    insn(0x5d, 2, 3, 1, 0),
    insn(0xb7, 0, 0, 0, 0),
    exit,
  ]);
const SOCKET = '7 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n';
const connect = (port: number) =>
  `7 connect(3, {sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("127.0.0.1")}, 16) = 0\n`;
const BIND = '7 bind(3, {sa_family=AF_INET, sin_port=htons(7777), sin_addr=inet_addr("127.0.0.1")}, 16) = 0\n';

interface World {
  readonly group?: string;
  readonly type: string;
  readonly at: string;
  readonly insns: Uint8Array;
}
/** What calls return as sys_exit and the functions' return probes see it. */
async function results(text: string, { type, at, insns, group = '/' }: World) {
  const k = await Kernel.boot({ engine: 'step' });
  if (group !== '/') k.cgroups.mkdir(group);
  const prog = k.bpf.progLoad({ type, expectedAttachType: at, insns, license: 'GPL' });
  k.bpf.linkCreate({ prog, attachType: at, target: k.cgroups.open(group) });
  const exits: string[] = [];
  const passed: string[] = [];
  const departed: string[] = [];
  k.probes.tracepoint(
    program(k, 'exit', () => void exits.push(String(k.memory.readS32(k.args.addr(0) + 16)))),
    'raw_syscalls',
    'sys_exit',
  );
  for (const symbol of ['tcp_v4_connect', 'tcp_connect', 'sock_alloc_file', 'sk_common_release', 'tcp_v4_pre_connect'])
    k.probes.kprobe(
      program(k, symbol, () => void passed.push(symbol)),
      { symbol },
    );
  k.departures.told.add((d) => void departed.push(`${d.call} ${d.recorded} ${d.result} ${d.by}`));
  const steps = [...readStrace(text).trace.steps] as TraceStep[];
  const tasks = [{ pid: 7, comm: 'conn' }];
  expect(await k.replay({ tasks, steps })).toMatchObject({ oopses: [], stopped: undefined });
  return { exits, passed, departed };
}

describe('verdicts', () => {
  const refuse9 = { type: 'cgroup_sock_addr', at: 'cgroup_inet4_connect', insns: unless(24, 0x0900) };
  it('connect4 that says no: EPERM, and TCP is not asked', async () => {
    expect(await results(SOCKET + connect(9), refuse9)).toEqual({
      exits: ['3', '-1'],
      passed: ['sock_alloc_file', 'tcp_v4_pre_connect'],
      departed: ['connect 0 -1 cgroup_inet4_connect'],
    });
  });
  it('connect4 that says yes to another port', async () => {
    expect(await results(SOCKET + connect(10), refuse9)).toEqual({
      exits: ['3', '0'],
      passed: ['sock_alloc_file', 'tcp_v4_pre_connect', 'tcp_v4_connect', 'tcp_connect'],
      departed: [],
    });
  });
  it('of a cgroup that the task is not in, none', async () => {
    expect((await results(SOCKET + connect(9), { ...refuse9, group: '/pod1' })).departed).toEqual([]);
  });
  it('bind4 and sock_create', async () => {
    const bind = { type: 'cgroup_sock_addr', at: 'cgroup_inet4_bind', insns: unless(4, 0x0100007f) };
    expect(await results(SOCKET + BIND, bind)).toMatchObject({
      exits: ['3', '-1'],
      departed: ['bind 0 -1 cgroup_inet4_bind'],
    });
    const create = { type: 'cgroup_sock', at: 'cgroup_inet_sock_create', insns: verdict(0) };
    expect(await results(SOCKET, create)).toEqual({
      exits: ['-1'],
      passed: ['sk_common_release'],
      departed: ['socket 3 -1 cgroup_inet_sock_create'],
    });
  });
});

const UDP = '7 socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 3\n';
const TO = '{sa_family=AF_INET, sin_port=htons(7777), sin_addr=inet_addr("127.0.0.1")}';
const SENDTO = `7 sendto(3, "hello", 5, 0, ${TO}, 16) = 5\n`;
const world = (type: string, at: string, insns = verdict(0)): World => ({ type, at, insns });
/** kind, calls, the program, what exits show, the departure */
const NO: readonly (readonly [string, World, string[], string[]])[] = [
  [UDP + SENDTO, world('cgroup_skb', 'cgroup_inet_egress'), ['3', '-1'], ['sendto 5 -1 cgroup_inet_egress']],
  [UDP + SENDTO, world('cgroup_sock_addr', 'cgroup_udp4_sendmsg'), ['3', '-1'], ['sendto 5 -1 cgroup_udp4_sendmsg']],
  [SOCKET + BIND, world('cgroup_sock', 'cgroup_inet4_post_bind'), ['3', '-1'], ['bind 0 -1 cgroup_inet4_post_bind']],
  [
    `${SOCKET}7 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0\n`,
    world('cgroup_sockopt', 'cgroup_setsockopt'),
    ['3', '-1'],
    ['setsockopt 0 -1 cgroup_setsockopt'],
  ],
  [
    `${SOCKET}7 getsockopt(3, SOL_SOCKET, SO_TYPE, [1], [4]) = 0\n`,
    world('cgroup_sockopt', 'cgroup_getsockopt'),
    ['3', '-1'],
    ['getsockopt 0 -1 cgroup_getsockopt'],
  ],
  [
    '7 openat(AT_FDCWD, "/dev/null", O_RDWR) = 3\n',
    // major 1 is refused
    world('cgroup_device', 'cgroup_device', unless(4, 1)),
    ['-1'],
    ['openat 3 -1 cgroup_device'],
  ],
  ['7 openat(AT_FDCWD, "/etc/hostname", O_RDWR) = 3\n', world('cgroup_device', 'cgroup_device'), ['3'], []],
  [
    '7 openat(AT_FDCWD, "/proc/sys/kernel/ostype", O_RDONLY) = 3\n7 read(3, "Linux\\n", 100) = 6\n',
    world('cgroup_sysctl', 'cgroup_sysctl'),
    ['3', '-1'],
    ['read 6 -1 cgroup_sysctl'],
  ],
];
it.each(NO)('%s', async (text, of, exits, departed) => {
  const seen = await results(text, of);
  expect({ exits: seen.exits, departed: seen.departed }).toEqual({ exits, departed });
});

/** What a program of two instructions and a map would tell: how often the functions that call it were passed. */
async function passes(text: string, of: World, symbols: readonly string[]): Promise<string[]> {
  const k = await Kernel.boot({ engine: 'step' });
  const prog = k.bpf.progLoad({ type: of.type, expectedAttachType: of.at, insns: of.insns, license: 'GPL' });
  k.bpf.linkCreate({ prog, attachType: of.at, target: k.cgroups.open('/') });
  const seen: string[] = [];
  for (const symbol of symbols)
    k.probes.kprobe(
      program(k, symbol, () => void seen.push(symbol)),
      { symbol },
    );
  const steps = [...readStrace(text).trace.steps] as TraceStep[];
  expect(await k.replay({ tasks: [{ pid: 7, comm: 'conn' }], steps })).toMatchObject({ oopses: [] });
  return seen;
}
it('sock_release runs when the last descriptor is closed, sockops at each step of connect', async () => {
  const run = '__cgroup_bpf_run_filter_sk';
  expect(
    await passes(`${SOCKET}7 close(3) = 0\n`, world('cgroup_sock', 'cgroup_inet_sock_release', verdict(1)), [
      'inet_release',
      run,
    ]),
  ).toEqual(['inet_release', run]);
  const ops = '__cgroup_bpf_run_filter_sock_ops';
  // TCP_CONNECT_CB, TIMEOUT_INIT, RWND_INIT, NEEDS_ECN; ACTIVE_ESTABLISHED_CB behind the answer
  expect(
    await passes(SOCKET + connect(7), world('sock_ops', 'cgroup_sock_ops', verdict(1)), [ops, 'tcp_finish_connect']),
  ).toEqual([ops, ops, ops, ops, 'tcp_finish_connect', ops]);
});

it('a cgroup is an object that a walk from the task finds, with its number and its ancestors', async () => {
  const k = await Kernel.boot();
  k.cgroups.objects.turnOn();
  k.cgroups.mkdir('/a');
  k.cgroups.mkdir('/a/b');
  const task = k.tasks.create(7, 7, 'conn', k.tasks.loader);
  k.cgroups.move('/a/b', 7);
  const read = (at: number, struct: string, path: string): number =>
    k.memory.readAddr(at + k.structs.of(struct).offset(path));
  const group = read(read(task.address, 'task_struct', 'cgroups'), 'css_set', 'dfl_cgrp');
  const id = (at: number): number => read(read(at, 'cgroup', 'kn'), 'kernfs_node', 'id');
  const ancestors = group + k.structs.of('cgroup').offset('ancestors');
  expect([0, 1, 2].map((level) => id(k.memory.readAddr(ancestors + 8 * level)))).toEqual([
    k.cgroups.root.id,
    k.cgroups.at('/a').id,
    k.cgroups.at('/a/b').id,
  ]);
  const child = k.tasks.create(8, 8, 'child', task);
  expect(k.cgroups.of(child).path).toBe('/a/b');
});

describe('arrays of cgroups', () => {
  it('bpf_current_task_under_cgroup tells whether the task is in one, or below it', async () => {
    const kernel = await Kernel.boot();
    kernel.cgroups.mkdir('/a');
    kernel.cgroups.mkdir('/a/b');
    kernel.cgroups.mkdir('/c');
    const map = kernel.bpf.mapCreate({ type: 'cgroup_array', keySize: 4, valueSize: 4, maxEntries: 3 });
    map.update(0, kernel.cgroups.open('/a'));
    map.update(1, kernel.cgroups.open('/c'));
    const asks = (index: number) =>
      kernel.bpf
        .progLoad({
          type: 'raw_tracepoint',
          license: 'GPL',
          insns: writeInsns([
            insn(0x18, 1, 1, 0, map.fd),
            insn(0, 0, 0, 0, 0),
            insn(0xb7, 2, 0, 0, index),
            insn(0x85, 0, 0, 0, 37),
            insn(0x95, 0, 0, 0, 0),
          ]),
        })
        .testRun().retval | 0;
    const all = () => [0, 1, 2, 3].map(asks);
    const { pid } = kernel.tasks.current;
    const answers: number[][] = [all()];
    for (const path of ['/a', '/a/b', '/c']) {
      kernel.cgroups.move(path, pid);
      answers.push(all());
    }
    // E2BIG behind the end, EAGAIN where nothing is (bpf-helpers(7))
    expect(answers).toEqual([
      [0, 0, -11, -7],
      [1, 0, -11, -7],
      [1, 0, -11, -7],
      [0, 1, -11, -7],
    ]);
    expect(errno(() => map.update(2, map.fd))).toBe('EBADF');
  });
});
