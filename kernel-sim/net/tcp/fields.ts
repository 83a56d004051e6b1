/** Numbers of a connection in `struct tcp_sock`, where programs read them, too (include/linux/tcp.h, Linux 6.12). */
import type { Addr } from '../../../src/machine/addr.ts';
import type { Ground } from '../../floors/ground.ts';

const WORDS = [
  ...(['snd_una', 'snd_nxt', 'write_seq', 'rcv_nxt', 'rcv_wup', 'copied_seq', 'snd_wnd', 'rcv_wnd'] as const),
  ...(['snd_cwnd', 'snd_ssthresh', 'srtt_us', 'mdev_us', 'mss_cache', 'packets_out', 'delivered'] as const),
  ...(['segs_in', 'segs_out', 'data_segs_in', 'data_segs_out', 'window_clamp', 'total_retrans'] as const),
] as const;
const LONG = ['bytes_acked', 'bytes_received', 'bytes_sent'] as const;
const SOCK = [
  'sk_lock.owned',
  'sk_backlog.head',
  'sk_backlog.tail',
  'sk_err',
  'sk_ack_backlog',
  'sk_max_ack_backlog',
] as const;
type Word = (typeof WORDS)[number];
type Long = (typeof LONG)[number];
type SockWord = 'sk_lock.owned' | 'sk_err' | 'sk_ack_backlog' | 'sk_max_ack_backlog';
type SockPointer = 'sk_backlog.head' | 'sk_backlog.tail';

export class TcpFields {
  readonly #kernel: Ground;
  readonly #tcp: { readonly [F in Word | Long | 'sizeof']: number };
  readonly #sock: { readonly [F in (typeof SOCK)[number] | 'sizeof']: number };
  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.#tcp = kernel.structs.offsets('tcp_sock', [...WORDS, ...LONG]);
    this.#sock = kernel.structs.offsets('sock', SOCK);
  }
  get(sk: Addr, field: Word): number {
    return this.#kernel.memory.readU32(sk + this.#tcp[field]);
  }
  set(sk: Addr, field: Word, value: number): void {
    this.#kernel.memory.writeU32(sk + this.#tcp[field], value >>> 0);
  }
  add(sk: Addr, field: Word, by: number): void {
    this.set(sk, field, this.get(sk, field) + by);
  }
  addLong(sk: Addr, field: Long, by: number): void {
    const { memory } = this.#kernel;
    memory.writeAddr(sk + this.#tcp[field], memory.readAddr(sk + this.#tcp[field]) + by);
  }
  sock(sk: Addr, field: SockWord): number {
    return this.#kernel.memory.readU32(sk + this.#sock[field]);
  }
  setSock(sk: Addr, field: SockWord, value: number): void {
    this.#kernel.memory.writeU32(sk + this.#sock[field], value);
  }
  pointer(sk: Addr, field: SockPointer): Addr {
    return this.#kernel.memory.readAddr(sk + this.#sock[field]);
  }
  setPointer(sk: Addr, field: SockPointer, value: Addr): void {
    this.#kernel.memory.writeAddr(sk + this.#sock[field], value);
  }
}
