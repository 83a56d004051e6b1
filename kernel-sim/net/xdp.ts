/**
 * XDP on a device: in the driver, before there is a buffer (native), or on the buffer, where the driver has none (generic).
 * Linux 6.12 Documentation/networking/xdp-rx-metadata.rst and Documentation/bpf/redirect.rst name the parts.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { NetDevice } from './devices.ts';
import { ETH_HLEN, SHARED_INFO, XDP_HEADROOM } from './packet.ts';
import type { NetParts, On } from './parts.ts';
import type { Target } from './redirect.ts';

export const XDP = { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 } as const;
/** most that a frame of a page has: page, headroom and shared info apart */
const FRAME = 4096;
const MAX_FRAME = FRAME - XDP_HEADROOM - SHARED_INFO;
/** NAPI_POLL_WEIGHT */
const BUDGET = 64;
export type XdpMode = 'generic' | 'native';

/** A driver's receive ring, the page that the frame lies in that is looked at now, and its xdp_buff. */
interface Ring {
  readonly device: NetDevice;
  readonly napi: Addr;
  readonly page: Addr;
  readonly pagePhys: number;
  readonly xdp: Addr;
  readonly rxq: Addr;
  /** where the low halves of the xdp_buff's pointers are, as words of memory; the high ones are the page's and stay */
  readonly words: { readonly data: number; readonly meta: number; readonly end: number };
  frames: Uint8Array[];
  /** the first that was not looked at */
  next: number;
  polled: number;
}

export class XdpPlace implements Stateful {
  readonly #net: NetParts;
  readonly #programs = new Map<NetDevice, { readonly prog: Addr; readonly mode: XdpMode }>();
  readonly #rings = new Map<Addr, Ring>();
  /** the one that was asked for last: a poll asks for its own again and again */
  #last: Ring | undefined;
  readonly #f: { readonly [F in 'data' | 'data_end' | 'data_meta' | 'data_hard_start' | 'rxq' | 'frame_sz']: number };
  readonly #xdpProg: number;

  constructor(net: NetParts) {
    this.#net = net;
    const { structs } = net.kernel;
    const names = ['data', 'data_end', 'data_meta', 'data_hard_start', 'rxq', 'frame_sz'] as const;
    this.#f = structs.offsets('xdp_buff', names);
    this.#xdpProg = structs.of('net_device').offset('xdp_prog');
  }
  save() {
    return capture({ programs: [...this.#programs], map: this.#programs, rings: this.#rings });
  }
  restore(state: ReturnType<XdpPlace['save']>): void {
    state.back();
    this.#last = undefined;
  }

  /**
   * Puts a program (`struct bpf_prog`) on a device, or takes it off (0).
   * @throws KernelError EOPNOTSUPP where the driver has no XDP of its own
   */
  set(device: NetDevice, mode: XdpMode, prog: Addr): void {
    if (mode === 'native' && !device.nativeXdp)
      throw new KernelError('EOPNOTSUPP', `the driver of ${device.name} runs no XDP programs; attach in generic mode`);
    this.#net.kernel.memory.writeAddr(device.at + this.#xdpProg, mode === 'generic' ? prog : 0);
    if (prog === 0) this.#programs.delete(device);
    else this.#programs.set(device, { prog, mode });
  }
  on(device: NetDevice): { readonly prog: Addr; readonly mode: XdpMode } | undefined {
    return this.#programs.get(device);
  }

  /** Frames that arrive at a device whose driver polls a ring; they are looked at by the next softirq. */
  arrive(device: NetDevice, frames: readonly Uint8Array[]): void {
    const ring = this.#ring(device);
    for (const frame of frames)
      if (frame.length <= MAX_FRAME) ring.frames.push(frame);
      else this.#net.dropped(device, frame, 'FRAME_TOO_LONG');
    this.#net.softnet.schedule(ring.napi);
  }
  #ringOf(napi: Addr): Ring | undefined {
    if (this.#last?.napi !== napi) this.#last = this.#rings.get(napi);
    return this.#last;
  }
  #ring(device: NetDevice): Ring {
    for (const ring of this.#rings.values()) if (ring.device === device) return ring;
    const { slab, memory, structs } = this.#net.kernel;
    const page = slab.kmalloc(FRAME);
    const rxq = slab.kmalloc(structs.of('xdp_rxq_info').size);
    const xdp = slab.kmalloc(structs.of('xdp_buff').size);
    memory.writeAddr(rxq + structs.of('xdp_rxq_info').offset('dev'), device.at);
    memory.writeAddr(xdp + this.#f.rxq, rxq);
    memory.writeU32(xdp + this.#f.frame_sz, FRAME);
    memory.writeAddr(xdp + this.#f.data_hard_start, page);
    const napi = this.#net.softnet.add('virtnet_poll', device);
    for (const pointer of ['data', 'data_meta', 'data_end'] as const) memory.writeAddr(xdp + this.#f[pointer], page);
    const word = (pointer: 'data' | 'data_meta' | 'data_end'): number =>
      memory.hostPhysical(xdp + this.#f[pointer], 1) >> 2;
    const ring: Ring = {
      ...{ device, napi, page, xdp, rxq },
      pagePhys: memory.hostPhysical(page, 1),
      words: { data: word('data'), meta: word('data_meta'), end: word('data_end') },
      ...{ frames: [], next: 0, polled: 0 },
    };
    this.#rings.set(napi, ring);
    return ring;
  }

  register(on: On): void {
    const { kernel, skbs, devices, drops } = this.#net;
    const { args, memory } = kernel;
    on('xdp_generic', () => {
      const dev = args.addr(0) === 0 ? 0 : skbs.dev(args.addr(0));
      args.retAddr(dev === 0 ? 0 : memory.readAddr(dev + this.#xdpProg));
    });
    on('xdp_from_skb', () => this.#fromSkb(args.addr(0), args.addr(1)));
    on('skb_from_xdp', () => args.retU32(this.#toSkb(args.addr(0), args.addr(1), args.u32(2))));
    // whether trace_xdp_exception is told of an action; the program where there was one
    on('xdp_exception', () => {
      const act = args.u32(0);
      args.retU32(act === XDP.ABORTED || act > XDP.REDIRECT ? 1 : 0);
    });
    on('xdp_drop', () => {
      const act = args.u32(0);
      const drop = act <= XDP.DROP || act > XDP.REDIRECT;
      const skb = args.addr(1);
      if (drop) this.#net.dropped(devices.at(skbs.dev(skb)), skbs.frame(skb), 'XDP');
      args.retU32(drop ? drops.number('NOT_SPECIFIED') : 0);
    });
    on('xdp_generic_act', () => {
      const act = args.u32(0);
      const name = act === XDP.TX ? 'generic_xdp_tx' : act === XDP.REDIRECT ? 'xdp_do_generic_redirect' : undefined;
      args.retAddr(name === undefined ? 0 : kernel.text.place(name));
    });
    on('xdp_passed', () => {
      const hasProgram = args.addr(2) !== 0;
      args.retAddr(!hasProgram || args.u32(1) === XDP.PASS ? args.addr(0) : 0);
    });
    on('rx_ring_next', () => args.retAddr(this.#next(args.addr(0))));
    on('xdp_native', () => {
      const ring = this.#ringOf(args.addr(0));
      const program = ring && this.#programs.get(ring.device);
      args.retAddr(args.addr(1) !== 0 && program?.mode === 'native' ? program.prog : 0);
    });
    on('napi_dev', () => args.retAddr(this.#ringOf(args.addr(0))?.device.at ?? 0));
    on('xdp_outcome', () => args.retAddr(this.#outcome(args.addr(0), args.addr(1), args.u32(2), args.addr(3) !== 0)));
  }

  /** The next frame of a ring in its page, as an xdp_buff; 0 where the ring is empty, or the budget is spent. */
  #next(napi: Addr): Addr {
    const ring = this.#ringOf(napi);
    if (ring === undefined) return 0;
    const frame = ring.polled < BUDGET ? ring.frames[ring.next] : undefined;
    if (frame === undefined) {
      this.#net.softnet.count(napi, ring.polled);
      ring.polled = 0;
      if (ring.next < ring.frames.length) this.#net.softnet.again(napi);
      else {
        ring.frames = [];
        ring.next = 0;
      }
      return 0;
    }
    ring.next++;
    ring.polled++;
    const { u8, i32 } = this.#net.kernel.memory;
    const start = (ring.page + XDP_HEADROOM) | 0;
    u8.set(frame, ring.pagePhys + XDP_HEADROOM);
    const { data, meta, end } = ring.words;
    i32[data] = start;
    i32[meta] = start;
    i32[end] = start + frame.length;
    ring.device.stats.rxPackets++;
    ring.device.stats.rxBytes += frame.length;
    return ring.xdp;
  }
  #frame(xdp: Addr): Uint8Array {
    const { memory } = this.#net.kernel;
    const data = memory.readAddr(xdp + this.#f.data);
    return memory.readBytes(data, memory.readAddr(xdp + this.#f.data_end) - data);
  }
  /** What becomes of a frame in the driver: a buffer for the stack, or 0. */
  #outcome(napi: Addr, xdp: Addr, act: number, hasProgram: boolean): Addr {
    const ring = this.#ringOf(napi);
    if (ring === undefined || xdp === 0) return 0;
    if (act === XDP.DROP && hasProgram && !this.#net.isWatched) {
      ring.device.stats.rxDropped++;
      return 0;
    }
    if (!hasProgram || act === XDP.PASS) return this.#build(ring.device, xdp);
    if (act === XDP.TX) this.#net.sentFrame(ring.device, this.#frame(xdp));
    else if (act === XDP.REDIRECT) return this.#redirect(ring.device, xdp, this.#net.redirect.take());
    else {
      ring.device.stats.rxDropped++;
      this.#net.dropped(ring.device, this.#frame(xdp), 'XDP');
    }
    return 0;
  }
  /** `xdp_build_skb_from_buff`: a buffer with the frame's bytes and its metadata in front. */
  #build(device: NetDevice, xdp: Addr): Addr {
    const { skbs, kernel } = this.#net;
    const { memory } = kernel;
    const data = memory.readAddr(xdp + this.#f.data);
    const meta = memory.readAddr(xdp + this.#f.data_meta);
    const frame = this.#frame(xdp);
    const skb = skbs.alloc(data - memory.readAddr(xdp + this.#f.data_hard_start), frame.length);
    if (meta < data) memory.writeBytes(skbs.data(skb) - (data - meta), memory.readBytes(meta, data - meta));
    skbs.put(skb, frame);
    skbs.setMetaLen(skb, Math.max(0, data - meta));
    skbs.setDev(skb, device.at);
    return skb;
  }
  #redirect(from: NetDevice, xdp: Addr, target: Target | undefined): Addr {
    const { devices } = this.#net;
    const frame = this.#frame(xdp);
    if (target?.kind === 'cpu') return this.#build(from, xdp);
    const to = target?.kind === 'device' ? devices.byIndex(target.index) : undefined;
    // ndo_xdp_xmit: drivers that run XDP have it
    if (to?.nativeXdp) this.#net.sentFrame(to, frame);
    else this.#net.dropped(from, frame, 'XDP_REDIRECT');
    return 0;
  }

  /** `bpf_prog_run_generic_xdp`: the buffer's bytes from the link header on as an xdp_buff. */
  #fromSkb(skb: Addr, xdp: Addr): void {
    const { skbs, kernel, devices } = this.#net;
    const { memory } = kernel;
    const mac = skbs.data(skb) - skbs.header(skb, 'mac_header');
    const head = memory.readAddr(skb + skbs.f.head);
    if (skbs.data(skb) - mac - head < XDP_HEADROOM) skbs.expand(skb, XDP_HEADROOM - (skbs.data(skb) - mac - head));
    const f = this.#f;
    const start = skbs.data(skb) - mac;
    memory.writeAddr(xdp + f.data, start);
    memory.writeAddr(xdp + f.data_meta, start);
    memory.writeAddr(xdp + f.data_end, start + skbs.len(skb) + mac);
    memory.writeAddr(xdp + f.data_hard_start, memory.readAddr(skb + skbs.f.head));
    memory.writeU32(xdp + f.frame_sz, memory.readU32(skb + skbs.f.end) + SHARED_INFO);
    const device = devices.at(skbs.dev(skb));
    if (device) memory.writeAddr(xdp + f.rxq, this.#ring(device).rxq);
  }
  /** The buffer as the program left the bytes; gives the action. */
  #toSkb(skb: Addr, xdp: Addr, act: number): number {
    const { skbs, kernel } = this.#net;
    const { memory } = kernel;
    const f = this.#f;
    const data = memory.readAddr(xdp + f.data);
    const meta = memory.readAddr(xdp + f.data_meta);
    const end = memory.readAddr(xdp + f.data_end);
    const head = memory.readAddr(skb + skbs.f.head);
    memory.writeU16(skb + skbs.f.mac_header, data - head);
    const goesOn = act === XDP.PASS;
    const start = goesOn ? data + ETH_HLEN : data;
    memory.writeAddr(skb + skbs.f.data, start);
    memory.writeU32(skb + skbs.f.len, end - start);
    memory.writeU32(skb + skbs.f.tail, end - head);
    memory.writeU16(skb + skbs.f.network_header, data + ETH_HLEN - head);
    if (goesOn) {
      memory.writeU16(skb + skbs.f.protocol, memory.readU16(data + 12));
      skbs.setMetaLen(skb, Math.max(0, data - meta));
    }
    return act;
  }
}
