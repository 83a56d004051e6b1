/** rtnetlink as its users speak it: what libbpf's bpf_xdp_attach, iproute2 and the C library send, and what Linux 6.12.117 answered to the same. */
import { describe, expect, it } from 'vitest';
import { NetlinkXdp } from '../../../kernel-sim/bpf/attach/xdp-netlink.ts';
import { Kernel } from '../../../kernel-sim/index.ts';
import {
  attribute,
  attributes,
  messages,
  nested,
  text,
  textOf,
  u32,
  u32Of,
} from '../../../kernel-sim/netlink/message.ts';
import { RouteSocket } from '../../../kernel-sim/netlink/route.ts';

const RTM = { NEWLINK: 16, GETLINK: 18, SETLINK: 19, NEWADDR: 20, GETADDR: 22, NEWROUTE: 24, GETQDISC: 38 } as const;
const F = { REQUEST: 1, ACK: 4, DUMP: 0x300, EXCL: 0x200, CREATE: 0x400 } as const;
const IFLA = { IFNAME: 3, MTU: 4, LINKINFO: 18, XDP: 43 } as const;
const XDP = { FD: 1, ATTACHED: 2, FLAGS: 3, PROG_ID: 4, EXPECTED_FD: 8 } as const;
const FLAG = { NOEXIST: 1, SKB: 2, DRV: 4, HW: 8, REPLACE: 16 } as const;
const PORT = 4242;
const PASS = 'b700000002000000 9500000000000000';

async function world() {
  const kernel = await Kernel.boot();
  const { devices, clsact } = kernel.net;
  const parts = { devices, clsact, find: (fd: number) => kernel.fds.find(fd), xdp: new NetlinkXdp(kernel.bpf.state) };
  const socket = new RouteSocket(parts);
  socket.extendedAck = true;
  const send = (type: number, flags: number, payload: Uint8Array): boolean => {
    const out = new Uint8Array(16 + payload.length);
    const view = new DataView(out.buffer);
    view.setUint32(0, out.length, true);
    view.setUint16(4, type, true);
    view.setUint16(6, flags | F.REQUEST, true);
    view.setUint32(8, 7, true);
    out.set(payload, 16);
    return socket.send(out, PORT, kernel.process);
  };
  const replies = () => {
    const all = [];
    for (let one = socket.receive(); one; one = socket.receive()) all.push(...messages(one));
    return all;
  };
  /** errno and the kernel's words */
  const acked = (): readonly [number, string | undefined] => {
    const [ack] = replies();
    if (ack?.type !== 2) throw new Error(`a message of type ${ack?.type}`);
    const view = new DataView(ack.payload.buffer, ack.payload.byteOffset);
    const capped = (ack.flags & 0x100) !== 0;
    const about = 4 + (capped ? 16 : (view.getUint32(4, true) + 3) & ~3);
    return [view.getInt32(0, true), textOf(attributes(ack.payload.subarray(about)).get(1))];
  };
  const xdp = (index: number, fd: number, flags: number, expected?: number): readonly [number, string | undefined] => {
    const more = expected === undefined ? [] : [u32(XDP.EXPECTED_FD, expected >>> 0)];
    send(RTM.SETLINK, F.ACK, link(index, nested(IFLA.XDP, u32(XDP.FD, fd >>> 0), u32(XDP.FLAGS, flags), ...more)));
    return acked();
  };
  const attached = (index: number): readonly [number, number | undefined] => {
    send(RTM.GETLINK, 0, link(index));
    const of = attributes(attributes((replies()[0] as { payload: Uint8Array }).payload.subarray(16)).get(IFLA.XDP)!);
    return [of.get(XDP.ATTACHED)![0] as number, u32Of(of.get(XDP.PROG_ID))];
  };
  const prog = (type: 'xdp' | 'sched_cls' = 'xdp') => kernel.bpf.progLoad({ type, insns: PASS, license: 'GPL' });
  return { kernel, send, replies, acked, xdp, attached, prog, socket };
}
/** `struct ifinfomsg` and attributes */
function link(index: number, ...more: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(16);
  new DataView(head.buffer).setInt32(4, index, true);
  return Buffer.concat([head, ...more]);
}

describe('devices', () => {
  it('a dump tells of each, and ends', async () => {
    const { kernel, send, replies } = await world();
    kernel.net.devices.addVeth('v0', 'v1');
    expect(send(RTM.GETLINK, F.DUMP, link(0))).toBe(true);
    const all = replies();
    expect(all.map(({ type, flags, seq, pid }) => [type, flags, seq, pid])).toEqual([
      [RTM.NEWLINK, 2, 7, PORT],
      [RTM.NEWLINK, 2, 7, PORT],
      [RTM.NEWLINK, 2, 7, PORT],
      [3, 2, 7, PORT],
    ]);
    expect(all.slice(0, 3).map(({ payload }) => textOf(attributes(payload.subarray(16)).get(IFLA.IFNAME)))).toEqual([
      'lo',
      'v0',
      'v1',
    ]);
    send(RTM.GETLINK, 0, link(9));
    expect(replies()[0]?.payload[0]).toBe(256 - 19); // -ENODEV
  });
  it('are made: a dummy, a pair of veth; of no other kind', async () => {
    const { kernel, send, acked } = await world();
    const make = (name: string, kind: string): readonly [number, string | undefined] => {
      send(
        RTM.NEWLINK,
        F.ACK | F.CREATE | F.EXCL,
        link(0, text(IFLA.IFNAME, name), nested(IFLA.LINKINFO, text(1, kind))),
      );
      return acked();
    };
    expect(make('d0', 'dummy')).toEqual([0, undefined]);
    expect(make('d0', 'dummy')).toEqual([-17, undefined]);
    expect(make('v0', 'veth')).toEqual([0, undefined]);
    expect(kernel.net.devices.named('v0')?.peer?.name).toBe('veth0');
    expect(make('b0', 'bridge')).toEqual([-95, 'Unknown device type']);
    // iproute2 asks so whether there is RTM_NEWLINK at all
    send(RTM.NEWLINK, F.ACK, link(0));
    expect(acked()[0]).toBe(-19);
    send(RTM.SETLINK, F.ACK, link(1, u32(IFLA.MTU, 1000)));
    expect(acked()[0]).toBe(-95);
    expect(kernel.net.devices.mtu(kernel.net.devices.lo)).toBe(65536);
  });
  it('addresses are told on a socket that asked for devices; a resolver’s question is the host’s', async () => {
    const { send, replies } = await world();
    expect(send(RTM.GETADDR, F.DUMP, Uint8Array.of(0))).toBe(false);
    send(RTM.GETLINK, F.DUMP, link(0));
    replies();
    expect(send(RTM.GETADDR, F.DUMP, Uint8Array.of(2))).toBe(true);
    const [address, done] = replies();
    expect(done?.type).toBe(3);
    expect([...attributes((address as { payload: Uint8Array }).payload.subarray(8)).get(1)!]).toEqual([127, 0, 0, 1]);
    expect(send(RTM.NEWROUTE, 0, new Uint8Array(12))).toBe(false);
  });
  it('what is cut off or broken is answered, or left to the host', async () => {
    const { send, socket, kernel, acked } = await world();
    expect(socket.send(Uint8Array.of(1, 2, 3), PORT, kernel.process)).toBe(false);
    send(RTM.SETLINK, F.ACK, new Uint8Array(3));
    expect(acked()[0]).toBe(-22);
    send(RTM.SETLINK, F.ACK, link(1, attribute(IFLA.XDP, Uint8Array.of(255, 0, 1, 0))));
    expect(acked()[0]).toBe(0);
  });
});

describe('XDP', () => {
  it('is put on a device, told of, replaced and taken off in the kernel’s words', async () => {
    const { xdp, attached, prog } = await world();
    const [one, other] = [prog(), prog()];
    expect(xdp(1, one.fd, FLAG.NOEXIST)).toEqual([0, undefined]);
    expect(attached(1)).toEqual([2, one.id]);
    expect(xdp(1, other.fd, FLAG.NOEXIST | FLAG.SKB)).toEqual([-16, 'XDP program already attached']);
    expect(xdp(1, other.fd, FLAG.REPLACE, other.fd)).toEqual([-17, 'Active program does not match expected']);
    expect(xdp(1, other.fd, FLAG.REPLACE, one.fd)).toEqual([0, undefined]);
    expect(attached(1)).toEqual([2, other.id]);
    expect(xdp(1, -1, FLAG.SKB)).toEqual([0, undefined]);
    expect(attached(1)).toEqual([0, undefined]);
  });
  it('is refused as the kernel refuses it', async () => {
    const { xdp, prog, kernel } = await world();
    const { fd } = prog();
    kernel.net.devices.addVeth('v0', 'v1');
    expect(xdp(1, fd, FLAG.DRV)).toEqual([-95, 'Underlying driver does not support XDP in native mode']);
    expect(xdp(1, fd, FLAG.DRV | FLAG.SKB)[0]).toBe(-22);
    expect(xdp(1, prog('sched_cls').fd, 0)[0]).toBe(-22);
    expect(xdp(1, 999, 0)[0]).toBe(-9);
    expect(xdp(7, fd, 0)[0]).toBe(-19);
    expect(xdp(2, fd, FLAG.SKB)[0]).toBe(0);
    expect(xdp(2, fd, FLAG.DRV)).toEqual([-17, "Native and generic XDP can't be active at the same time"]);
    kernel.bpf.linkCreate({ prog: fd, target: 3, attachType: 'xdp' });
    expect(xdp(3, fd, 0)).toEqual([-16, "Can't replace active BPF XDP link"]);
  });
  it('runs for packets, and stays when its descriptor is closed', async () => {
    const { xdp, kernel } = await world();
    const drop = kernel.bpf.progLoad({ type: 'xdp', insns: 'b700000001000000 9500000000000000', license: 'GPL' });
    const dummy = kernel.net.devices.add('d0', { kind: 'dummy' });
    xdp(dummy.index, drop.fd, FLAG.SKB);
    kernel.fds.close(drop.fd);
    const seen: string[] = [];
    kernel.net.events.add((event) => seen.push(`${event.what} ${event.by}`));
    kernel.net.inject(dummy, [new Uint8Array(64)]);
    expect(seen).toEqual(['dropped XDP']);
  });
});

describe('tc', () => {
  const RTM = { NEWQDISC: 36, DELQDISC: 37, GETQDISC: 38, NEWTFILTER: 44, DELTFILTER: 45, GETTFILTER: 46 } as const;
  const [CLSACT, INGRESS, EGRESS] = [0xffff_fff1, 0xffff_fff2, 0xffff_fff3];
  const [REPLACE, ECHO] = [0x100, 8];
  const BPF = { FD: 6, NAME: 7, FLAGS: 8, ID: 11 } as const;
  function tcm(parent: number, priority: number, handle: number, ...more: readonly Uint8Array[]): Uint8Array {
    const head = new DataView(new ArrayBuffer(20));
    head.setInt32(4, 1, true);
    head.setUint32(8, handle, true);
    head.setUint32(12, parent, true);
    // ETH_P_ALL in the network's order
    head.setUint32(16, ((priority << 16) | 0x0300) >>> 0, true);
    return Buffer.concat([new Uint8Array(head.buffer), ...more]);
  }
  const bpf = (fd: number): Uint8Array[] => [
    text(1, 'bpf'),
    nested(2, u32(BPF.FD, fd), text(BPF.NAME, 'mine'), u32(BPF.FLAGS, 1)),
  ];
  /** priority, handle, and the program's id where it is a filter and no classifier */
  const shown = ({ payload }: { readonly payload: Uint8Array }) => {
    const view = new DataView(payload.buffer, payload.byteOffset);
    const options = attributes(payload.subarray(20)).get(2);
    return [
      view.getUint32(16, true) >>> 16,
      view.getUint32(8, true),
      options && u32Of(attributes(options).get(BPF.ID)),
    ];
  };

  it('clsact is put on a device once, and taken off in the kernel’s words', async () => {
    const { send, acked, replies } = await world();
    send(RTM.NEWTFILTER, F.ACK | F.CREATE, tcm(INGRESS, 0, 0, text(1, 'bpf')));
    expect(acked()).toEqual([-22, "Parent Qdisc doesn't exists"]);
    send(RTM.NEWQDISC, F.ACK | F.CREATE | F.EXCL, tcm(CLSACT, 0, 0xffff_0000, text(1, 'clsact')));
    expect(acked()[0]).toBe(0);
    send(RTM.NEWQDISC, F.ACK | F.CREATE | F.EXCL, tcm(CLSACT, 0, 0xffff_0000, text(1, 'clsact')));
    expect(acked()).toEqual([-17, 'Exclusivity flag on, cannot modify']);
    send(RTM.GETQDISC, F.DUMP, tcm(0, 0, 0));
    expect(
      replies().map(({ type, payload }) => type === 36 && textOf(attributes(payload.subarray(20)).get(1))),
    ).toEqual(['noqueue', 'clsact', false]);
    send(RTM.DELQDISC, F.ACK, tcm(CLSACT, 0, 0xffff_0000));
    expect(acked()[0]).toBe(0);
    send(RTM.DELQDISC, F.ACK, tcm(CLSACT, 0, 0xffff_0000));
    expect(acked()).toEqual([-22, 'Invalid handle']);
  });
  it('a filter gets a priority and a handle, is told of, replaced and deleted', async () => {
    const { send, acked, replies, prog } = await world();
    const [one, other] = [prog('sched_cls'), prog('sched_cls')];
    send(RTM.NEWQDISC, F.ACK | F.CREATE, tcm(CLSACT, 0, 0xffff_0000, text(1, 'clsact')));
    replies();
    send(RTM.NEWTFILTER, F.ACK | F.CREATE | F.EXCL | ECHO, tcm(EGRESS, 0, 0, ...bpf(one.fd)));
    expect(shown(replies()[0] as { payload: Uint8Array })).toEqual([49152, 1, one.id]);
    send(RTM.GETTFILTER, F.DUMP, tcm(EGRESS, 0, 0));
    expect(replies().slice(0, 2).map(shown)).toEqual([
      [49152, 0, undefined],
      [49152, 1, one.id],
    ]);
    send(RTM.NEWTFILTER, F.ACK | F.CREATE | F.EXCL, tcm(EGRESS, 49152, 1, ...bpf(other.fd)));
    expect(acked()).toEqual([-17, 'Filter already exists']);
    send(RTM.NEWTFILTER, F.ACK | F.CREATE | REPLACE, tcm(EGRESS, 49152, 1, ...bpf(other.fd)));
    expect(acked()[0]).toBe(0);
    send(RTM.GETTFILTER, 0, tcm(EGRESS, 49152, 1));
    expect(shown(replies()[0] as { payload: Uint8Array })).toEqual([49152, 1, other.id]);
    send(RTM.NEWTFILTER, F.ACK | F.CREATE, tcm(EGRESS, 0, 0, ...bpf(prog('xdp').fd)));
    expect(acked()[0]).toBe(-22);
    send(RTM.DELTFILTER, F.ACK, tcm(EGRESS, 7, 1));
    expect(acked()).toEqual([-2, 'Filter with specified priority/protocol not found']);
    send(RTM.DELTFILTER, F.ACK, tcm(EGRESS, 0, 0));
    expect(acked()[0]).toBe(0);
    send(RTM.GETTFILTER, F.DUMP, tcm(EGRESS, 0, 0));
    expect(replies().length).toBe(1);
  });
});
