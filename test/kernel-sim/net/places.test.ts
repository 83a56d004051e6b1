/** Programs on a packet's way whose places netlink gives: classifiers, routes; pairs of netkit, and the flow dissector. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { ipHeader, udpHeader } from '../../../kernel-sim/net/inet.ts';
import { insn, writeInsns } from '../../../src/isa/index.ts';
import { readStrace } from '../../../src/replay/index.ts';

const PORTS = [7777, 9, 11];
const send = (port: number): string =>
  `7 sendto(4, "hello", 5, 0, {sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("127.0.0.1")}, 16) = 5\n`;
/** three datagrams over lo */
const RECORDING = `7 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 4\n${PORTS.map(send).join('')}`;
const EXIT = insn(0x95, 0, 0, 0, 0);
/** `return n` */
const returns = (n: number): Uint8Array => writeInsns([insn(0xb7, 0, 0, 0, n), EXIT]);

let k: Kernel;
let became: string[];
beforeEach(async () => {
  k = await Kernel.boot({ engine: 'step' });
  became = [];
  k.net.events.add(({ what, device, by }) => void became.push(`${what} ${device?.name} ${by ?? ''}`.trimEnd()));
});
const load = (type: string, insns: Uint8Array, expectedAttachType?: string) =>
  k.bpf.progLoad({ type, insns, license: 'GPL', ...(expectedAttachType === undefined ? {} : { expectedAttachType }) });
async function replay(): Promise<readonly string[]> {
  became.length = 0;
  expect(await k.replay(readStrace(RECORDING).trace)).toMatchObject({ oopses: [], stopped: undefined });
  expect(k.net.skbs.live).toBe(0);
  return became.filter((line) => line.startsWith('dropped') && !line.endsWith('NO_SOCKET'));
}
const thrice = (line: string): readonly string[] => PORTS.map(() => line);

describe('filters of cls_bpf', () => {
  const filter = (verdict: number, options: { priority?: number; directAction?: boolean; egress?: boolean } = {}) =>
    k.bpf.tcAttach({ prog: load('sched_cls', returns(verdict)), ifindex: 1, ...options });
  it('are asked by priority, until one has a verdict', async () => {
    filter(2, { priority: 3 });
    const ok = filter(0, { priority: 2 });
    filter(-1, { priority: 1 });
    expect(await replay()).toEqual([]);
    ok.detach();
    expect(await replay()).toEqual(thrice('dropped lo TC_INGRESS'));
  });
  it('see what leaves, too', async () => {
    filter(2, { egress: true });
    expect(await replay()).toEqual(thrice('dropped lo TC_EGRESS'));
  });
  it('without direct action match, and let pass what they match', async () => {
    filter(2, { priority: 2 });
    filter(-1, { priority: 1, directAction: false });
    expect(await replay()).toEqual([]);
  });
  it('are behind tcx: a verdict there is the last word', async () => {
    filter(2);
    expect(await replay()).toEqual(thrice('dropped lo TC_INGRESS'));
    k.bpf.linkCreate({ prog: load('sched_cls', returns(0)), attachType: 'tcx_ingress', target: 1 });
    expect(await replay()).toEqual([]);
  });
  it('take a packet without a drop (TC_ACT_STOLEN)', async () => {
    filter(4);
    expect(await replay()).toEqual([]);
  });
  it('have a place each', () => {
    const one = filter(0, { priority: 5 });
    expect([one.priority, one.handle]).toEqual([5, 1]);
    const asked = { prog: load('sched_cls', returns(0)), ifindex: 1, priority: 5, handle: 1 };
    expect(() => k.bpf.tcAttach(asked)).toThrow(/EEXIST/);
    expect(() => k.bpf.tcAttach({ ...asked, ifindex: 9 })).toThrow(/ENODEV/);
    expect(() => k.bpf.tcAttach({ ...asked, prog: load('xdp', returns(2)) })).toThrow(/EINVAL.*no classifier/);
    one.detach();
    one.detach();
    expect(k.bpf.tcAttach(asked).handle).toBe(1);
  });
});

describe('programs on a route', () => {
  it.each(['lwt_in', 'lwt_out', 'lwt_xmit'])('%s drops what the route is for, and only that', async (type) => {
    const end = k.bpf.routeEncap({ prog: load(type, returns(2)), to: '127.0.0.0/8' });
    expect(await replay()).toHaveLength(3);
    end();
    k.bpf.routeEncap({ prog: load(type, returns(2)), to: '10.0.0.0/8' });
    expect(await replay()).toEqual([]);
  });
  it('is refused where it is none of theirs', () => {
    expect(() => k.bpf.routeEncap({ prog: load('lwt_in', returns(0)), to: '10.0.0.0/8', hook: 'xmit' })).toThrow(
      /EINVAL/,
    );
    expect(() => k.bpf.routeEncap({ prog: load('lwt_in', returns(0)), to: 'nowhere' })).toThrow(/EINVAL/);
  });
});

describe('a pair of netkit', () => {
  const flow = { saddr: Uint8Array.of(10, 0, 0, 1), daddr: Uint8Array.of(10, 0, 0, 2), sport: 1000, dport: 9 };
  const frame = Uint8Array.from([
    ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0],
    ...ipHeader(flow, 17, 16, 1),
    ...udpHeader(flow, 8),
    ...new Uint8Array(8),
  ]);
  /** what arrives at eth0 goes to the pair */
  function pair() {
    const eth0 = k.net.devices.add('eth0');
    const nk0 = k.net.devices.addNetkit('nk0', 'nk1');
    const to = [insn(0xb7, 1, 0, 0, nk0.index), insn(0xb7, 2, 0, 0, 0), insn(0x85, 0, 0, 0, 23), EXIT];
    k.bpf.linkCreate({ prog: load('sched_cls', writeInsns(to)), attachType: 'tcx_ingress', target: eth0.index });
    return { eth0, nk0 };
  }
  it('asks the programs of the end that sends', () => {
    const { eth0, nk0 } = pair();
    const link = k.bpf.linkCreate({
      prog: load('sched_cls', returns(2)),
      attachType: 'netkit_primary',
      target: nk0.index,
    });
    k.bpf.linkCreate({ prog: load('sched_cls', returns(0)), attachType: 'netkit_peer', target: nk0.index });
    k.net.inject(eth0, [frame]);
    expect(became.filter((line) => line.endsWith('NETKIT'))).toEqual(['dropped nk1 NETKIT']);
    link.detach();
    became.length = 0;
    k.net.inject(eth0, [frame]);
    expect(became.filter((line) => line.endsWith('NETKIT'))).toEqual([]);
    expect(k.net.skbs.live).toBe(0);
  });
  it('is named by its primary device', () => {
    const { nk0 } = pair();
    const prog = load('sched_cls', returns(0));
    const on = (target: number) => () => k.bpf.linkCreate({ prog, attachType: 'netkit_primary', target });
    expect(on(nk0.peer?.index ?? 0)).toThrow(/EACCES/);
    expect(on(1)).toThrow(/ENXIO/);
  });
});

describe('the flow dissector of a network namespace', () => {
  /** Counts packets by their hash: as many entries as hashes. */
  async function hashes(): Promise<number> {
    const map = k.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 8 });
    const count = [
      insn(0x85, 0, 0, 0, 34), // bpf_get_hash_recalc
      insn(0x63, 10, 0, -4, 0), // *(u32 *)(fp - 4) = r0
      ...[insn(0x18, 1, 1, 0, map.fd), insn(0, 0, 0, 0, 0)],
      ...[insn(0xbf, 2, 10, 0, 0), insn(0x07, 2, 0, 0, -4), insn(0xbf, 3, 2, 0, 0), insn(0xb7, 4, 0, 0, 0)],
      insn(0x85, 0, 0, 0, 2), // bpf_map_update_elem
      ...[insn(0xb7, 0, 0, 0, 0), EXIT],
    ];
    const link = k.bpf.linkCreate({ prog: load('sched_cls', writeInsns(count)), attachType: 'tcx_egress', target: 1 });
    await replay();
    link.detach();
    return [...map.entries()].length;
  }
  it('says what a packet’s flow is, or leaves it to the kernel', async () => {
    // one each, and one of the ICMP errors, which have no ports
    expect(await hashes()).toBe(PORTS.length + 1);
    const attach = (verdict: number) =>
      k.bpf.linkCreate({
        prog: load('flow_dissector', returns(verdict), 'flow_dissector'),
        attachType: 'flow_dissector',
        target: k.net.openNamespace(),
      });
    const link = attach(0);
    // it has found no addresses and no ports: all is one flow
    expect(await hashes()).toBe(1);
    expect(() => attach(0)).toThrow(/E2BIG/);
    link.detach();
    // BPF_FLOW_DISSECTOR_CONTINUE
    attach(129);
    expect(await hashes()).toBe(PORTS.length + 1);
  });
});
