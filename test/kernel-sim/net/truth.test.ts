/**
 * Datagrams and connections over lo, recorded with strace on the real kernel while the programs of fixtures/worlds ran
 * there: functions, tracepoints, softirq, tc and XDP on lo, states of TCP. The replay prints what was printed there.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const at = (name: string): URL => new URL(`../../../fixtures/worlds/${name}`, import.meta.url);
interface Run {
  /** what was attached there, in its order; its printed lines are in the file of the run's name */
  readonly attached: readonly string[];
  /** the recording, where it is not the run's name */
  readonly recording?: string;
}
const RUNS: Readonly<Record<string, Run>> = {
  datagrams: { attached: ['net_path', 'net_events', 'softirq', 'tc_port'] },
  'datagrams-xdp': { attached: ['xdp_port'], recording: 'datagrams' },
  'datagrams-rewrite': { attached: ['xdp_rewrite'], recording: 'datagrams' },
  tcp_life: { attached: ['tcp_life'] },
  udp6: { attached: ['udp6'] },
  tcp6: { attached: ['tcp6'] },
  choose_socket: { attached: ['choose_socket'] },
  socket_maps: { attached: ['socket_maps'] },
};

/** Where the real kernel had them: on lo, in the root cgroup and the network namespace, at sockets that asked for one. */
function attachAll(kernel: Kernel, loaded: ReturnType<BpfObject['load']>): void {
  loaded.attach({ ifindex: 1 });
  for (const program of Object.values(loaded.programs)) {
    const section = program.definition.rawSectionName;
    if (/^(cgroup|sockops)/.test(section)) program.attach({ targetFd: kernel.cgroups.open('/') });
    else if (section === 'sk_lookup') program.attach({ targetFd: kernel.net.openNamespace() });
    else if (/^sk_(msg|skb)/.test(section)) program.attach({ targetFd: loaded.maps['sockets']?.fd ?? -1 });
    else if (section === 'sk_reuseport') kernel.bpf.offerToSockets(program.handle.fd);
  }
}

/** Flags and text. Whether another task wants the CPU (N) is the real machine's affair. */
const lines = (trace: string): string[] =>
  trace
    .split('\n')
    .filter((line) => line.includes('bpf_trace_printk: '))
    .map((line) => line.replace(/^.*\[000\] (.)[.N](\S+) .*?bpf_trace_printk: (.*)$/, '$1.$2 $3'));

const engines = first(1, ['jit', 'step', 'interp'] as const);
const cases = engines.flatMap((engine) => Object.entries(RUNS).map(([name, run]) => [name, engine, run] as const));

it.each(cases)(
  '%s over lo: events, arguments, order, flags and verdicts (%s)',
  async (run, engine, { attached, recording }) => {
    const kernel = await Kernel.boot({ engine });
    for (const name of attached) attachAll(kernel, BpfObject.open(readFileSync(at(`${name}.bpf.o`))).load(kernel));
    const { trace } = readStrace(readFileSync(at(`${recording ?? run}.strace`), 'utf8'));
    expect(await kernel.replay(trace)).toMatchObject({ oopses: [], stopped: undefined });
    const expected = lines(readFileSync(at(`${run}.trace`), 'utf8'));
    expect(expected.length).toBeGreaterThan(2);
    expect(lines(kernel.tracePipe.read())).toEqual(expected);
  },
);
