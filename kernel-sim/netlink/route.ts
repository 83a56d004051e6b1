/** A socket of NETLINK_ROUTE: requests about devices and what programs are on them; answers as the kernel's datagrams (rtnetlink(7), netlink(7)). */
import { concatBytes, encodeUtf8 } from '../../src/platform/index.ts';
import type { NetlinkXdp } from '../bpf/attach/xdp-netlink.ts';
import { ERRNO, KernelError } from '../core/errno.ts';
import type { Process } from '../core/process.ts';
import type { NetDevice } from '../net/devices.ts';
import { addAddress, addLink, addresses, findDevice, link, setLink } from './link.ts';
import {
  attribute,
  message,
  messages,
  type NetlinkMessage,
  NLM_F,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG,
} from './message.ts';
import { addFilter, addQdisc, deleteFilter, deleteQdisc, filters, getFilter, qdiscs, type TcParts } from './tc.ts';

const RTM = {
  ...{ NEWLINK: 16, GETLINK: 18, SETLINK: 19, NEWADDR: 20, GETADDR: 22 },
  ...{
    NEWQDISC: 36,
    DELQDISC: 37,
    GETQDISC: 38,
    NEWTCLASS: 40,
    GETTCLASS: 42,
    NEWTFILTER: 44,
    DELTFILTER: 45,
    GETTFILTER: 46,
  },
} as const;
const NLMSGERR_ATTR_MSG = 1;
/** bytes of messages in a datagram of a dump */
const DATAGRAM = 16_384;

export interface RouteParts extends TcParts {
  readonly xdp: NetlinkXdp;
}

/** What a dump consists of, and the type of its messages. */
interface Dump {
  readonly type: number;
  readonly of: (parts: RouteParts, payload: Uint8Array) => readonly Uint8Array[];
}
const each = (of: (device: NetDevice, payload: Uint8Array) => readonly Uint8Array[]): Dump['of'] => {
  return ({ devices }, payload) => devices.all().flatMap((device) => of(device, payload));
};
const DUMPS: ReadonlyMap<number, Dump> = new Map([
  [
    RTM.GETLINK,
    { type: RTM.NEWLINK, of: ({ devices, xdp }) => devices.all().map((device) => link(devices, xdp, device)) },
  ],
  [RTM.GETADDR, { type: RTM.NEWADDR, of: each((device, payload) => addresses(device, payload[0] ?? 0)) }],
  [RTM.GETQDISC, { type: RTM.NEWQDISC, of: qdiscs }],
  // noqueue and clsact have none
  [RTM.GETTCLASS, { type: RTM.NEWTCLASS, of: () => [] }],
  [RTM.GETTFILTER, { type: RTM.NEWTFILTER, of: filters }],
]);

/** A request that is no dump. @throws KernelError */
interface Request {
  readonly request: NetlinkMessage;
  readonly pid: number;
  readonly parts: RouteParts;
  readonly reply: (datagram: Uint8Array) => void;
}
const newLink = ({ request: { type, flags, payload }, parts: { devices, xdp } }: Request): void => {
  const device = findDevice(devices, payload);
  if (device !== undefined) {
    if (flags & NLM_F.EXCL && type === RTM.NEWLINK) throw new KernelError('EEXIST', '');
    setLink(devices, xdp, device, payload);
  } else if (type === RTM.NEWLINK && flags & NLM_F.CREATE) addLink(devices, payload);
  else throw new KernelError('ENODEV', '');
};
const REQUESTS: ReadonlyMap<number, (request: Request) => void> = new Map([
  [
    RTM.GETLINK,
    ({ request, pid, parts: { devices, xdp }, reply }: Request): void => {
      const device = findDevice(devices, request.payload);
      if (device === undefined) throw new KernelError('ENODEV', '');
      reply(message(RTM.NEWLINK, 0, request, pid, link(devices, xdp, device)));
    },
  ],
  [RTM.NEWLINK, newLink],
  [RTM.SETLINK, newLink],
  [RTM.NEWQDISC, ({ request, parts }: Request): void => addQdisc(parts, request.payload, request.flags)],
  [RTM.DELQDISC, ({ request, parts }: Request): void => deleteQdisc(parts, request.payload)],
  [
    RTM.NEWTFILTER,
    ({ request, pid, parts, reply }: Request): void => {
      const told = addFilter(parts, request.payload, request.flags);
      // whoever asks for an echo learns priority and handle from it
      if (request.flags & NLM_F.ECHO) reply(message(RTM.NEWTFILTER, 0, request, pid, told));
    },
  ],
  [RTM.DELTFILTER, ({ request, parts }: Request): void => deleteFilter(parts, request.payload)],
  [
    RTM.GETTFILTER,
    ({ request, pid, parts, reply }: Request): void =>
      reply(message(RTM.NEWTFILTER, 0, request, pid, getFilter(parts, request.payload))),
  ],
  [RTM.NEWADDR, ({ request, parts }: Request): void => addAddress(parts.devices, request.payload)],
]);

export class RouteSocket {
  /** NETLINK_EXT_ACK, NETLINK_CAP_ACK */
  extendedAck = false;
  cappedAck = false;
  readonly #parts: RouteParts;
  readonly #queue: Uint8Array[] = [];
  #asked = false;
  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  /** Datagrams that wait. */
  get waiting(): number {
    return this.#queue.length;
  }
  /** The next datagram; it stays where `peek` says so. */
  receive(peek = false): Uint8Array | undefined {
    return peek ? this.#queue[0] : this.#queue.shift();
  }

  /**
   * Takes a datagram of requests; false where none of them is the model's to answer. A socket that asks for addresses
   * alone is a resolver's, which wants to know whether the host reaches the world: it is the host's to answer.
   */
  send(datagram: Uint8Array, pid: number, process: Process): boolean {
    const requests = [...messages(datagram)];
    if (requests.length === 0 || !requests.every((request) => this.#isOurs(request))) return false;
    this.#asked = true;
    for (const request of requests) this.#parts.xdp.as(process, () => this.#answer(request, pid));
    return true;
  }
  #isOurs({ type, flags }: NetlinkMessage): boolean {
    if (type === RTM.GETADDR) return this.#asked;
    return REQUESTS.has(type) || (DUMPS.has(type) && (flags & NLM_F.DUMP) === NLM_F.DUMP);
  }

  #answer(request: NetlinkMessage, pid: number): void {
    try {
      const dump = (request.flags & NLM_F.DUMP) === NLM_F.DUMP ? DUMPS.get(request.type) : undefined;
      if (dump) {
        this.#dump(request, pid, dump);
        return;
      }
      REQUESTS.get(request.type)?.({
        request,
        pid,
        parts: this.#parts,
        reply: (datagram) => this.#queue.push(datagram),
      });
      if (request.flags & NLM_F.ACK) this.#ack(request, pid, 0);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#ack(request, pid, -ERRNO[error.errno], error.message);
    }
  }
  #dump(request: NetlinkMessage, pid: number, { type, of }: Dump): void {
    let parts: Uint8Array[] = [];
    let size = 0;
    for (const payload of of(this.#parts, request.payload)) {
      const one = message(type, NLM_F.MULTI, request, pid, payload);
      if (size + one.length > DATAGRAM) {
        this.#queue.push(concatBytes(parts));
        [parts, size] = [[], 0];
      }
      parts.push(one);
      size += one.length;
    }
    this.#queue.push(concatBytes([...parts, message(NLMSG.DONE, NLM_F.MULTI, request, pid, new Uint8Array(4))]));
  }
  /** `struct nlmsgerr`, with the kernel's words where the socket asked for them. */
  #ack(request: NetlinkMessage, pid: number, error: number, words = ''): void {
    const code = new Uint8Array(4);
    new DataView(code.buffer).setInt32(0, error, true);
    const isCapped = error === 0 || this.cappedAck;
    const tlvs = this.extendedAck && words !== '' ? [attribute(NLMSGERR_ATTR_MSG, encodeUtf8(`${words}\0`))] : [];
    const flags = (isCapped ? NLM_F_CAPPED : 0) | (tlvs.length > 0 ? NLM_F_ACK_TLVS : 0);
    const about = isCapped ? request.bytes.subarray(0, 16) : request.bytes;
    this.#queue.push(message(NLMSG.ERROR, flags, request, pid, concatBytes([code, about, ...tlvs])));
  }
}
