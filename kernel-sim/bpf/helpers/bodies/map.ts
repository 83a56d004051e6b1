/**
 * Maps from programs: bpf-helpers(7), bpf_map_lookup_elem and its kin. The verifier replaces many of these calls by
 * calls of the kind's own function (`htab_map_update_elem`): to the same effect, as the map decides what is done.
 */
import { type Addr, addrHi, addrLo } from '../../../../src/machine/addr.ts';
import { RDX } from '../../../../src/machine/index.ts';
import { BPF_MAP_TYPE, BPF_RINGBUF_HDR_SZ } from '../../../../src/uapi/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { Target } from '../../../net/redirect.ts';
import { type BpfMap, HashMap, RedirectMap, type RingbufMap } from '../../maps/index.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

const lookup: HelperBody = (call) => call.args.retAddr(call.map(0).lookup(call.args.addr(1)));
/** All flags there are lie in the lower half. */
const update: HelperBody = (call) => {
  const { args } = call;
  args.retInt(args.hi(3) === 0 ? call.map(0).update(args.addr(1), args.addr(2), args.lo(3)) : -ERRNO.EINVAL);
};
const remove: HelperBody = (call) => call.args.retInt(call.map(0).delete(call.args.addr(1)));
const push: HelperBody = (call) => {
  const { args } = call;
  args.retInt(args.hi(2) === 0 ? call.map(0).push(args.addr(1), args.lo(2)) : -ERRNO.EINVAL);
};
const pop: HelperBody = (call) => call.args.retInt(call.map(0).pop(call.args.addr(1)));
const peek: HelperBody = (call) => call.args.retInt(call.map(0).peek(call.args.addr(1)));
const lookupPercpu: HelperBody = (call) =>
  call.args.retAddr(call.map(0).lookupPercpu(call.args.addr(1), call.args.u32(2)));

/** The element, not its value: inlined code adds the key's size. */
const lookupElem: HelperBody = (call) => {
  const map = call.map(0);
  call.args.retAddr(map instanceof HashMap ? map.lookupElem(call.args.addr(1)) : 0);
};

/**
 * The element behind a cursor, two words of guest memory that are 0 in front of the first: its key, 0 behind the last, and
 * in rdx its value. Error and 0 where the kind of map has no walk.
 */
const forEach: HelperBody = (call) => {
  const { args, kernel } = call;
  const { memory, cpu } = kernel;
  const at = args.addr(1);
  const map = call.map(0);
  const cursor = call.cursor;
  cursor.position = memory.readU32(at);
  cursor.element = memory.readAddr(at + 8);
  const err = map.walkNext(cursor);
  memory.writeU32(at, cursor.position);
  memory.writeAddr(at + 8, cursor.element);
  cpu.setReg(RDX, err < 0 ? 0 : cursor.value);
  if (err < 0) args.retInt(err);
  else args.retAddr(cursor.key);
};

const ring = (call: HelperCall, n: number): RingbufMap => call.map(n) as RingbufMap;
const PAGE = 4096;
/** The ring buffer whose memory holds a sample: the header in front of it says how many pages behind the structure it lies. */
const ringOf = (call: HelperCall, n: number): RingbufMap | undefined => {
  const { memory } = call.kernel;
  const header = call.args.addr(n) - BPF_RINGBUF_HDR_SZ;
  const pages = memory.load32(addrLo(header + 4), addrHi(header + 4));
  return call.state.ringAt(Math.floor(header / PAGE) * PAGE - pages * PAGE);
};

export const MAP: HelperBodies = {
  bpf_map_lookup_elem: lookup,
  bpf_map_update_elem: update,
  bpf_map_delete_elem: remove,
  bpf_map_push_elem: push,
  bpf_map_pop_elem: pop,
  bpf_map_peek_elem: peek,
  bpf_map_lookup_percpu_elem: lookupPercpu,
  bpf_for_each_map_elem: forEach,

  __htab_map_lookup_elem: lookupElem,
  htab_map_lookup_elem: lookup,
  htab_lru_map_lookup_elem: lookup,
  htab_percpu_map_lookup_elem: lookup,
  htab_lru_percpu_map_lookup_elem: lookup,
  htab_of_map_lookup_elem: lookup,
  array_map_lookup_elem: lookup,
  percpu_array_map_lookup_elem: lookup,
  array_of_map_lookup_elem: lookup,
  trie_lookup_elem: lookup,
  dev_map_lookup_elem: lookup,
  dev_map_hash_lookup_elem: lookup,
  cpu_map_lookup_elem: lookup,
  xsk_map_lookup_elem: lookup,
  sock_map_lookup: lookup,
  sock_hash_lookup: lookup,
  reuseport_array_lookup_elem: lookup,
  sock_map_update_elem: update,
  sock_map_delete_elem: remove,
  sock_hash_delete_elem: remove,
  reuseport_array_delete_elem: remove,
  htab_map_update_elem: update,
  htab_lru_map_update_elem: update,
  htab_percpu_map_update_elem: update,
  htab_lru_percpu_map_update_elem: update,
  array_map_update_elem: update,
  trie_update_elem: update,
  htab_map_delete_elem: remove,
  htab_lru_map_delete_elem: remove,
  array_map_delete_elem: remove,
  trie_delete_elem: remove,
  queue_stack_map_push_elem: push,
  queue_map_pop_elem: pop,
  stack_map_pop_elem: pop,
  queue_map_peek_elem: peek,
  stack_map_peek_elem: peek,
  bloom_map_push_elem: push,
  bloom_map_peek_elem: peek,
  bloom_map_pop_elem: pop,
  percpu_array_map_lookup_percpu_elem: lookupPercpu,
  htab_percpu_map_lookup_percpu_elem: lookupPercpu,
  htab_lru_percpu_map_lookup_percpu_elem: lookupPercpu,
  bpf_for_each_array_elem: forEach,
  bpf_for_each_hash_elem: forEach,

  bpf_ringbuf_output: (call) => {
    const { args } = call;
    args.retInt(ring(call, 0).output(args.addr(1), args.u32(2), args.lo(3)));
  },
  bpf_ringbuf_reserve: (call) => {
    const { args } = call;
    args.retAddr(args.lo(2) !== 0 || args.hi(2) !== 0 || args.hi(1) !== 0 ? 0 : ring(call, 0).reserve(args.u32(1)));
  },
  bpf_ringbuf_submit: (call) => {
    ringOf(call, 0)?.commit(call.args.addr(0), call.args.lo(1), false);
    call.args.ret(0, 0);
  },
  bpf_ringbuf_discard: (call) => {
    ringOf(call, 0)?.commit(call.args.addr(0), call.args.lo(1), true);
    call.args.ret(0, 0);
  },
  bpf_ringbuf_query: (call) => {
    const map = ring(call, 0);
    const answers = [map.available, map.size, map.consumerPos, map.producerPos];
    call.args.retAddr(call.args.hi(1) === 0 ? (answers[call.args.u32(1)] ?? 0) : 0);
  },
  /** callback(dynptr, ctx) for each record that user space produced, until it answers 1. */
  bpf_user_ringbuf_drain: (call) => drain(call),
  bpf_xdp_redirect_map: (call) => redirectMap(call),
  dev_map_redirect: (call) => redirectMap(call),
  dev_hash_map_redirect: (call) => redirectMap(call),
  cpu_map_redirect: (call) => redirectMap(call),
  xsk_map_redirect: (call) => redirectMap(call),
};

const XDP_REDIRECT = 4;
/** XDP_REDIRECT where the slot is taken, else the action in the lower bits of flags. */
function redirectMap(call: HelperCall): void {
  const { args } = call;
  const map = call.map(0);
  const flags = args.u32(2);
  if (flags & ~0xf & ~0x18 || args.hi(2) !== 0) {
    args.retInt(0);
    return;
  }
  const slot = map instanceof RedirectMap ? map.slot(args.u32(1)) : 0;
  const taken = slot !== 0;
  if (taken) call.kernel.net.redirect.set(targetOf(call, map, slot));
  args.retU32(taken ? XDP_REDIRECT : flags & 3);
}

/** Where a slot of a devmap, a cpumap or an xskmap leads. */
function targetOf(call: HelperCall, map: BpfMap, slot: Addr): Target {
  if (map.type === BPF_MAP_TYPE.CPUMAP) return { kind: 'cpu', cpu: call.args.u32(1) };
  if (map.type === BPF_MAP_TYPE.XSKMAP) return { kind: 'xsk' };
  return { kind: 'device', index: call.kernel.memory.readU32(slot), flags: 0 };
}

const DYNPTR_TYPE_LOCAL = 1;
const DYNPTR_SIZE_MASK = 0xffffff;
/** what `text/assembly/callbacks.ts` asks for */
const DRAIN_TAKEN = 1;
const DRAIN_LAST = 2;

/** A step of the loop that is kernel text: takes out the sample that the dynptr is of, gives the next; 1 where there is one. */
function drain(call: HelperCall): void {
  const { args, kernel } = call;
  const { memory } = kernel;
  const map = ring(call, 0);
  const dynptr = args.addr(1);
  const what = args.u32(2);
  if (what & DRAIN_TAKEN) map.releaseUser(memory.readU32(dynptr + 8) & DYNPTR_SIZE_MASK);
  const sample = what & DRAIN_LAST ? -ERRNO.ENODATA : map.peekUser();
  if (typeof sample === 'number') {
    args.retInt(sample === -ERRNO.ENODATA || sample === -ERRNO.EAGAIN ? 0 : sample);
    return;
  }
  memory.writeAddr(dynptr, sample.at);
  memory.writeU32(dynptr + 8, sample.size | (DYNPTR_TYPE_LOCAL << 28));
  memory.writeU32(dynptr + 12, 0);
  args.ret(1, 0);
}
