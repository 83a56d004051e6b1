/**
 * Lookups of hash maps: Linux 6.12 Documentation/bpf/map_hash.rst; the hash is Bob Jenkins' lookup3 (2006, public
 * domain). `bpf/maps/buckets.ts` changes the same buckets from the host.
 */
import { type Assembler, at, GPR, type Label, mem } from '../../../src/x86/index.ts';
import { addThisCpu, type Emit, type EmitContext, enter, leave, load, mov, pop } from './context.ts';

const { rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13 } = GPR;

/** lookup3's initial value, 0xdeadbeef, as an s32 */
const JHASH_INITVAL = 0xdeadbeef | 0;
/** lookup3's a, b, c, and a scratch register */
const [A, B, C, T] = [rax, rcx, rdx, r8] as const;

const mov32 = (a: Assembler, to: number, from: number): Assembler => a.op('mov r/m32, r32', to, from);
const load32 = (a: Assembler, to: number, base: number, disp: number): Assembler =>
  a.op('mov r32, r/m32', to, at(base, disp));
/** T = from rotated left */
const rotated = (a: Assembler, from: number, by: number): Assembler => a.op('rorx r32, r/m32, imm8', T, from, 32 - by);

/** lookup3's mix(): three rounds there and back */
function mix(a: Assembler): void {
  const rounds: readonly (readonly [x: number, y: number, z: number, by: number])[] = [
    [A, C, B, 4],
    [B, A, C, 6],
    [C, B, A, 8],
    [A, C, B, 16],
    [B, A, C, 19],
    [C, B, A, 4],
  ];
  for (const [x, y, z, by] of rounds) {
    a.op('sub r/m32, r32', x, y);
    rotated(a, y, by).op('xor r/m32, r32', x, T);
    a.op('add r/m32, r32', y, z);
  }
}
/** lookup3's final() */
function final(a: Assembler): void {
  const rounds: readonly (readonly [x: number, y: number, by: number])[] = [
    [C, B, 14],
    [A, C, 11],
    [B, A, 25],
    [C, B, 16],
    [A, C, 4],
    [B, A, 14],
    [C, B, 24],
  ];
  for (const [x, y, by] of rounds) {
    a.op('xor r/m32, r32', x, y);
    rotated(a, y, by).op('sub r/m32, r32', x, T);
  }
}
/** word += the last one to three bytes at rdi, esi of them */
function tailBytes(a: Assembler, word: number, done: Label): void {
  const one = a.label();
  a.op('test r/m8, imm8', rsi, 2).op('je rel8', one);
  a.op('movzx r32, r/m16', T, at(rdi, 0)).op('add r/m32, r32', word, T);
  a.op('test r/m8, imm8', rsi, 1).op('je rel32', done);
  a.op('movzx r32, r/m8', T, at(rdi, 2)).op('shl r/m32, imm8', T, 16).op('add r/m32, r32', word, T);
  a.op('jmp rel32', done);
  a.bind(one);
  a.op('movzx r32, r/m8', T, at(rdi, 0)).op('add r/m32, r32', word, T);
}

/** htab_map_hash(key, key_len, hashrnd): jhash, and jhash2 where the length is one of whole words, which comes to the same */
const htabMapHash: Emit = (a) => {
  const tail = a.label();
  const done = a.label();
  a.op('lea r32, m', A, mem({ base: rsi, index: rdx, scale: 1, disp: JHASH_INITVAL }));
  mov32(a, B, A);
  mov32(a, C, A);
  a.op('cmp r/m32, imm8', rsi, 12).op('jbe rel32', tail);
  const loop = a.bind();
  for (const [n, word] of [A, B, C].entries()) a.op('add r32, r/m32', word, at(rdi, 4 * n));
  mix(a);
  a.op('add r/m64, imm8', rdi, 12).op('sub r/m32, imm8', rsi, 12);
  a.op('cmp r/m32, imm8', rsi, 12).op('ja rel32', loop);
  a.bind(tail);
  const parts = [A, B, C].map((word) => {
    const part = a.label();
    a.op('cmp r/m32, imm8', rsi, 4).op('jb rel32', part);
    a.op('add r32, r/m32', word, at(rdi, 0));
    a.op('sub r/m32, imm8', rsi, 4).op('je rel32', done);
    a.op('add r/m64, imm8', rdi, 4);
    return part;
  });
  for (const [n, word] of [A, B, C].entries()) {
    a.bind(parts[n]);
    tailBytes(a, word, done);
    if (n < 2) a.op('jmp rel8', done);
  }
  a.bind(done);
  final(a);
  mov32(a, rax, C).op('ret');
};

/**
 * lookup_nulls_elem_raw(head, hash, key, key_size, n_buckets): a list's end says whose it is. An element that was moved
 * to another bucket meanwhile leads to that one's end, and the search begins again.
 */
const lookupNullsElemRaw: Emit = (a, k) => {
  const { htab_elem: e } = k.maps;
  const [head, hash, buckets] = [rdi, rsi, r8] as const;
  const element = a.label();
  const first = a.label();
  const again = a.bind();
  load(a, rax, head, 0);
  a.op('jmp rel8', first);
  const next = a.bind();
  load(a, rax, rax, e.hash_node);
  a.bind(first);
  a.op('test r/m8, imm8', rax, 1).op('je rel8', element);
  a.op('shr r/m64, 1', rax);
  a.op('lea r32, m', r9, at(buckets, -1)).op('and r/m32, r32', r9, hash);
  a.op('cmp r/m64, r64', rax, r9).op('jne rel8', again);
  a.op('xor r/m32, r32', rax, rax).op('ret');
  a.bind(element);
  a.op('cmp r/m32, r32', at(rax, e.hash), hash).op('jne rel8', next);
  compareKeys(a, e.key, next);
};

/**
 * What memcmp does of the key at rdx, ecx bytes of it, and the one of the element in rax: returns the element where
 * they are the same. Eight bytes at a time, then what is left.
 */
function compareKeys(a: Assembler, keyAt: number, differ: Label): void {
  const [left, offset, value] = [r9, r10, r11] as const;
  const ours = mem({ base: rdx, index: offset, scale: 1 });
  const theirs = mem({ base: rax, index: offset, scale: 1, disp: keyAt });
  const tail = a.label();
  const same = a.label();
  a.op('xor r/m32, r32', offset, offset);
  mov32(a, left, rcx);
  a.op('sub r/m32, imm8', left, 8).op('jb rel8', tail);
  const loop = a.bind();
  a.op('mov r64, r/m64', value, ours).op('cmp r64, r/m64', value, theirs).op('jne rel8', differ);
  a.op('add r/m64, imm8', offset, 8).op('sub r/m32, imm8', left, 8).op('jae rel8', loop);
  a.bind(tail);
  const steps: readonly (readonly [size: number, read: string, cmp: string])[] = [
    [4, 'mov r32, r/m32', 'cmp r32, r/m32'],
    [2, 'movzx r32, r/m16', 'cmp r16, r/m16'],
    [1, 'movzx r32, r/m8', 'cmp r8, r/m8'],
  ];
  for (const [size, read, cmp] of steps) {
    const skip = size === 1 ? same : a.label();
    a.op('test r/m8, imm8', left, size).op('je rel8', skip);
    a.op(read, value, ours).op(cmp, value, theirs).op('jne rel8', differ);
    if (size > 1) a.op('add r/m64, imm8', offset, size);
    a.bind(skip);
  }
  a.op('ret');
}

/** rax = htab_map_hash(key, map->key_size, htab->hashrnd), for the map in rbx and the key in r12 */
function hashKey(a: Assembler, k: EmitContext): void {
  load32(a, rdx, rbx, k.maps.bpf_htab.hashrnd);
  load32(a, rsi, rbx, k.maps.bpf_map.key_size);
  mov(a, rdi, r12).op('call rel32', k.sym('htab_map_hash'));
}
/** arguments of lookup_nulls_elem_raw for the hash in rax */
function bucketArgs(a: Assembler, k: EmitContext): void {
  const { bpf_htab: h, bucket } = k.maps;
  mov32(a, rsi, rax);
  load32(a, r8, rbx, h.n_buckets);
  a.op('lea r32, m', rdi, at(r8, -1)).op('and r/m32, r32', rdi, rax);
  a.op('imul r64, r/m64, imm8', rdi, rdi, bucket.sizeof);
  a.op('add r64, r/m64', rdi, at(rbx, h.buckets));
  load32(a, rcx, rbx, k.maps.bpf_map.key_size);
  mov(a, rdx, r12);
}

const rawLookup: Emit = (a, k) => {
  enter(a, [rbx, r12]);
  mov(a, rbx, rdi);
  mov(a, r12, rsi);
  hashKey(a, k);
  bucketArgs(a, k);
  pop(a, rbp, rbx, r12);
  a.op('jmp rel32', k.sym('lookup_nulls_elem_raw'));
};

/** What is done with the element in rax; the map is in rbx. */
type Found = (a: Assembler, k: EmitContext) => void;

/** bpf_lru_node_set_ref */
const setRef: Found = (a, k) => {
  const ref = k.maps.htab_elem.lru_node + k.maps.bpf_lru_node.ref;
  const isSet = a.label();
  a.op('cmp r/m8, imm8', at(rax, ref), 0).op('jne rel8', isSet);
  a.op('mov r/m8, imm8', at(rax, ref), 1);
  a.bind(isSet);
};
/** rcx = room of the key: values are aligned */
const keyRoom: Found = (a, k) => {
  load32(a, rcx, rbx, k.maps.bpf_map.key_size);
  a.op('add r/m32, imm8', rcx, 7).op('and r/m32, imm8', rcx, -8);
};
const valueAddr: Found = (a, k) => {
  keyRoom(a, k);
  a.op('lea r64, m', rax, mem({ base: rax, index: rcx, scale: 1, disp: k.maps.htab_elem.key }));
};
/** the pointer that lies where the value would */
const valuePointer: Found = (a, k) => {
  keyRoom(a, k);
  a.op('mov r64, r/m64', rax, mem({ base: rax, index: rcx, scale: 1, disp: k.maps.htab_elem.key }));
};
const thisCpu: Found = (a, k) => {
  valuePointer(a, k);
  addThisCpu(a, k, rax);
};

/** rax = what `found` makes of the element with the key at r12 of the map in rbx; where there is none, 0 at `out` */
function element(a: Assembler, k: EmitContext, found: readonly Found[], out: Label): void {
  hashKey(a, k);
  bucketArgs(a, k);
  a.op('call rel32', k.sym('lookup_nulls_elem_raw'));
  a.op('test r/m64, r64', rax, rax).op('je rel8', out);
  for (const f of found) f(a, k);
}
/** lookup(map, key) */
const lookup =
  (...found: readonly Found[]): Emit =>
  (a, k) => {
    const out = a.label();
    enter(a, [rbx, r12]);
    mov(a, rbx, rdi);
    mov(a, r12, rsi);
    element(a, k, found, out);
    a.bind(out);
    leave(a, [rbx, r12]);
  };
/** lookup(map, key, cpu) */
const lookupPercpu =
  (...found: readonly Found[]): Emit =>
  (a, k) => {
    const out = a.label();
    const none = a.label();
    a.op('cmp r32, r/m32', rdx, mem({ target: k.data('nr_cpu_ids') })).op('jae rel32', none);
    enter(a, [rbx, r12, r13], 8);
    mov(a, rbx, rdi);
    mov(a, r12, rsi);
    mov32(a, r13, rdx);
    element(a, k, found, out);
    valuePointer(a, k);
    a.op('add r64, r/m64', rax, mem({ index: r13, scale: 8, disp: k.data('__per_cpu_offset') }));
    a.bind(out);
    leave(a, [rbx, r12, r13], 8);
    a.bind(none);
    a.op('xor r/m32, r32', rax, rax).op('ret');
  };

export const htab: Readonly<Record<string, Emit>> = {
  htab_map_hash: htabMapHash,
  lookup_nulls_elem_raw: lookupNullsElemRaw,
  __htab_map_lookup_elem: rawLookup,
  htab_map_lookup_elem: lookup(valueAddr),
  htab_lru_map_lookup_elem: lookup(setRef, valueAddr),
  htab_percpu_map_lookup_elem: lookup(thisCpu),
  htab_lru_percpu_map_lookup_elem: lookup(setRef, thisCpu),
  htab_of_map_lookup_elem: lookup(valuePointer),
  htab_percpu_map_lookup_percpu_elem: lookupPercpu(),
  htab_lru_percpu_map_lookup_percpu_elem: lookupPercpu(setRef),
};
