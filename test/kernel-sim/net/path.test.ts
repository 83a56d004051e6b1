/** A datagram that a recording sends over lo: one buffer walks the functions that Linux's walks, and softirq is seen. */
import { describe, expect, it } from 'vitest';
import { flagsColumn } from '../../../kernel-sim/core/context.ts';
import { Kernel } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';

const SOCKETS = `7 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3
7 bind(3, {sa_family=AF_INET, sin_port=htons(7777), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 4
`;
const send = (port: number): string =>
  `7 sendto(4, "hello", 5, 0, {sa_family=AF_INET, sin_port=htons(${port}), sin_addr=inet_addr("127.0.0.1")}, 16) = 5\n`;

/** registers in which functions have the buffer */
const OUT = { ip_send_skb: 'si', ip_local_out: 'dx', ip_output: 'dx', __dev_queue_xmit: 'di', loopback_xmit: 'di' };
const IN = { __netif_receive_skb: 'di', ip_rcv: 'di', ip_local_deliver: 'di', udp_rcv: 'di' };

async function walk(recording: string) {
  const k = await Kernel.boot({ engine: 'step' });
  const skb = k.structs.of('sk_buff');
  const regs = k.structs.of('pt_regs');
  const seen: { where: string; skb: number; len: number; flags: string }[] = [];
  const { context } = k;
  const note = (where: string, at: number, len: number): void => {
    const { preemptCount, migrationDisabled, irqsOff } = context;
    seen.push({
      where,
      skb: at,
      len,
      flags: flagsColumn({ preemptCount, migrationDisabled, irqsOff, needResched: false }),
    });
  };
  for (const [symbol, reg] of Object.entries({
    ...OUT,
    ...IN,
    sk_skb_reason_drop: 'si',
    consume_skb: 'di',
    icmp_rcv: 'di',
  }))
    k.probes.kprobe(
      program(k, symbol, () => {
        const at = k.memory.readAddr(k.args.addr(0) + regs.offset(reg));
        note(symbol, at, k.memory.readU32(at + skb.offset('len')));
      }),
      { symbol },
    );
  for (const [category, event] of [
    ['net', 'net_dev_queue'],
    ['net', 'netif_receive_skb'],
    ['skb', 'kfree_skb'],
  ] as const)
    k.probes.tracepoint(
      program(k, event, () => {
        const at = k.args.addr(0);
        note(
          event,
          k.memory.readAddr(at + 8),
          event === 'kfree_skb' ? k.memory.readU32(at + 36) : k.memory.readU32(at + 16),
        );
      }),
      category,
      event,
    );
  const frames: string[] = [];
  k.net.events.add(({ what, frame }) => void frames.push(`${what} ${Buffer.from(frame).toString('hex')}`));
  const result = await k.replay(readStrace(recording).trace);
  expect(result).toMatchObject({ oopses: [], stopped: undefined });
  expect(k.context.preemptCount).toBe(0);
  return { seen, frames, live: k.net.skbs.live };
}

describe('a datagram over lo', () => {
  it('is one buffer from udp_sendmsg to the socket, and gone when it was read', async () => {
    const { seen, live } = await walk(`${SOCKETS}${send(7777)}7 recvfrom(3, "hello", 100, 0, NULL, NULL) = 5\n`);
    expect(seen.map(({ where, len }) => `${where} ${len}`)).toEqual([
      'ip_send_skb 33',
      'ip_local_out 33',
      'ip_output 33',
      '__dev_queue_xmit 47',
      'net_dev_queue 47',
      'loopback_xmit 47',
      '__netif_receive_skb 33',
      'netif_receive_skb 33',
      'ip_rcv 33',
      'ip_local_deliver 33',
      'udp_rcv 13',
      'consume_skb 13',
    ]);
    expect(new Set(seen.map(({ skb }) => skb)).size).toBe(1);
    const softirq = seen.filter(({ flags }) => flags[2] === 's').map(({ where }) => where);
    expect(softirq).toEqual(['__netif_receive_skb', 'netif_receive_skb', 'ip_rcv', 'ip_local_deliver', 'udp_rcv']);
    expect(live).toBe(0);
  });

  it('to a port that nobody has is dropped with NO_SOCKET, and ICMP says so', async () => {
    const { seen, frames, live } = await walk(`${SOCKETS}${send(9)}`);
    const ends = seen.filter(({ where }) => /kfree_skb|consume_skb|icmp_rcv/.test(where));
    // SKB_DROP_REASON_NO_SOCKET is 3
    expect(ends.map(({ where, len }) => `${where} ${len}`)).toEqual(['kfree_skb 3', 'icmp_rcv 41', 'consume_skb 41']);
    expect(frames).toHaveLength(2);
    // IPv4, ICMP: type 3, code 3, and behind it the datagram's header
    expect(frames[1]).toMatch(
      /^sent 0{24}080045c0003d....00004001....7f0000017f0000010303....0{8}450000210000400040113cca/,
    );
    expect(live).toBe(0);
  });
});
