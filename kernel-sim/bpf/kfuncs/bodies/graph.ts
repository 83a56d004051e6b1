/** Objects on lists and in trees: bpf_list_push_front and its kin, bpf_rbtree_add and its kin (Linux 6.12 Documentation/bpf/graph_ds_impl.rst). */
import { ERRNO } from '../../../core/errno.ts';
import { type HelperBodies, type HelperBody, type HelperCall, pair } from '../../helpers/bodies/call.ts';
import { popNode, pushNode } from './list.ts';
import { dropObject, fieldsOf } from './object.ts';
import { addNode, firstNode, removeNode } from './tree.ts';

/** What is on a list or in a tree already is dropped: the program gave its reference away. */
function refuse(call: HelperCall, meta: number, offset: number): void {
  const { args } = call;
  dropObject(call, args.addr(1) - args.u32(offset), fieldsOf(call, args.addr(meta)));
  args.retInt(-ERRNO.EINVAL);
}
const push =
  (atEnd: boolean): HelperBody =>
  (call) => {
    if (pushNode(call, call.args.addr(0), call.args.addr(1), atEnd)) call.args.retInt(0);
    else refuse(call, 2, 3);
  };
const pop =
  (atEnd: boolean): HelperBody =>
  (call) =>
    call.args.retAddr(popNode(call, call.args.addr(0), atEnd));

export const GRAPH: HelperBodies = {
  bpf_list_push_front_impl: push(false),
  bpf_list_push_back_impl: push(true),
  bpf_list_pop_front: pop(false),
  bpf_list_pop_back: pop(true),
  bpf_rbtree_add_impl: (call) => {
    const { args } = call;
    const [root, node, less, meta, offset] = [args.addr(0), args.addr(1), args.addr(2), args.addr(3), args.u32(4)];
    const isAdded = addNode(call, root, node, (a, b) => call.callback(less, [pair(a), pair(b)]) !== 0);
    if (!isAdded) dropObject(call, node - offset, fieldsOf(call, meta));
    args.retInt(isAdded ? 0 : -ERRNO.EINVAL);
  },
  bpf_rbtree_remove: (call) => {
    const node = call.args.addr(1);
    call.args.retAddr(removeNode(call, call.args.addr(0), node) ? node : 0);
  },
  bpf_rbtree_first: (call) => call.args.retAddr(firstNode(call, call.args.addr(0))),
};
