/** RTM_GETLINK, RTM_SETLINK and RTM_GETADDR: devices, the XDP program of each, and their addresses (include/uapi/linux/if_link.h, if_addr.h; rtnetlink(7)). */
import { concatBytes, equalBytes } from '../../src/platform/index.ts';
import type { NetlinkXdp } from '../bpf/attach/xdp-netlink.ts';
import { KernelError } from '../core/errno.ts';
import type { NetDevice, NetDevices } from '../net/devices.ts';
import { attribute, attributes, nested, s32Of, text, textOf, u8, u32, u32Of } from './message.ts';

const IFLA = {
  ...{ ADDRESS: 1, BROADCAST: 2, IFNAME: 3, MTU: 4, LINK: 5, QDISC: 6, STATS: 7, TXQLEN: 13, OPERSTATE: 16 },
  ...{ LINKMODE: 17, STATS64: 23, GROUP: 27, PROMISCUITY: 30, NUM_TX_QUEUES: 31, NUM_RX_QUEUES: 32, CARRIER: 33 },
  ...{ GSO_MAX_SEGS: 40, GSO_MAX_SIZE: 41, XDP: 43, LINKINFO: 18, MIN_MTU: 50, MAX_MTU: 51, GRO_MAX_SIZE: 58 },
  ...{ TSO_MAX_SIZE: 59, TSO_MAX_SEGS: 60, AF_SPEC: 26, ALLMULTI: 61 },
} as const;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
/** attributes that say which device is meant, or what is as they say */
const SETTABLE: ReadonlySet<number> = new Set([IFLA.IFNAME, IFLA.XDP, IFLA.MTU, 29 /* EXT_MASK */]);
const UNSUPPORTED = 'of a device of the model, nothing but its XDP program can be changed';
const IFLA_XDP = { FD: 1, ATTACHED: 2, FLAGS: 3, PROG_ID: 4, DRV_PROG_ID: 5, SKB_PROG_ID: 6, EXPECTED_FD: 8 } as const;
/** XDP_ATTACHED_* */
const ATTACHED = { none: 0, native: 1, generic: 2 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, FLAGS: 8 } as const;
const ARPHRD_LOOPBACK = 772;
const AF_INET = 2;
const AF_INET6 = 10;
const IFA_F_PERMANENT = 0x80;
const [RT_SCOPE_UNIVERSE, RT_SCOPE_HOST, RT_SCOPE_LINK] = [0, 254, 253];
const OPERSTATE = { unknown: 0, up: 6 } as const;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x10000;
const GSO_MAX = 65536;
const INFO = 16;

/** `struct ifinfomsg` */
function info(device: NetDevice, devices: NetDevices): Uint8Array {
  const out = new DataView(new ArrayBuffer(INFO));
  out.setUint16(2, devices.type(device), true);
  out.setInt32(4, device.index, true);
  const flags = devices.flags(device);
  out.setUint32(8, flags & IFF_UP ? flags | IFF_LOWER_UP : flags & ~IFF_RUNNING, true);
  return new Uint8Array(out.buffer);
}

/** `struct rtnl_link_stats64`: what is counted here, rx_packets, tx_packets, rx_bytes, tx_bytes ... rx_dropped at 6 */
function stats(device: NetDevice): Uint8Array {
  const out = new DataView(new ArrayBuffer(25 * 8));
  const { rxPackets, txPackets, rxBytes, txBytes, rxDropped } = device.stats;
  for (const [n, value] of [rxPackets, txPackets, rxBytes, txBytes, 0, 0, rxDropped].entries())
    out.setBigUint64(8 * n, BigInt(value), true);
  return new Uint8Array(out.buffer);
}

function xdp(programs: NetlinkXdp, device: NetDevice): Uint8Array {
  const there = programs.on(device);
  if (there === undefined) return nested(IFLA.XDP, u8(IFLA_XDP.ATTACHED, ATTACHED.none));
  const { prog, mode } = there;
  return nested(
    IFLA.XDP,
    u32(mode === 'native' ? IFLA_XDP.DRV_PROG_ID : IFLA_XDP.SKB_PROG_ID, prog.id),
    u8(IFLA_XDP.ATTACHED, ATTACHED[mode]),
    u32(IFLA_XDP.PROG_ID, prog.id),
  );
}

/** What RTM_NEWLINK says of a device. */
export function link(devices: NetDevices, programs: NetlinkXdp, device: NetDevice): Uint8Array {
  const isLoopback = devices.type(device) === ARPHRD_LOOPBACK;
  const kind = device.kind === 'veth' || device.kind === 'dummy' ? device.kind : undefined;
  return concatBytes([
    info(device, devices),
    text(IFLA.IFNAME, device.name),
    u32(IFLA.TXQLEN, 1000),
    u8(IFLA.OPERSTATE, isLoopback ? OPERSTATE.unknown : OPERSTATE.up),
    u8(IFLA.LINKMODE, 0),
    u32(IFLA.MTU, devices.mtu(device)),
    u32(IFLA.MIN_MTU, isLoopback ? 0 : 68),
    u32(IFLA.MAX_MTU, isLoopback ? 0 : 65535),
    u32(IFLA.GROUP, 0),
    u32(IFLA.PROMISCUITY, 0),
    u32(IFLA.ALLMULTI, 0),
    u32(IFLA.NUM_TX_QUEUES, 1),
    u32(IFLA.GSO_MAX_SEGS, 65535),
    u32(IFLA.GSO_MAX_SIZE, GSO_MAX),
    u32(IFLA.GRO_MAX_SIZE, GSO_MAX),
    u32(IFLA.TSO_MAX_SIZE, isLoopback ? 524_280 : GSO_MAX),
    u32(IFLA.TSO_MAX_SEGS, 65535),
    u32(IFLA.NUM_RX_QUEUES, 1),
    ...(device.peer === undefined ? [] : [u32(IFLA.LINK, device.peer.index)]),
    u8(IFLA.CARRIER, 1),
    text(IFLA.QDISC, 'noqueue'),
    attribute(IFLA.ADDRESS, device.mac),
    attribute(IFLA.BROADCAST, isLoopback ? new Uint8Array(6) : new Uint8Array(6).fill(0xff)),
    attribute(IFLA.STATS64, stats(device)),
    xdp(programs, device),
    nested(IFLA.AF_SPEC, nested(AF_INET6, u8(IFLA_INET6_ADDR_GEN_MODE, 0))),
    ...(kind === undefined ? [] : [nested(IFLA.LINKINFO, text(IFLA_INFO.KIND, kind))]),
  ]);
}

/** The device that a request of `struct ifinfomsg` is about; undefined where there is none. @throws KernelError EINVAL */
export function findDevice(devices: NetDevices, payload: Uint8Array): NetDevice | undefined {
  if (payload.length < INFO) throw new KernelError('EINVAL', '');
  const index = new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);
  if (index > 0) return devices.byIndex(index);
  const name = textOf(attributes(payload.subarray(INFO)).get(IFLA.IFNAME));
  return name === undefined ? undefined : devices.named(name);
}

/**
 * RTM_NEWLINK and RTM_SETLINK of a device that is there: its XDP program. Others of its properties may be told as they are.
 * @throws KernelError EOPNOTSUPP for what would change another one
 */
export function setLink(devices: NetDevices, programs: NetlinkXdp, device: NetDevice, payload: Uint8Array): void {
  const view = new DataView(payload.buffer, payload.byteOffset);
  const [flags, change] = [view.getUint32(8, true), view.getUint32(12, true)];
  const given = attributes(payload.subarray(INFO));
  const mtu = u32Of(given.get(IFLA.MTU));
  const others = [...given.keys()].filter((type) => !SETTABLE.has(type));
  if (((flags ^ devices.flags(device)) & change) !== 0 || (mtu ?? devices.mtu(device)) !== devices.mtu(device))
    throw new KernelError('EOPNOTSUPP', UNSUPPORTED);
  if (others.length > 0) throw new KernelError('EOPNOTSUPP', UNSUPPORTED);
  const xdp = given.get(IFLA.XDP);
  if (xdp === undefined) return;
  const asked = attributes(xdp);
  if (asked.has(IFLA_XDP.ATTACHED) || asked.has(IFLA_XDP.PROG_ID)) throw new KernelError('EINVAL', '');
  const fd = s32Of(asked.get(IFLA_XDP.FD));
  if (fd === undefined) return;
  programs.set(device, fd, u32Of(asked.get(IFLA_XDP.FLAGS)) ?? 0, s32Of(asked.get(IFLA_XDP.EXPECTED_FD)));
}

/** RTM_NEWLINK with NLM_F_CREATE: a dummy, or a pair of veth. @throws KernelError EEXIST, EOPNOTSUPP for another kind */
export function addLink(devices: NetDevices, payload: Uint8Array): void {
  const given = attributes(payload.subarray(INFO));
  const info = attributes(given.get(IFLA.LINKINFO) ?? new Uint8Array());
  const kind = textOf(info.get(IFLA_INFO.KIND));
  const name = textOf(given.get(IFLA.IFNAME)) ?? nextName(devices, kind ?? 'dev');
  if (devices.named(name)) throw new KernelError('EEXIST', '');
  if (kind === 'dummy') devices.add(name, { kind });
  else if (kind === 'veth') {
    // VETH_INFO_PEER: an ifinfomsg and attributes of its own
    const peer = attributes(info.get(IFLA_INFO.DATA) ?? new Uint8Array()).get(1);
    const other = peer && textOf(attributes(peer.subarray(INFO)).get(IFLA.IFNAME));
    if (other !== undefined && (other === name || devices.named(other))) throw new KernelError('EEXIST', '');
    devices.addVeth(name, other ?? nextName(devices, kind, name));
  } else throw new KernelError('EOPNOTSUPP', kind === undefined ? '' : 'Unknown device type');
}
function nextName(devices: NetDevices, kind: string, taken?: string): string {
  let n = 0;
  while (devices.named(`${kind}${n}`) || taken === `${kind}${n}`) n++;
  return `${kind}${n}`;
}

/** RTM_NEWADDR: a further address of a device. @throws KernelError EINVAL, ENODEV, EEXIST */
export function addAddress(devices: NetDevices, payload: Uint8Array): void {
  if (payload.length < 8) throw new KernelError('EINVAL', '');
  const given = attributes(payload.subarray(8));
  const address = given.get(IFA.LOCAL) ?? given.get(IFA.ADDRESS);
  const device = devices.byIndex(new DataView(payload.buffer, payload.byteOffset).getInt32(4, true));
  if (device === undefined) throw new KernelError('ENODEV', '');
  const size = payload[0] === AF_INET ? 4 : 16;
  const prefix = payload[1] ?? 0;
  if (address?.length !== size || prefix > 8 * size) throw new KernelError('EINVAL', '');
  if (device.addresses.some((own) => own.prefix === prefix && equalBytes(own.address, address)))
    throw new KernelError('EEXIST', '');
  device.addresses.push({ address: address.slice(), prefix });
}

/** What RTM_NEWADDR says of each address of a device, of one family or (0) of all. */
export function addresses(device: NetDevice, family: number): Uint8Array[] {
  const isLoopback = device.kind === 'loopback';
  return device.addresses.flatMap((own) => {
    const of = own.address.length === 4 ? AF_INET : AF_INET6;
    if (family !== 0 && family !== of) return [];
    const scope = isLoopback ? RT_SCOPE_HOST : own.address[0] === 0xfe ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    const head = Uint8Array.of(of, own.prefix, IFA_F_PERMANENT, scope, 0, 0, 0, 0);
    new DataView(head.buffer).setUint32(4, device.index, true);
    const address = attribute(IFA.ADDRESS, own.address);
    const local = of === AF_INET ? [attribute(IFA.LOCAL, own.address), text(IFA.LABEL, device.name)] : [];
    return [concatBytes([head, address, ...local, u32(IFA.FLAGS, IFA_F_PERMANENT)])];
  });
}
