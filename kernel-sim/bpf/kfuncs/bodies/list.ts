/** Linked lists of objects: `struct bpf_list_head` and `struct bpf_list_node`, a `list_head` with the list that it is on behind it. */
import type { Addr } from '../../../../src/machine/addr.ts';
import type { HelperCall } from '../../helpers/bodies/call.ts';

const NEXT = 0;
const PREV = 8;
const OWNER = 16;

export function emptyList({ kernel: { memory } }: HelperCall, head: Addr): void {
  memory.writeAddr(head + NEXT, head);
  memory.writeAddr(head + PREV, head);
}
/** A head in a map's value is zeroes until it is first used. */
function ready(call: HelperCall, head: Addr): void {
  if (call.kernel.memory.readAddr(head + NEXT) === 0) emptyList(call, head);
}
/** False where the node is on a list already. */
export function pushNode(call: HelperCall, head: Addr, node: Addr, atEnd: boolean): boolean {
  const { memory } = call.kernel;
  ready(call, head);
  if (memory.readAddr(node + OWNER) !== 0) return false;
  const prev = atEnd ? memory.readAddr(head + PREV) : head;
  const next = atEnd ? head : memory.readAddr(head + NEXT);
  memory.writeAddr(node + NEXT, next);
  memory.writeAddr(node + PREV, prev);
  memory.writeAddr(prev + NEXT, node);
  memory.writeAddr(next + PREV, node);
  memory.writeAddr(node + OWNER, head);
  return true;
}
/** The first or the last node, which leaves; 0 where there is none. */
export function popNode(call: HelperCall, head: Addr, atEnd: boolean): Addr {
  const { memory } = call.kernel;
  ready(call, head);
  const node = memory.readAddr(head + (atEnd ? PREV : NEXT));
  if (node === head || memory.readAddr(node + OWNER) !== head) return 0;
  const [next, prev] = [memory.readAddr(node + NEXT), memory.readAddr(node + PREV)];
  memory.writeAddr(prev + NEXT, next);
  memory.writeAddr(next + PREV, prev);
  emptyList(call, node);
  memory.writeAddr(node + OWNER, 0);
  return node;
}
/** `bpf_list_head_free` */
export function drainList(call: HelperCall, head: Addr, drop: (node: Addr) => void): void {
  for (let node = popNode(call, head, false); node !== 0; node = popNode(call, head, false)) drop(node);
}
