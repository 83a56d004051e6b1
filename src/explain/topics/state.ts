/** What is held: references, locks, special fields; and how a program runs: loops, size, instructions. */
import type { Topic } from './topic.ts';

export const state: readonly Topic[] = [
  {
    name: 'reference-leak',
    title: 'Something that was taken is not given back',
    about:
      'What bpf_ringbuf_reserve(), bpf_sk_lookup_tcp(), bpf_task_acquire() and their like return is submitted, discarded or released exactly once on every path to the exit, also where it goes wrong in between.',
    messages: [
      /^Unreleased reference/,
      /reference leak/,
      /has not been acquired/,
      /release/,
      /unacquired reference/,
      /ref_obj_id/,
      /^allocated object must be referenced/,
      /zero offset when passed/,
    ],
    wrong: `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("kprobe/do_sys_openat2") int send(struct pt_regs *ctx)
{
    __u64 *e = bpf_ringbuf_reserve(&events, 8, 0);
    if (!e || ctx->rsi == 0)
        return 0;
    *e = 1;
    bpf_ringbuf_submit(e, 0);
    return 0;
}`,
    right: `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("kprobe/do_sys_openat2") int send(struct pt_regs *ctx)
{
    __u64 *e = bpf_ringbuf_reserve(&events, 8, 0);
    if (!e)
        return 0;
    if (ctx->rsi == 0) {
        bpf_ringbuf_discard(e, 0);
        return 0;
    }
    *e = 1;
    bpf_ringbuf_submit(e, 0);
    return 0;
}`,
  },
  {
    name: 'locks',
    title: 'Locks, RCU and preemption: taken and given back on every path',
    about:
      'A bpf_spin_lock protects the map value or object that it is a field of. One is held at a time, no other function is called meanwhile, and every path unlocks before the exit; the same holds for RCU read sections and disabled preemption.',
    messages: [
      /bpf_spin_(?:un)?lock/,
      /rcu_read_(?:un)?lock/,
      /preempt_(?:en|dis)able/,
      /holding a lock/,
      /must be held/,
      /same allocation/,
      /^unmatched|^nested/,
      /region/,
      /RCU CS/,
    ],
    wrong: `struct value { struct bpf_spin_lock lock; __u64 n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct value); } values SEC(".maps");
SEC("tc") int count(struct __sk_buff *skb)
{
    __u32 key = 0;
    struct value *v = bpf_map_lookup_elem(&values, &key);
    if (!v)
        return 0;
    bpf_spin_lock(&v->lock);
    if (++v->n > 10)
        return 0;
    bpf_spin_unlock(&v->lock);
    return 0;
}`,
    right: `struct value { struct bpf_spin_lock lock; __u64 n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct value); } values SEC(".maps");
SEC("tc") int count(struct __sk_buff *skb)
{
    __u32 key = 0;
    struct value *v = bpf_map_lookup_elem(&values, &key);
    if (!v)
        return 0;
    bpf_spin_lock(&v->lock);
    v->n++;
    bpf_spin_unlock(&v->lock);
    return 0;
}`,
  },
  {
    name: 'special-fields',
    title: 'Fields that only the kernel touches: locks, timers, kptrs, lists, trees',
    about:
      'struct bpf_spin_lock, bpf_timer, bpf_wq, bpf_list_head, bpf_rb_root and __kptr pointers in a map value are found by BTF (clang -g), lie at a constant place, and are changed by their own helpers only; timers and locks not in tracing programs that may run anywhere.',
    messages: [
      /has no valid/,
      /has to have BTF/,
      /doesn't point to 'struct/,
      /constant offset/,
      /constant place/,
      /kptr/,
      /^direct access to/,
      /progs cannot use/,
      /^(?:store to|BPF_ST imm)/,
      /not found at offset/,
      /pointer in R1 map_uid/,
      /^operation on/,
      /owning/,
      /rbtree|list/,
      /bpf_\w+ (?:cannot be accessed|access)/,
    ],
    wrong: `struct value { struct bpf_timer timer; __u64 n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct value); } values SEC(".maps");
SEC("tc") int clear(struct __sk_buff *skb)
{
    __u32 key = 0;
    struct value *v = bpf_map_lookup_elem(&values, &key);
    if (v)
        *(volatile __u64 *)&v->timer = 0;
    return 0;
}`,
    right: `struct value { struct bpf_timer timer; __u64 n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct value); } values SEC(".maps");
SEC("tc") int clear(struct __sk_buff *skb)
{
    __u32 key = 0;
    struct value *v = bpf_map_lookup_elem(&values, &key);
    if (v)
        bpf_timer_cancel(&v->timer);
    return 0;
}`,
  },
  {
    name: 'dynptr',
    title: 'Dynptrs and iterators: made, used, given back',
    about:
      'A dynptr or iterator lives on the stack at a constant place. It is initialised by its own function, used while it is, and destroyed or released on every path; its bytes are not touched otherwise.',
    messages: [/dynptr/i, /iter/],
    wrong: `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("kprobe/do_sys_openat2") int send(struct pt_regs *ctx)
{
    struct bpf_dynptr ptr;
    __u64 n = 1;
    bpf_dynptr_write(&ptr, 0, &n, sizeof(n), 0);
    return 0;
}`,
    right: `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
SEC("kprobe/do_sys_openat2") int send(struct pt_regs *ctx)
{
    struct bpf_dynptr ptr;
    __u64 n = 1;
    bpf_ringbuf_reserve_dynptr(&events, sizeof(n), 0, &ptr);
    bpf_dynptr_write(&ptr, 0, &n, sizeof(n), 0);
    bpf_ringbuf_submit_dynptr(&ptr, 0);
    return 0;
}`,
  },
  {
    name: 'loop',
    title: 'The verifier sees no end of a loop',
    about:
      'A loop must come to an end that the verifier can see: something that it knows changes each time, and bounds it. Other loops are bpf_loop(), bpf_for() and bpf_repeat() of iterators, or may_goto; programs without privileges have no loops at all.',
    messages: [/^infinite loop/, /^back-edge/],
    wrong: `int go = 1;
SEC("socket") int wait(struct __sk_buff *skb)
{
    while (*(volatile int *)&go)
        ;
    return 0;
}`,
    right: `int go = 1;
SEC("socket") int wait(struct __sk_buff *skb)
{
    for (int i = 0; i < 100 && *(volatile int *)&go; i++)
        ;
    return 0;
}`,
  },
  {
    name: 'too-large',
    title: 'The program is too complex for the verifier',
    about:
      'The verifier walks each path until it meets a state that it has seen, and gives up after 1,000,000 instructions. `ebpf-emu verify --stats` tells where a program stands. Loops with large bounds become bpf_loop() or a global function, which is verified once; fewer variables that live across branches make states equal sooner.',
    messages: [/^BPF program is too large/, /^The sequence of \d+ jumps/],
    wrong: `SEC("socket") int sum(struct __sk_buff *skb)
{
    volatile __u64 n = 0;
    for (int i = 0; i < 200000; i++)
        n += skb->len ^ i;
    return n;
}`,
    right: `static int step(__u32 i, __u64 *n) { *n += i; return 0; }
SEC("socket") int sum(struct __sk_buff *skb)
{
    __u64 n = 0;
    bpf_loop(200000, step, &n, 0);
    return n;
}`,
  },
  {
    name: 'flow',
    title: 'Jumps and ends',
    about:
      'Every instruction is reached, every jump stays in its function and leads to the begin of an instruction, and each function ends with exit or a jump. clang keeps to that; assembly and tools that change instructions may not.',
    messages: [/^unreachable insn/, /^jump (?:out of range|into)/, /^last insn/, /cannot be patched/],
    wrong: `r0 = 0
exit
r0 = 1
exit`,
    right: `r0 = 0
if r1 != 0 goto yes
exit
yes: r0 = 1
exit`,
    language: 'asm',
  },
  {
    name: 'instructions',
    title: 'Instructions that do not exist like this',
    about:
      'Fields that an instruction does not use must be 0, shifts are narrower than the register, constants that divide are not 0, and atomic operations are those of the instruction set (RFC 9669). Another -mcpu of clang makes other instructions.',
    messages: [
      /uses reserved fields/,
      /^unknown opcode/,
      /bpf_ld_imm64/,
      /^div by zero/,
      /^invalid (?:shift|BPF_)/,
      /^BPF_ATOMIC/,
    ],
    wrong: `r0 = 1
r0 <<= 64
exit`,
    right: `r0 = 1
r0 <<= 63
exit`,
    language: 'asm',
  },
  {
    name: 'relocation',
    title: 'Something that the kernel or the object lacks was left in the program',
    about:
      'A CO-RE relocation for a field, type or enumerator that this kernel lacks leaves an instruction that is refused if it can be reached: guard it with bpf_core_field_exists() and its like, in a condition that is a constant after relocation. Maps and functions are put in their places by the loader.',
    messages: [/CO-RE/, /^fd -?\d+ is not pointing/, /^fd_idx/, /direct value access/],
    wrong: `struct task_struct { int no_such_field; } __attribute__((preserve_access_index));
SEC("tp_btf/sched_process_exit") int gone(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    return task->no_such_field != 0;
}`,
    right: `struct task_struct { int no_such_field; } __attribute__((preserve_access_index));
SEC("tp_btf/sched_process_exit") int gone(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    if (__builtin_preserve_field_info(task->no_such_field, 2))
        return task->no_such_field != 0;
    return 0;
}`,
  },
  {
    name: 'attach-target',
    title: 'Nothing there that the program can be attached to',
    about:
      'fentry, fexit, lsm and tp_btf programs are loaded for one function or hook of the kernel, by its BTF. It must exist there, be no inline function, and be of a kind that the program type attaches to: lsm hooks begin with bpf_lsm_, fmod_ret wants a function that allows errors to be injected.',
    messages: [
      /attach_btf_id/,
      /is not modifiable/,
      /^attach to/,
      /^Subprog \S+ doesn't exist/,
      /^Can attach to only JITed progs/,
      /^Cannot (?:nest tracing|extend fentry)/,
      /^Only FENTRY\/FEXIT progs/,
      /^can't modify return codes of BPF programs/,
      /^\S+\(\) has \d+ args while/,
      /^Return type \S+ of \S+\(\) doesn't match/,
      /^The (?:address of )?function/,
      /^Tracing program/,
      /fmod_ret/,
      /ret type/,
    ],
    wrong: `SEC("fmod_ret/vfs_read") int deny(__u64 *ctx)
{
    return -1;
}`,
    right: `SEC("fmod_ret/security_file_permission") int deny(__u64 *ctx)
{
    return -1;
}`,
  },
];
