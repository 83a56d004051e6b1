/** Test runs of programs on socket buffers: `bpf_prog_test_run_skb` of Linux 6.12's net/bpf/test_run.c. */
import type { Addr } from '../../src/machine/addr.ts';
import { BPF_PROG_TYPE as P } from '../../src/uapi/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { TestRunOptions, TestSetup } from '../bpf/prog/test-run.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { PAGE_SIZE as PAGE } from '../core/layout.ts';
import { ETH_HLEN, SHARED_INFO, SKB_HEADROOM, swap16 } from '../net/packet.ts';
import { loopback, structSize } from './packet.ts';
import type { Runner } from './runner.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';
/** sizeof(struct __sk_buff) */
const CTX_SIZE = 192;
/** BPF_F_TEST_SKB_CHECKSUM_COMPLETE */
const CHECKSUM_COMPLETE = 4;

const invalid = (what: string): never => {
  throw new BpfError(COMMAND, 'EINVAL', what);
};

/** Types whose packets begin with the Ethernet header. */
const isL2 = (type: number): boolean => type === P.SCHED_CLS || type === P.SCHED_ACT;

/** Offsets in struct __sk_buff, include/uapi/linux/bpf.h. */
const CTX = {
  mark: 8,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  cb: 48,
  tstamp: 152,
  wire_len: 160,
  gso_segs: 164,
  gso_size: 176,
  hwtstamp: 184,
};
/** Byte ranges of __sk_buff that may be set. */
const SETTABLE: readonly (readonly [number, number])[] = [
  [CTX.mark, 12],
  [CTX.priority, 44],
  [CTX.cb, 68],
  [CTX.tstamp, 168],
  [CTX.gso_size, 180],
  [CTX.hwtstamp, 192],
];

/**
 * The packet that lib/test_bpf.c runs filters on; programs that did not go through the verifier get it, whatever
 * the length of their data, as there is no protocol in what they parse.
 */
const TEST_BPF = { type: 3, mark: 0x1234aaaa, hash: 0x1234aaab, queue: 123, vlan: 0xffff, ifindex: 577, devType: 588 };

export function runSkb(runner: Runner, o: TestRunOptions): TestSetup {
  if ((o.flags ?? 0) & ~CHECKSUM_COMPLETE || o.cpu) invalid('unknown flags');
  const { state, prog } = runner;
  const { host } = state;
  const bare = !prog.init.verified;
  const data = o.dataIn ?? new Uint8Array(0);
  const room = PAGE - SKB_HEADROOM - SHARED_INFO;
  if (!bare && (data.length < ETH_HLEN || data.length > room))
    invalid(`${data.length} bytes of packet: from ${ETH_HLEN} to ${room}`);
  const ctx = bare ? undefined : readCtx(o.ctxIn, CTX_SIZE);
  const aligned = Math.ceil(data.length / 64) * 64;
  const head = host.kmalloc(SKB_HEADROOM + aligned + SHARED_INFO);
  const skbAt = host.kmalloc(structSize(state, 'sk_buff'));
  const skb = new GuestStruct(state.kernel, 'sk_buff', skbAt);
  const sk = host.kmalloc(structSize(state, 'sock'));
  const dev = bare ? loopback(state, TEST_BPF.ifindex, TEST_BPF.devType) : loopback(state);
  const release = (): void => {
    for (const at of [skb.get('head'), skbAt, sk, dev.at]) host.kfree(at);
  };
  try {
    host.memory.writeBytes(head + SKB_HEADROOM, data);
    const start = head + SKB_HEADROOM;
    skb.set('head', head).set('data', start).set('len', data.length).set('dev', dev.at).set('sk', sk);
    skb.set('tail', SKB_HEADROOM + data.length).set('end', SKB_HEADROOM + aligned);
    skb.set('truesize', SKB_HEADROOM + aligned + SHARED_INFO);
    skb.set('mac_header', SKB_HEADROOM).set('transport_header', 0xffff);
    if (bare) {
      setTestBpf(skb, data.length);
    } else {
      const protocol = ethType(data);
      skb
        .set('protocol', protocol)
        .set('network_header', SKB_HEADROOM + ETH_HLEN)
        .set('pkt_type', packetType(data));
      if (!isL2(prog.type)) pull(skb, ETH_HLEN);
      checkHeader(swap16(protocol), data.length - ETH_HLEN);
      setAddresses(runner, sk, swap16(protocol), start + ETH_HLEN, data.length - ETH_HLEN);
      if (ctx !== undefined) applyCtx(runner, skb, ctx);
      setDataPointers(runner, skb);
    }
    return {
      calls: runner.onContext(skbAt),
      as: 'atomic',
      collect: () => {
        if (!bare && !isL2(prog.type)) pushHeader(runner, skb);
        const out = host.memory.readBytes(skb.get('data'), skb.get('len') - skb.get('data_len'));
        return runner.result(out, ctx === undefined ? new Uint8Array(0) : ctxOut(runner, skb, ctx));
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function setTestBpf(skb: GuestStruct, length: number): void {
  skb.set('pkt_type', TEST_BPF.type).set('mark', TEST_BPF.mark).set('hash', TEST_BPF.hash);
  skb.set('queue_mapping', TEST_BPF.queue).set('protocol', swap16(0x0800));
  skb.set('vlan_tci', TEST_BPF.vlan).set('vlan_proto', swap16(0x0800));
  skb.set('network_header', SKB_HEADROOM + Math.min(length, ETH_HLEN));
}

/** Copies and pads what user space gave. @throws BpfError E2BIG where bytes beyond the structure are not zero */
export function readCtx(given: Uint8Array | undefined, size: number): Uint8Array | undefined {
  if (given === undefined) return undefined;
  if (given.subarray(size).some((b) => b !== 0))
    throw new BpfError(COMMAND, 'E2BIG', `the context has ${given.length} bytes, ${size} mean something`);
  const out = new Uint8Array(size);
  out.set(given.subarray(0, size));
  return out;
}

const ethType = (data: Uint8Array): number => {
  const proto = ((data[12] ?? 0) << 8) | (data[13] ?? 0);
  // eth_type_trans: below 1536 it is a length; a frame that starts with ffff is raw IPX
  if (proto >= 1536) return swap16(proto);
  return swap16(data[14] === 0xff && data[15] === 0xff ? 0x0001 : 0x0004);
};

/** PACKET_HOST, PACKET_MULTICAST or PACKET_OTHERHOST: the loopback device's own address and its broadcast address are all zeroes. */
function packetType(data: Uint8Array): number {
  const to = data.subarray(0, 6);
  if (to.every((b) => b === 0)) return 0;
  return (to[0] ?? 0) & 1 ? 2 : 3;
}

function pull(skb: GuestStruct, bytes: number): void {
  skb.set('data', skb.get('data') + bytes).set('len', skb.get('len') - bytes);
}

/** The header's room comes back, zeroed: `__skb_push` of the hardware header. */
function pushHeader(runner: Runner, skb: GuestStruct): void {
  const at = skb.get('data') - ETH_HLEN;
  runner.state.host.memory.fillBytes(at, 0, ETH_HLEN);
  skb.set('data', at).set('len', skb.get('len') + ETH_HLEN);
}

/** IP packets that end in their header are refused. */
function checkHeader(protocol: number, length: number): void {
  const least = protocol === 0x0800 ? 20 : protocol === 0x86dd ? 40 : 0;
  if (length < least) invalid(`${length} bytes behind the Ethernet header: an IP header has ${least}`);
}

function setAddresses(runner: Runner, sk: Addr, protocol: number, network: Addr, length: number): void {
  const { memory } = runner.state.host;
  const sock = new GuestStruct(runner.state.kernel, 'sock', sk);
  if (protocol === 0x0800 && length >= 20) {
    sock.set('__sk_common.skc_family', 2);
    sock
      .set('__sk_common.skc_rcv_saddr', memory.readU32(network + 12))
      .set('__sk_common.skc_daddr', memory.readU32(network + 16));
  } else if (protocol === 0x86dd && length >= 40) {
    sock.set('__sk_common.skc_family', 10);
    memory.writeBytes(sock.addressOf('__sk_common.skc_v6_rcv_saddr'), memory.readBytes(network + 8, 16));
    memory.writeBytes(sock.addressOf('__sk_common.skc_v6_daddr'), memory.readBytes(network + 24, 16));
  }
}

/** `bpf_compute_data_pointers`: what direct packet access reads. */
export function setDataPointers(runner: Runner, skb: GuestStruct): void {
  const end = new GuestStruct(runner.state.kernel, 'bpf_skb_data_end', skb.addressOf('cb'));
  const data = skb.get('data');
  end.set('data_meta', data).set('data_end', data + skb.get('len') - skb.get('data_len'));
}

/** `convert___skb_to_skb` */
function applyCtx(runner: Runner, skb: GuestStruct, ctx: Uint8Array): void {
  const view = new DataView(ctx.buffer);
  const settable = (at: number): boolean => SETTABLE.some(([from, to]) => at >= from && at < to);
  if (ctx.some((b, at) => b !== 0 && !settable(at))) invalid('the context sets a field that a test run does not take');
  const ifindex = view.getUint32(CTX.ifindex, true);
  if (ifindex > 1) throw new BpfError(COMMAND, 'ENODEV', `no network device ${ifindex}`);
  skb.set('mark', view.getUint32(CTX.mark, true)).set('priority', view.getUint32(CTX.priority, true));
  skb.set('skb_iif', view.getUint32(CTX.ingress_ifindex, true)).setBig('tstamp', view.getBigUint64(CTX.tstamp, true));
  const { memory } = runner.state.host;
  memory.writeBytes(skb.addressOf('cb') + cbData(runner), ctx.subarray(CTX.cb, CTX.cb + 20));
  const wire = view.getUint32(CTX.wire_len, true);
  if (wire !== 0 && (wire < skb.get('len') || wire > 65536 + 200)) invalid(`a wire_len of ${wire}`);
  const cb = new GuestStruct(runner.state.kernel, 'qdisc_skb_cb', skb.addressOf('cb'));
  if (cb.has('pkt_len')) cb.set('pkt_len', wire || skb.get('len'));
  if (view.getUint32(CTX.gso_segs, true) > 65535) invalid('too many gso_segs');
}

/** Where __sk_buff's cb lies in sk_buff's: behind struct qdisc_skb_cb's own fields. */
const cbData = (runner: Runner): number => {
  const cb = new GuestStruct(runner.state.kernel, 'qdisc_skb_cb', 0);
  return cb.has('data') ? cb.addressOf('data') : 8;
};

/** `convert_skb_to___skb` */
function ctxOut(runner: Runner, skb: GuestStruct, ctx: Uint8Array): Uint8Array {
  const out = ctx.slice();
  const view = new DataView(out.buffer);
  view.setUint32(CTX.mark, skb.get('mark'), true);
  view.setUint32(CTX.priority, skb.get('priority'), true);
  view.setUint32(CTX.ingress_ifindex, skb.get('skb_iif'), true);
  view.setUint32(CTX.ifindex, 1, true);
  view.setBigUint64(CTX.tstamp, skb.getBig('tstamp'), true);
  out.set(runner.state.host.memory.readBytes(skb.addressOf('cb') + cbData(runner), 20), CTX.cb);
  const cb = new GuestStruct(runner.state.kernel, 'qdisc_skb_cb', skb.addressOf('cb'));
  if (cb.has('pkt_len')) view.setUint32(CTX.wire_len, cb.get('pkt_len'), true);
  return out;
}
