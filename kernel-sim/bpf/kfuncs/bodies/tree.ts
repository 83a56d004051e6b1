/**
 * Red-black trees (Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", chapter 13) over `struct rb_node` in guest memory:
 * the parent's address with the colour in its lowest bit, right, left; the root with its leftmost node (Linux 6.12
 * Documentation/core-api/rbtree.rst). `struct bpf_rb_node` has the root that it is on behind it.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import type { HelperCall } from '../../helpers/bodies/call.ts';

const PARENT = 0;
const RIGHT = 8;
const LEFT = 16;
const OWNER = 24;
const LEFTMOST = 8;
const BLACK = 1;
type Side = typeof LEFT | typeof RIGHT;
const other = (side: Side): Side => (side === LEFT ? RIGHT : LEFT);

/** One tree, as long as an operation takes. */
class Tree {
  readonly #call: HelperCall;
  readonly #root: Addr;
  constructor(call: HelperCall, root: Addr) {
    this.#call = call;
    this.#root = root;
  }
  get #memory() {
    return this.#call.kernel.memory;
  }
  get root(): Addr {
    return this.#memory.readAddr(this.#root);
  }
  child(node: Addr, side: Side): Addr {
    return this.#memory.readAddr(node + side);
  }
  #setChild(node: Addr, side: Side, child: Addr): void {
    this.#memory.writeAddr(node + side, child);
  }
  parent(node: Addr): Addr {
    const word = this.#memory.readAddr(node + PARENT);
    return word - (((word % 2) + 2) % 2);
  }
  /** missing nodes are black */
  isBlack(node: Addr): boolean {
    return node === 0 || (this.#memory.readU8(node + PARENT) & BLACK) !== 0;
  }
  #set(node: Addr, parent: Addr, isBlack: boolean): void {
    this.#memory.writeAddr(node + PARENT, parent + (isBlack ? BLACK : 0));
  }
  #colour(node: Addr, isBlack: boolean): void {
    this.#set(node, this.parent(node), isBlack);
  }
  #sideOf(node: Addr, parent: Addr): Side {
    return this.child(parent, LEFT) === node ? LEFT : RIGHT;
  }
  /** `next` takes the place of `node` below its parent. */
  #replace(node: Addr, next: Addr): void {
    const parent = this.parent(node);
    if (parent === 0) this.#memory.writeAddr(this.#root, next);
    else this.#setChild(parent, this.#sideOf(node, parent), next);
    if (next !== 0) this.#set(next, parent, this.isBlack(next));
  }
  /** The child on the other side rises above the node, which goes down to `side`. */
  #rotate(node: Addr, side: Side): void {
    const riser = this.child(node, other(side));
    const middle = this.child(riser, side);
    this.#setChild(node, other(side), middle);
    if (middle !== 0) this.#set(middle, node, this.isBlack(middle));
    this.#replace(node, riser);
    this.#setChild(riser, side, node);
    this.#set(node, riser, this.isBlack(node));
  }
  /** the first in order */
  get leftmost(): Addr {
    return this.#memory.readAddr(this.#root + LEFTMOST);
  }
  set leftmost(node: Addr) {
    this.#memory.writeAddr(this.#root + LEFTMOST, node);
  }
  next(node: Addr): Addr {
    let at = this.child(node, RIGHT);
    if (at !== 0) {
      while (this.child(at, LEFT) !== 0) at = this.child(at, LEFT);
      return at;
    }
    at = node;
    let parent = this.parent(at);
    while (parent !== 0 && this.child(parent, RIGHT) === at) {
      at = parent;
      parent = this.parent(at);
    }
    return parent;
  }

  insert(node: Addr, parent: Addr, side: Side): void {
    this.#setChild(node, LEFT, 0);
    this.#setChild(node, RIGHT, 0);
    this.#set(node, parent, false);
    if (parent === 0) this.#memory.writeAddr(this.#root, node);
    else this.#setChild(parent, side, node);
    let at = node;
    for (let up = this.parent(at); up !== 0 && !this.isBlack(up); up = this.parent(at)) {
      const grand = this.parent(up);
      const upSide = this.#sideOf(up, grand);
      const uncle = this.child(grand, other(upSide));
      if (!this.isBlack(uncle)) {
        this.#colour(up, true);
        this.#colour(uncle, true);
        this.#colour(grand, false);
        at = grand;
        continue;
      }
      if (this.#sideOf(at, up) !== upSide) {
        this.#rotate(up, upSide);
        at = up;
        up = this.parent(at);
      }
      this.#colour(up, true);
      this.#colour(grand, false);
      this.#rotate(grand, other(upSide));
    }
    this.#colour(this.root, true);
  }

  erase(node: Addr): void {
    const [left, right] = [this.child(node, LEFT), this.child(node, RIGHT)];
    let wasBlack = this.isBlack(node);
    let [child, parent]: [Addr, Addr] = [0, 0];
    if (left === 0 || right === 0) {
      child = left === 0 ? right : left;
      parent = this.parent(node);
      this.#replace(node, child);
    } else {
      let heir = right;
      while (this.child(heir, LEFT) !== 0) heir = this.child(heir, LEFT);
      wasBlack = this.isBlack(heir);
      child = this.child(heir, RIGHT);
      const colour = this.isBlack(node);
      if (this.parent(heir) === node) parent = heir;
      else {
        parent = this.parent(heir);
        this.#replace(heir, child);
        this.#setChild(heir, RIGHT, right);
        this.#set(right, heir, this.isBlack(right));
      }
      this.#replace(node, heir);
      this.#setChild(heir, LEFT, left);
      this.#set(left, heir, this.isBlack(left));
      this.#colour(heir, colour);
    }
    if (wasBlack) this.#rebalance(child, parent);
  }
  /** One black node is missing on the way to `at`. */
  #rebalance(from: Addr, fromParent: Addr): void {
    let [at, parent] = [from, fromParent];
    while (parent !== 0 && this.isBlack(at)) {
      const side = this.child(parent, LEFT) === at ? LEFT : RIGHT;
      let sibling = this.child(parent, other(side));
      if (!this.isBlack(sibling)) {
        this.#colour(sibling, true);
        this.#colour(parent, false);
        this.#rotate(parent, side);
        sibling = this.child(parent, other(side));
      }
      if (this.isBlack(this.child(sibling, LEFT)) && this.isBlack(this.child(sibling, RIGHT))) {
        this.#colour(sibling, false);
        at = parent;
        parent = this.parent(at);
        continue;
      }
      if (this.isBlack(this.child(sibling, other(side)))) {
        this.#colour(this.child(sibling, side), true);
        this.#colour(sibling, false);
        this.#rotate(sibling, other(side));
        sibling = this.child(parent, other(side));
      }
      this.#colour(sibling, this.isBlack(parent));
      this.#colour(parent, true);
      this.#colour(this.child(sibling, other(side)), true);
      this.#rotate(parent, side);
      at = this.root;
      break;
    }
    if (at !== 0) this.#colour(at, true);
  }
}

/** `less(node, other)` is the program's; false where the node is in a tree already. */
export function addNode(call: HelperCall, root: Addr, node: Addr, less: (a: Addr, b: Addr) => boolean): boolean {
  const { memory } = call.kernel;
  if (memory.readAddr(node + OWNER) !== 0) return false;
  const tree = new Tree(call, root);
  let parent = 0;
  let side: Side = LEFT;
  let isFirst = true;
  for (let at = tree.root; at !== 0; at = tree.child(at, side)) {
    parent = at;
    side = less(node, at) ? LEFT : RIGHT;
    if (side === RIGHT) isFirst = false;
  }
  tree.insert(node, parent, side);
  if (isFirst) tree.leftmost = node;
  memory.writeAddr(node + OWNER, root);
  return true;
}
/** False where it is in no such tree. */
export function removeNode(call: HelperCall, root: Addr, node: Addr): boolean {
  const { memory } = call.kernel;
  if (memory.readAddr(node + OWNER) !== root) return false;
  const tree = new Tree(call, root);
  if (tree.leftmost === node) tree.leftmost = tree.next(node);
  tree.erase(node);
  // RB_CLEAR_NODE: a node that is its own parent is in no tree
  memory.writeAddr(node + PARENT, node);
  memory.writeAddr(node + OWNER, 0);
  return true;
}
export const firstNode = (call: HelperCall, root: Addr): Addr => new Tree(call, root).leftmost;
/** `bpf_rb_root_free` */
export function drainTree(call: HelperCall, root: Addr, drop: (node: Addr) => void): void {
  for (let node = firstNode(call, root); node !== 0; node = firstNode(call, root)) {
    removeNode(call, root, node);
    drop(node);
  }
}
