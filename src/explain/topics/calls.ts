/** Helpers, kfuncs, functions of the program's own. */
import type { Topic } from './topic.ts';

export const calls: readonly Topic[] = [
  {
    name: 'helper-not-allowed',
    title: 'The helper is not there for this type of program',
    about:
      'Each program type has its helpers: what a tracing program may call a socket filter may not, and the other way round. `man bpf-helpers` says what each is for; a near relative often does the same (bpf_probe_read_kernel() for bpf_probe_read()).',
    messages: [
      /^program of this type cannot use helper/,
      /^(?:invalid|unknown) func/,
      /not supported for program type/,
      /instructions not allowed for this program type/,
      /^helper call is not allowed in probe/,
    ],
    wrong: `SEC("xdp") int name(struct xdp_md *ctx)
{
    char comm[16];
    bpf_get_current_comm(comm, sizeof(comm));
    return XDP_PASS;
}`,
    right: `SEC("kprobe/do_sys_openat2") int name(struct pt_regs *ctx)
{
    char comm[16];
    bpf_get_current_comm(comm, sizeof(comm));
    return 0;
}`,
  },
  {
    name: 'gpl',
    title: 'Only for programs under a GPL compatible licence',
    about:
      'Many helpers and all kfuncs are for programs that say `char LICENSE[] SEC("license") = "GPL";` (or "Dual BSD/GPL" and others of include/linux/license.h).',
    messages: [/non-GPL/, /GPL compatible/, /GPL-restricted/],
    wrong: `char LICENSE[] SEC("license") = "Proprietary";
SEC("kprobe/do_sys_openat2") int opened(struct pt_regs *ctx)
{
    char first;
    bpf_probe_read_user(&first, 1, (void *)ctx->rsi);
    return 0;
}`,
    right: `char LICENSE[] SEC("license") = "Dual BSD/GPL";
SEC("kprobe/do_sys_openat2") int opened(struct pt_regs *ctx)
{
    char first;
    bpf_probe_read_user(&first, 1, (void *)ctx->rsi);
    return 0;
}`,
  },
  {
    name: 'argument-type',
    title: 'A helper or kfunc is given something else than it takes',
    about:
      'Arguments are checked by what the verifier knows of each register: a map where a map is wanted, memory of known size where memory is, the context as it was given, a number where a number is. `expected=` lists what would do.',
    messages: [
      /type=\S+ expected=/,
      /is of type \w+ but/,
      /expected pointer to/,
      /is expected$/,
      /arg#?\d+/i,
      /is not a (?:const|known constant|constant)/,
      /must be a known constant/,
      /is not a scalar/,
      /readonly map/,
      /^string is not zero-terminated/,
      /^Invalid format string/,
      /local_storage\(\)/,
      /isn't map pointer/,
      /^Unsupported reg type/,
      /kernel function \w+ args/,
      /invalid btf_id/,
      /^invalid map_ptr/,
    ],
    wrong: `SEC("socket") int lookup(struct __sk_buff *skb)
{
    return bpf_map_lookup_elem(&counts, (void *)5UL) != 0;
}`,
    right: `SEC("socket") int lookup(struct __sk_buff *skb)
{
    __u32 key = 5;
    return bpf_map_lookup_elem(&counts, &key) != 0;
}`,
  },
  {
    name: 'map-type',
    title: 'The map is of a type that the helper does not take',
    about:
      'bpf_tail_call() takes program arrays, bpf_redirect_map() maps of devices, CPUs and sockets, bpf_perf_event_output() perf event arrays, bpf_ringbuf_output() ring buffers; program arrays and their like cannot be looked up.',
    messages: [
      /^cannot pass map_type/,
      /sockmap/,
      /^callback function not allowed for map/,
      /^only array, hash/,
      /^Sleepable programs can only/,
      /map_ptr/,
      /total number of maps/,
      /struct_ops map/,
      /cgroup storage/,
      /map type$/,
    ],
    wrong: `SEC("xdp") int send(struct xdp_md *ctx)
{
    return bpf_redirect_map(&counts, 0, 0);
}`,
    right: `struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } devices SEC(".maps");

SEC("xdp") int send(struct xdp_md *ctx)
{
    return bpf_redirect_map(&devices, 0, 0);
}`,
  },
  {
    name: 'sleepable',
    title: 'Something sleeps where sleeping is not allowed',
    about:
      'Helpers and kfuncs that may sleep (bpf_copy_from_user(), for one) are for sleepable programs: sections with .s, as fentry.s, lsm.s, uprobe.s, iter.s, and not while a lock or RCU read section is held.',
    messages: [/sleep/i],
    wrong: `SEC("lsm/file_open") int opened(__u64 *ctx)
{
    char byte;
    bpf_copy_from_user(&byte, 1, (void *)4096);
    return 0;
}`,
    right: `SEC("lsm.s/file_open") int opened(__u64 *ctx)
{
    char byte;
    bpf_copy_from_user(&byte, 1, (void *)4096);
    return 0;
}`,
  },
  {
    name: 'functions',
    title: 'Functions of the program: globals, callbacks, depth',
    about:
      'A static function is verified where it is called, with what the caller knows. A global one is verified by itself, by its prototype alone: pointers among its arguments may be NULL, and memory has the size of its type. At most 8 frames call each other, callbacks are static.',
    messages: [
      /[Gg]lobal function/,
      /^Caller passes/,
      /func#\d+/,
      /^use static function/,
      /function calls are not allowed/,
      /^the call stack/,
      /^too many subprograms/,
      /callback/,
      /^missing btf func_info/,
      /bpf_throw/,
      /exception/,
      /CAP_BPF and CAP_SYS_ADMIN/,
      /^call to invalid destination/,
      /tail_call|LD_ABS/,
      /^BPF_LD_/,
    ],
    wrong: `__attribute__((noinline)) int length(__u64 *n) { return n ? *n : 0; }
SEC("socket") int call(struct __sk_buff *skb)
{
    __u32 n = skb->len;
    return length((__u64 *)&n);
}`,
    right: `__attribute__((noinline)) int length(__u64 *n) { return n ? *n : 0; }
SEC("socket") int call(struct __sk_buff *skb)
{
    __u64 n = skb->len;
    return length(&n);
}`,
  },
  {
    name: 'stack-size',
    title: 'The functions together use more than 512 bytes of stack',
    about:
      'The frames of all functions that are active at once share 512 bytes. Large buffers belong into a per-CPU array of one entry, or a global variable.',
    messages: [/^combined stack size/, /call stack of previous frames/],
    wrong: `static __attribute__((noinline)) int inner(volatile char *p) { volatile char more[300] = {}; return more[0] + p[0]; }
SEC("socket") int outer(struct __sk_buff *skb)
{
    volatile char local[300] = {};
    return inner(local);
}`,
    right: `static volatile char local[300];
static __attribute__((noinline)) int inner(void) { volatile char more[300] = {}; return more[0] + local[0]; }
SEC("socket") int outer(struct __sk_buff *skb)
{
    return inner();
}`,
  },
  {
    name: 'kfunc',
    title: 'A kernel function cannot be called here',
    about:
      'kfuncs are registered for certain program types, and take pointers that are trusted: arguments of the program as they came, or what an acquire kfunc returned, compared with NULL. A pointer that was read out of a structure is neither.',
    messages: [
      /kernel function/,
      /kfunc/,
      /^kernel btf_id/,
      /kernel symbol/,
      /obj_new/,
      /must be referenced or trusted/,
      /a rcu pointer/,
      /^calling kernel/,
    ],
    wrong: `struct task_struct { struct task_struct *parent; } __attribute__((preserve_access_index));
struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
SEC("tp_btf/task_newtask") int made(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    struct task_struct *held = bpf_task_acquire(task->parent->parent);
    if (held)
        bpf_task_release(held);
    return 0;
}`,
    right: `struct task_struct { struct task_struct *parent; } __attribute__((preserve_access_index));
struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
SEC("tp_btf/task_newtask") int made(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    struct task_struct *held = bpf_task_acquire(task);
    if (held)
        bpf_task_release(held);
    return 0;
}`,
  },
];
