/**
 * The network of the kernel: devices, buffers, the way of a packet, and the places on it where programs hang. Knows no
 * bpf: a place takes the address of what it calls.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { AF } from '../../src/uapi/socket.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { Clsact } from './clsact.ts';
import { SocketCookies } from './cookies.ts';
import { type NetDevice, NetDevices, XMIT_FUNCTIONS } from './devices.ts';
import { DropReasons } from './drops.ts';
import { FlowDissector } from './flow-dissector.ts';
import { Lwt } from './lwt.ts';
import { NetNamespace } from './namespace.ts';
import { Netfilter } from './netfilter.ts';
import { Netkit } from './netkit.ts';
import { swap16 } from './packet.ts';
import type { Destination, NetParts } from './parts.ts';
import { Ports } from './ports.ts';
import { Psocks } from './psock.ts';
import { RECEIVERS, Receive } from './receive.ts';
import { Redirect } from './redirect.ts';
import { Reuseport } from './reuseport.ts';
import { SkLookup } from './sk-lookup.ts';
import { SkBuffs } from './skb.ts';
import { SocketFilters } from './socket-filter.ts';
import { SocketOptions } from './socket-options.ts';
import { Socks, unmapped } from './socks.ts';
import { Softnet } from './softnet.ts';
import type { Congestion } from './tcp/congestion.ts';
import { Tcp } from './tcp/tcp.ts';
import { TcxPlace } from './tcx.ts';
import { onTheWire, Transmit } from './transmit.ts';
import { XdpPlace } from './xdp.ts';

/** longest datagram */
const MAX_DATAGRAM = 65_507;

/** What became of a frame. */
export interface NetEvent {
  readonly what: 'sent' | 'dropped';
  readonly device: NetDevice | undefined;
  readonly frame: Uint8Array;
  /** the place whose verdict it was */
  readonly by?: string;
}

export class Net implements NetParts, Stateful {
  readonly kernel: ObjectFloor;
  readonly devices: NetDevices;
  readonly skbs: SkBuffs;
  readonly socks: Socks;
  readonly ports: Ports;
  readonly softnet: Softnet;
  readonly drops: DropReasons;
  readonly redirect = new Redirect();
  readonly cookies: SocketCookies;
  readonly xdp: XdpPlace;
  readonly tcx: TcxPlace;
  readonly clsact: Clsact;
  readonly netkit: Netkit;
  readonly lwt: Lwt;
  readonly flowDissector: FlowDissector;
  readonly netfilter: Netfilter;
  readonly socketFilters: SocketFilters;
  /** the one that there is */
  readonly namespace: NetNamespace;
  readonly reuseport: Reuseport;
  readonly skLookup: SkLookup;
  readonly psocks: Psocks;
  /** what programs do for sockets that ask for one: SO_ATTACH_BPF and its kin */
  readonly options: SocketOptions;
  /** a frame left, or goes no further */
  readonly events = new Listeners<[event: NetEvent]>();
  /** algorithms of TCP that sockets ask for by name */
  readonly congestion: Congestion;
  readonly #transmit: Transmit;
  readonly #receive: Receive;
  readonly #tcp: Tcp;

  constructor(kernel: ObjectFloor) {
    this.kernel = kernel;
    this.devices = new NetDevices(kernel);
    this.skbs = new SkBuffs(kernel);
    this.socks = new Socks(kernel);
    this.ports = new Ports(kernel, this.socks);
    this.cookies = new SocketCookies(kernel);
    this.softnet = new Softnet(kernel, this.skbs);
    this.drops = new DropReasons(kernel);
    this.#transmit = new Transmit(this);
    this.#receive = new Receive(this, this.#transmit);
    this.#tcp = new Tcp(this, this.#transmit, this.#receive, (sk) => {
      this.#closed(sk);
      kernel.slab.kfree(sk);
    });
    this.congestion = this.#tcp.congestion;
    this.xdp = new XdpPlace(this);
    this.tcx = new TcxPlace(this);
    this.clsact = new Clsact(this);
    this.netkit = new Netkit(this);
    this.lwt = new Lwt(this);
    this.flowDissector = new FlowDissector(this);
    this.netfilter = new Netfilter(this);
    this.socketFilters = new SocketFilters(this);
    this.namespace = new NetNamespace(this.devices.lo.netns);
    this.reuseport = new Reuseport(this);
    this.skLookup = new SkLookup(this);
    this.psocks = new Psocks(this, this.#receive);
    this.options = new SocketOptions(this, this.socketFilters, this.#tcp.congestion);
    const on = (name: string, handler: () => void): void => void kernel.text.hypercall(name, handler);
    for (const part of [
      this.#transmit,
      this.#receive,
      this.#tcp,
      this.xdp,
      this.tcx,
      this.clsact,
      this.netkit,
      this.lwt,
      this.flowDissector,
      this.netfilter,
      this.socketFilters,
      this.reuseport,
      this.skLookup,
      this.psocks,
      this.options,
    ])
      part.register(on);
    this.softnet.register(on, (skb) => {
      this.dropped(this.devices.at(this.skbs.dev(skb)), this.skbs.frame(skb), 'CPU_BACKLOG');
      this.skbs.free(skb);
    });
    on('inet_bind', () => this.#bind(kernel.args.addr(0), kernel.args.addr(1)));
    on('inet_unbind', () => this.ports.unbind(kernel.args.addr(0)));
    kernel.text.maker.mayCall([...RECEIVERS, ...XMIT_FUNCTIONS]);
    kernel.files.socketFreed.add((socket) => {
      const sk = kernel.memory.readAddr(socket + kernel.structs.of('socket').offset('sk'));
      if (sk !== 0) this.#closed(sk);
    });
  }
  save() {
    const { devices, skbs, ports, cookies, softnet, redirect, xdp, tcx, netfilter, socketFilters } = this;
    const { reuseport, skLookup, psocks, options } = this;
    const sockets = [socketFilters, reuseport, skLookup, psocks, options];
    const { clsact, netkit, lwt, flowDissector } = this;
    const atDevices = [xdp, tcx, clsact, netkit, lwt, flowDissector, netfilter];
    const places = [this.#transmit, this.#receive, this.#tcp, ...atDevices, ...sockets];
    return capture({ parts: [devices, skbs, ports, cookies, softnet, redirect, ...places], events: this.events });
  }
  restore(state: ReturnType<Net['save']>): void {
    state.back();
  }

  /**
   * Frames from outside arrive at a device, and are looked at before this returns: the device's interrupt, and the softirq
   * behind it. lo and dummies have no outside: what arrives there is as if they had sent it.
   */
  inject(device: NetDevice, frames: readonly Uint8Array[]): void {
    const { kernel, skbs } = this;
    if (device.nativeXdp) this.xdp.arrive(device, frames);
    else
      for (const frame of frames) {
        const skb = skbs.alloc(64, frame.length);
        skbs.put(skb, frame);
        this.#call('eth_type_trans', skb, device.at);
        this.#call('netif_rx', skb, 0);
      }
    while (this.softnet.pending !== 0 && (kernel.context.preemptCount & 0xffff00) === 0) this.#call('do_softirq', 0, 0);
  }
  /** Opens the network namespace in the loader, as `/proc/self/ns/net` is opened: the descriptor that its links take. */
  openNamespace(): number {
    return this.kernel.fds.install(this.namespace);
  }
  #call(name: string, a: Addr, b: Addr): void {
    const pair = (n: Addr): readonly [number, number] => [n | 0, Math.floor(n / 2 ** 32)];
    this.kernel.machine.call(this.kernel.text.place(name), [pair(a), pair(b)]);
  }

  payload(length: number, asked = false): Uint8Array | undefined {
    const { tasks, recorded } = this.kernel;
    const { call } = tasks.current;
    if (call === undefined) return undefined;
    // what was sent, which may be less than what was asked for
    const sent = Math.min(asked ? length : recorded.failed ? 0 : recorded.lo > 0 ? recorded.lo : length, MAX_DATAGRAM);
    const data = call.args[1];
    const out = new Uint8Array(sent);
    if (data?.kind === 'bytes' || data?.kind === 'string') out.set(data.bytes.subarray(0, sent));
    return out;
  }
  destination(sk: Addr, msg: Addr): Destination | undefined {
    const { memory, structs } = this.kernel;
    const to = msg === 0 ? 0 : memory.readAddr(msg + structs.of('msghdr').offset('msg_name'));
    if (to !== 0) {
      const named = this.#named(to);
      return named && { ...named, connected: false };
    }
    const port = this.socks.peerPort(sk);
    const family = this.socks.family(sk);
    if (port === 0 || (family !== AF.INET && family !== AF.INET6)) return undefined;
    return { address: this.socks.peer(sk), port, connected: true };
  }
  /** What a `struct sockaddr_in` or `sockaddr_in6` says; undefined for another family. */
  #named(at: Addr): { readonly address: Uint8Array; readonly port: number } | undefined {
    const { memory } = this.kernel;
    const port = swap16(memory.readU16(at + 2));
    const family = memory.readU16(at);
    if (family === AF.INET) return { address: memory.readBytes(at + 4, 4), port };
    return family === AF.INET6 ? { address: unmapped(memory.readBytes(at + 8, 16)), port } : undefined;
  }
  packet(skb: Addr): Uint8Array {
    const { skbs, kernel } = this;
    const start = skbs.header(skb, 'network_header');
    return kernel.memory.readBytes(start, skbs.data(skb) + skbs.len(skb) - start);
  }
  get looksUp(): Addr {
    return this.#receive.looksUp;
  }
  isBacklogged(sk: Addr): boolean {
    return this.#tcp.isBacklogged(sk);
  }
  neighbour(device: NetDevice, address: Uint8Array): Uint8Array {
    if (device.kind === 'loopback') return device.mac;
    if (device.peer) return device.peer.mac;
    // a neighbour that the model makes up: locally administered, its address in it
    return Uint8Array.of(2, 0, ...address);
  }
  sent(device: NetDevice, skb: Addr): void {
    this.sentFrame(device, this.skbs.frame(skb));
  }
  sentFrame(device: NetDevice, frame: Uint8Array): void {
    device.stats.txPackets++;
    device.stats.txBytes += frame.length;
    if (this.events.any) this.events.tell({ what: 'sent', device, frame: onTheWire(frame) });
    // the other end of the pair: a driver's ring
    if (device.peer && this.xdp.on(device.peer)?.mode === 'native') this.xdp.arrive(device.peer, [frame]);
  }
  get isWatched(): boolean {
    return this.events.any;
  }
  dropped(device: NetDevice | undefined, frame: Uint8Array, by: string): void {
    if (this.events.any) this.events.tell({ what: 'dropped', device, frame, by });
  }

  #bind(sk: Addr, at: Addr): void {
    const named = sk === 0 ? undefined : this.#named(at);
    if (!named) return;
    this.ports.bind(sk, named.address, named.port);
    this.reuseport.bound(sk);
  }
  #closed(sk: Addr): void {
    this.ports.remove(sk);
    this.#receive.closed(sk);
    this.#tcp.closed(sk);
    this.socketFilters.closed(sk);
    this.reuseport.closed(sk);
    this.psocks.leave(sk);
  }
}
