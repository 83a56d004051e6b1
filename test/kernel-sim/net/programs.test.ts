/** Programs on a packet's way: XDP, tc, netfilter and socket filters, with what a recording sends over lo, and what arrives at devices. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Kernel, type NetDevice } from '../../../kernel-sim/index.ts';
import { ipHeader, udpHeader } from '../../../kernel-sim/net/inet.ts';
import { insn, writeInsns } from '../../../src/isa/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../../../fixtures/worlds/${name}`, import.meta.url));
const send = (fd: number, port: number): string =>
  `7 sendto(${fd}, "hello", 5, 0, {sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("127.0.0.1")}, 16) = 5\n`;
const RECORDING = `7 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(7777), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 4
${[7777, 9, 11].map((port) => send(4, port)).join('')}`;

/** A datagram as a frame, from 10.0.0.1 to 10.0.0.2. */
function frame(dport: number): Uint8Array {
  const flow = { saddr: Uint8Array.of(10, 0, 0, 1), daddr: Uint8Array.of(10, 0, 0, 2), sport: 1000, dport };
  const payload = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const ethernet = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
  return Uint8Array.from([...ethernet, ...ipHeader(flow, 17, 16, 1), ...udpHeader(flow, 8), ...payload]);
}
/** `return n` */
const returns = (n: number): Uint8Array => writeInsns([insn(0xb7, 0, 0, 0, n), insn(0x95, 0, 0, 0, 0)]);

let k: Kernel;
let became: string[];
beforeEach(async () => {
  k = await Kernel.boot({ engine: 'step' });
  became = [];
  k.net.events.add(
    ({ what, device, by }) => void became.push(`${what} ${device?.name}${by === undefined ? '' : ` ${by}`}`),
  );
});
const lines = (): string[] =>
  k.tracePipe
    .read()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^.*?\[000\] (\S+) .*bpf_trace_printk: /, '$1 '));
async function replay(object: string, ifindex = 1): Promise<string[]> {
  BpfObject.open(fixture(object)).load(k).attach({ ifindex });
  expect(await k.replay(readStrace(RECORDING).trace)).toMatchObject({ oopses: [], stopped: undefined });
  return lines();
}

describe('on lo, what a recording sends', () => {
  it('meets XDP in generic mode: drop, abort with its exception, pass', async () => {
    expect(await replay('xdp_port.bpf.o')).toEqual([
      '..s21 xdp port 7777 bytes 47 ifindex 1',
      '..s31 ip_rcv len 33',
      '..s21 xdp port 9 bytes 47 ifindex 1',
      '..s21 xdp port 11 bytes 47 ifindex 1',
      '..s32 xdp_exception action 0 ifindex 1',
    ]);
    expect(became.filter((line) => line.startsWith('dropped'))).toEqual(['dropped lo XDP', 'dropped lo XDP']);
  });
  it('meets tc behind XDP, with the metadata and the port that XDP has written', async () => {
    const seen = await replay('xdp_rewrite.bpf.o');
    expect(seen.filter((line) => line.includes(' port ')).map((line) => line.slice(6))).toEqual([
      'port 7777 was 7777',
      'port 7777 was 9',
      'port 11 was 11',
    ]);
    // what was for port 9 arrived at the socket of port 7777
    expect(seen.filter((line) => line.includes('udp_queue_rcv_skb'))).toHaveLength(2);
  });
  it('is shot by tc with the reason TC_INGRESS', async () => {
    const seen = await replay('tc_port.bpf.o');
    expect(seen.map((line) => line.slice(6))).toContain('kfree_skb reason 63');
    expect(became).toContain('dropped lo TC_INGRESS');
  });
  it('meets tcx programs in the order that they asked for, until one has a verdict', async () => {
    const load = (n: number) => k.bpf.progLoad({ type: 'sched_cls', insns: returns(n), license: 'GPL' });
    const [next, shot, ok] = [load(-1), load(2), load(0)];
    k.bpf.linkCreate({ prog: shot, attachType: 'tcx_ingress', target: 1 });
    k.bpf.linkCreate({ prog: next, attachType: 'tcx_ingress', target: 1, flags: 8 });
    const link = k.bpf.linkCreate({
      prog: ok,
      attachType: 'tcx_ingress',
      target: 1,
      flags: 8,
      relative: { fdOrId: shot.fd },
    });
    await k.replay(readStrace(RECORDING).trace);
    expect(became.some((line) => line.startsWith('dropped'))).toBe(false);
    link.detach();
    await k.replay(readStrace(RECORDING).trace);
    expect(became.filter((line) => line === 'dropped lo TC_INGRESS')).toHaveLength(3);
  });
  it('is dropped at a hook of netfilter', async () => {
    const prog = k.bpf.progLoad({
      type: 'netfilter',
      expectedAttachType: 'netfilter',
      insns: returns(0),
      license: 'GPL',
    });
    k.bpf.linkCreate({ prog, attachType: 'netfilter', netfilter: { pf: 2, hooknum: 3, priority: 1 } });
    await k.replay(readStrace(RECORDING).trace);
    expect(became).toEqual(['dropped lo NF_LOCAL_OUT', 'dropped lo NF_LOCAL_OUT', 'dropped lo NF_LOCAL_OUT']);
    expect(k.net.skbs.live).toBe(0);
  });
});

describe('what arrives at a device', () => {
  let eth0: NetDevice;
  beforeEach(() => {
    eth0 = k.net.devices.add('eth0', { addresses: ['10.0.0.2/24'] });
  });
  const xdp = (insns: Uint8Array, on = eth0.index): void => {
    const prog = k.bpf.progLoad({ type: 'xdp', expectedAttachType: 'xdp', insns, license: 'GPL' });
    k.bpf.linkCreate({ prog, attachType: 'xdp', target: on });
  };
  it('is sent back by XDP_TX as it came', () => {
    xdp(returns(3));
    const sent: Uint8Array[] = [];
    k.net.events.add((event) => void sent.push(event.frame));
    k.net.inject(eth0, [frame(9)]);
    expect(became).toEqual(['sent eth0']);
    expect(sent[0]?.slice(0, 40)).toEqual(frame(9).slice(0, 40));
  });
  it('is redirected to where bpf_redirect says, and over a pair of veth to the other end', () => {
    const veth0 = k.net.devices.addVeth('veth0', 'veth1');
    // r1 = ifindex; r2 = 0; call bpf_redirect; exit
    const to = [
      insn(0xb7, 1, 0, 0, veth0.index),
      insn(0xb7, 2, 0, 0, 0),
      insn(0x85, 0, 0, 0, 23),
      insn(0x95, 0, 0, 0, 0),
    ];
    xdp(writeInsns(to));
    xdp(returns(1), veth0.peer?.index);
    k.net.inject(eth0, [frame(9), frame(10)]);
    expect(became).toEqual(['sent veth0', 'sent veth0', 'dropped veth1 XDP', 'dropped veth1 XDP']);
  });
  it('is refused a second program, another mode, hardware, and a device that is not there', () => {
    xdp(returns(2));
    const prog = k.bpf.progLoad({ type: 'xdp', expectedAttachType: 'xdp', insns: returns(2), license: 'GPL' });
    const attach =
      (target: number, flags = 0) =>
      () =>
        k.bpf.linkCreate({ prog, attachType: 'xdp', target, flags });
    expect(attach(eth0.index)).toThrow(/EBUSY/);
    expect(attach(eth0.index, 2)).toThrow(/EEXIST/);
    expect(attach(eth0.index, 8)).toThrow(/EOPNOTSUPP/);
    expect(attach(1, 4)).toThrow(/EOPNOTSUPP/);
    expect(attach(99)).toThrow(/E(INVAL|NODEV)/);
  });
  it('leaves no buffer behind, however many arrive', () => {
    for (let n = 0; n < 20; n++)
      k.net.inject(
        eth0,
        Array.from({ length: 100 }, () => frame(9)),
      );
    expect(k.net.skbs.live).toBe(0);
    expect(eth0.stats.rxPackets).toBeGreaterThanOrEqual(2000);
  });
});
