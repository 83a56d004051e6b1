/**
 * Network devices as real `struct net_device` in guest memory: lo, which is always there, eth0, pairs of veth, dummies
 * (Linux 6.12 Documentation/networking/netdevices.rst).
 */

import type { Addr } from '../../src/machine/addr.ts';
import { encodeUtf8, equalBytes } from '../../src/platform/index.ts';
import { KernelError } from '../core/errno.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import { type IpPrefix, inNetwork, parseMac, parsePrefix } from './address.ts';
import { ETH_HLEN } from './packet.ts';

export type DeviceKind = 'loopback' | 'ethernet' | 'veth' | 'netkit' | 'dummy';

/** How devices of a kind are: what their driver says of them, and the function that sends. */
const KINDS = {
  loopback: { mtu: 65536, type: 772, flags: 0x49, xmit: 'loopback_xmit', nativeXdp: false },
  ethernet: { mtu: 1500, type: 1, flags: 0x1043, xmit: 'start_xmit', nativeXdp: true },
  veth: { mtu: 1500, type: 1, flags: 0x1043, xmit: 'veth_xmit', nativeXdp: true },
  // IFF_BROADCAST | NOARP | UP, as its default mode, layer 3, has
  netkit: { mtu: 1500, type: 1, flags: 0x10c3, xmit: 'netkit_xmit', nativeXdp: false },
  dummy: { mtu: 1500, type: 1, flags: 0x10c3, xmit: 'dummy_xmit', nativeXdp: false },
} as const satisfies Record<
  DeviceKind,
  { mtu: number /** ARPHRD_* */; type: number /** IFF_* */; flags: number; xmit: string; nativeXdp: boolean }
>;
/** functions that devices send with */
export const XMIT_FUNCTIONS: readonly string[] = Object.values(KINDS).map(({ xmit }) => xmit);

const FIELDS = [
  ...(['ifindex', 'mtu', 'flags', 'type', 'hard_header_len', 'addr_len', 'dev_addr', 'name', 'nd_net.net'] as const),
  ...(['num_rx_queues', 'real_num_rx_queues', 'num_tx_queues', 'operstate'] as const),
] as const;
const IF_OPER_UP = 6;
const NAME_MAX = 15;

export interface DeviceOptions {
  readonly kind?: DeviceKind;
  /** `02:00:00:00:00:02`; one of the model's own where it is left out */
  readonly mac?: string;
  /** bytes that a packet may have behind its Ethernet header */
  readonly mtu?: number;
  /** receive and transmit queues; default 1 */
  readonly queues?: number;
  /** `10.0.0.2/24` each */
  readonly addresses?: readonly string[];
  /** `struct net` that it is in; default init_net */
  readonly netns?: Addr;
}

/** One device. What it counts is as /proc/net/dev shows it. */
export class NetDevice {
  readonly name: string;
  readonly index: number;
  readonly kind: DeviceKind;
  /** `struct net_device` */
  readonly at: Addr;
  readonly mac: Uint8Array;
  readonly netns: Addr;
  readonly addresses: IpPrefix[] = [];
  /** of a veth: what it sends arrives there */
  peer: NetDevice | undefined;
  readonly stats = { rxPackets: 0, rxBytes: 0, rxDropped: 0, txPackets: 0, txBytes: 0 };
  constructor(name: string, index: number, kind: DeviceKind, at: Addr, mac: Uint8Array, netns: Addr) {
    this.name = name;
    this.index = index;
    this.kind = kind;
    this.at = at;
    this.mac = mac;
    this.netns = netns;
  }
  save() {
    return capture({ addresses: this.addresses, stats: this.stats, peer: { is: this.peer } });
  }
  restore(state: ReturnType<NetDevice['save']>): void {
    this.peer = state.back().peer.is;
  }
  /** the function that its driver sends with: `ndo_start_xmit` */
  get xmit(): string {
    return KINDS[this.kind].xmit;
  }
  /** whether its driver runs XDP programs itself */
  get nativeXdp(): boolean {
    return KINDS[this.kind].nativeXdp;
  }
}

export class NetDevices implements Stateful {
  readonly #kernel: TextFloor;
  readonly #list: NetDevice[] = [];
  readonly #byAt = new Map<Addr, NetDevice>();
  readonly #f: { readonly [F in (typeof FIELDS)[number] | 'sizeof']: number };
  /** a device is there */
  readonly added = new Listeners<[device: NetDevice]>();
  readonly lo: NetDevice;

  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    this.#f = kernel.structs.offsets('net_device', FIELDS);
    this.lo = this.add('lo', { kind: 'loopback', addresses: ['127.0.0.1/8', '::1/128'] });
  }
  save() {
    return capture({ list: this.#list, byAt: this.#byAt });
  }
  restore(state: ReturnType<NetDevices['save']>): void {
    state.back();
  }

  /**
   * Makes a device and brings it up.
   * @throws KernelError EEXIST, EINVAL for a name or an address that cannot be
   */
  add(name: string, options: DeviceOptions = {}): NetDevice {
    const kind = options.kind ?? 'ethernet';
    if (name === '' || name.length > NAME_MAX || /[\s/:]/.test(name))
      throw new KernelError(
        'EINVAL',
        `'${name}' is no name of a device: 1 to ${NAME_MAX} characters, none of them blank, / or :`,
      );
    if (this.named(name)) throw new KernelError('EEXIST', `there is a device ${name} already`);
    const addresses = (options.addresses ?? []).map(parsePrefix);
    const index = this.#list.length + 1;
    const mac = options.mac === undefined ? ownMac(kind, index) : parseMac(options.mac);
    const { memory, slab, symbols } = this.#kernel;
    const f = this.#f;
    const { mtu, type, flags } = KINDS[kind];
    const at = slab.kmalloc(f.sizeof);
    const netns = options.netns ?? symbols.address('init_net') ?? 0;
    const hardware = slab.kmalloc(32);
    memory.writeBytes(hardware, mac);
    memory.writeBytes(at + f.name, encodeUtf8(name));
    memory.writeU32(at + f.ifindex, index);
    memory.writeU32(at + f.mtu, options.mtu ?? mtu);
    memory.writeU32(at + f.flags, flags);
    memory.writeU16(at + f.type, type);
    memory.writeU16(at + f.hard_header_len, ETH_HLEN);
    memory.writeU8(at + f.addr_len, mac.length);
    memory.writeAddr(at + f.dev_addr, hardware);
    memory.writeAddr(at + f['nd_net.net'], netns);
    for (const count of ['num_rx_queues', 'real_num_rx_queues', 'num_tx_queues'] as const)
      memory.writeU32(at + f[count], options.queues ?? 1);
    memory.writeU32(at + f.operstate, IF_OPER_UP);
    const device = new NetDevice(name, index, kind, at, mac, netns);
    device.addresses.push(...addresses);
    this.#list.push(device);
    this.#byAt.set(at, device);
    this.added.tell(device);
    return device;
  }
  /** Further addresses of a device. @throws KernelError EINVAL */
  addAddresses(device: NetDevice, addresses: readonly string[]): void {
    device.addresses.push(...addresses.map(parsePrefix));
  }
  /** Two devices; what one sends the other receives. */
  addVeth(name: string, peer: string, options: DeviceOptions = {}, peerOptions: DeviceOptions = {}): NetDevice {
    return this.#addPair('veth', [name, options], [peer, peerOptions]);
  }
  /** The same, of netkit: the first is the primary one, by which programs of both ends are attached. */
  addNetkit(name: string, peer: string, options: DeviceOptions = {}, peerOptions: DeviceOptions = {}): NetDevice {
    return this.#addPair('netkit', [name, options], [peer, peerOptions]);
  }
  #addPair(kind: 'veth' | 'netkit', ...ends: readonly [string, DeviceOptions][]): NetDevice {
    const [one, other] = ends.map(([name, options]) => this.add(name, { ...options, kind })) as [NetDevice, NetDevice];
    one.peer = other;
    other.peer = one;
    return one;
  }

  all(): readonly NetDevice[] {
    return this.#list;
  }
  byIndex(index: number): NetDevice | undefined {
    return this.#list[index - 1];
  }
  named(name: string): NetDevice | undefined {
    return this.#list.find((device) => device.name === name);
  }
  at(address: Addr): NetDevice | undefined {
    return this.#byAt.get(address);
  }
  /** IFF_* */
  flags(device: NetDevice): number {
    return this.#kernel.memory.readU32(device.at + this.#f.flags);
  }
  /** ARPHRD_* */
  type(device: NetDevice): number {
    return this.#kernel.memory.readU16(device.at + this.#f.type);
  }
  mtu(device: NetDevice): number {
    return this.#kernel.memory.readU32(device.at + this.#f.mtu);
  }

  /** Whether an address is one of this host's. */
  isLocal(address: Uint8Array): boolean {
    if (address.length === 4 && address[0] === 127) return true;
    return this.#list.some((device) => device.addresses.some((own) => equalBytes(own.address, address)));
  }
  /**
   * Where a packet for an address leaves, and with which source: a device in whose network it is, else the first that is
   * not lo. A recording that sends to the world had a device to the world: eth0 is made for it.
   */
  route(to: Uint8Array): { readonly device: NetDevice; readonly source: Uint8Array } {
    if (this.isLocal(to)) return { device: this.lo, source: to };
    for (const device of this.#list)
      for (const own of device.addresses) if (inNetwork(own, to)) return { device, source: own.address };
    const device =
      this.#list.find(({ kind }) => kind !== 'loopback') ?? this.add('eth0', { addresses: ['10.0.2.15/24'] });
    return { device, source: this.#source(device, to.length) };
  }
  /** Its first address of the kind; without one of IPv6, what stateless configuration gives it (RFC 4862 section 5.3). */
  #source(device: NetDevice, size: number): Uint8Array {
    const own = device.addresses.find(({ address }) => address.length === size)?.address;
    return own ?? (size === 16 ? linkLocal(device.mac) : new Uint8Array(4));
  }
}

/** `fe80::/64` with the interface identifier of a MAC address (RFC 4291 appendix A) */
const linkLocal = (mac: Uint8Array): Uint8Array =>
  Uint8Array.of(
    0xfe,
    0x80,
    0,
    0,
    0,
    0,
    0,
    0,
    (mac[0] ?? 0) ^ 2,
    ...mac.subarray(1, 3),
    0xff,
    0xfe,
    ...mac.subarray(3, 6),
  );

/** Locally administered (IEEE 802 section 8.4), but lo's, which is zeros. */
const ownMac = (kind: DeviceKind, index: number): Uint8Array =>
  kind === 'loopback' ? new Uint8Array(6) : Uint8Array.of(2, 0, 0, 0, 0, index);
