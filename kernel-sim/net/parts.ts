/** What the stations of a packet's way share: each takes this, and none knows another's insides. */
import type { Addr } from '../../src/machine/addr.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { NetDevice, NetDevices } from './devices.ts';
import type { DropReasons } from './drops.ts';
import type { Ports } from './ports.ts';
import type { Redirect } from './redirect.ts';
import type { SkBuffs } from './skb.ts';
import type { Socks } from './socks.ts';
import type { Softnet } from './softnet.ts';

export type { On } from '../text/hypercalls.ts';

/** Where a system call sends to. */
export interface Destination {
  readonly address: Uint8Array;
  readonly port: number;
  /** the socket is connected, so the call did not say it */
  readonly connected: boolean;
}

/** Sockets that share a port. */
export interface SharedPorts {
  /** SO_REUSEPORT of a `struct sock` */
  ask(sk: Addr, is: boolean): void;
  /** the program that chooses in a socket's group; `isFilter`: what it returns is an index */
  set(sk: Addr, prog: Addr, isFilter: boolean): void;
  isGrouped(sk: Addr): boolean;
}

/** Sockets in sockmaps. */
export interface MappedSockets {
  /** what the socket that sends now sends in place of its task's bytes */
  readonly sends: Uint8Array | undefined;
  /** takes a segment, where a program is to look at it first */
  takes(sk: Addr, skb: Addr): boolean;
  /** the function that is told of data */
  dataReady(sk: Addr): string;
}

/** Programs on routes. */
export interface RoutePrograms {
  /** whether a packet that comes in goes through one */
  comesIn(skb: Addr): boolean;
}

export interface NetParts {
  readonly kernel: ObjectFloor;
  readonly devices: NetDevices;
  readonly skbs: SkBuffs;
  readonly socks: Socks;
  readonly ports: Ports;
  readonly reuseport: SharedPorts;
  readonly psocks: MappedSockets;
  /** programs that choose a packet's socket; whether there are any */
  readonly skLookup: { readonly any: boolean };
  readonly softnet: Softnet;
  readonly lwt: RoutePrograms;
  /** whether a device has the clsact qdisc */
  readonly clsact: { has(device: NetDevice): boolean };
  /** the list of a device's programs has changed, or what is behind it */
  readonly tcx: { changed(device: NetDevice, direction: 'ingress' | 'egress'): void };
  readonly drops: DropReasons;
  readonly redirect: Redirect;
  /** what the running system call sends, as long as it was, or was asked to be; undefined where none does */
  payload(length: number, asked?: boolean): Uint8Array | undefined;
  /** where a message (`struct msghdr`) goes, or else its socket is connected to */
  destination(sk: Addr, msg: Addr): Destination | undefined;
  /** IP header and what is behind it, wherever the data of a buffer begin */
  packet(skb: Addr): Uint8Array;
  /** the packet of UDP whose socket is looked for */
  readonly looksUp: Addr;
  /** segments wait until the task that has locked a socket gives it free */
  isBacklogged(sk: Addr): boolean;
  /** link address of a neighbour, six bytes */
  neighbour(device: NetDevice, address: Uint8Array): Uint8Array;
  /** a device has sent a buffer */
  sent(device: NetDevice, skb: Addr): void;
  /** a device has sent a frame that never was a buffer */
  sentFrame(device: NetDevice, frame: Uint8Array): void;
  /** whether anybody wants to hear what becomes of frames */
  readonly isWatched: boolean;
  /** a program, or the stack, let a frame go no further */
  dropped(device: NetDevice | undefined, frame: Uint8Array, by: string): void;
}
