/** Reads and writes: null pointers, numbers, map values, packets, the stack. */
import type { Topic } from './topic.ts';

export const memory: readonly Topic[] = [
  {
    name: 'null-check',
    title: 'A pointer may be NULL',
    about:
      'bpf_map_lookup_elem() and others return NULL where there is nothing. The verifier calls that type ..._or_null, and wants a comparison with NULL on every path before the pointer is used, also where the program knows better.',
    messages: [/_or_null/, /^Possibly NULL pointer/, /expected to be non-NULL/],
    wrong: `SEC("socket") int count(struct __sk_buff *skb)
{
    __u32 key = 0;
    __u64 *n = bpf_map_lookup_elem(&counts, &key);
    *n += 1;
    return 0;
}`,
    right: `SEC("socket") int count(struct __sk_buff *skb)
{
    __u32 key = 0;
    __u64 *n = bpf_map_lookup_elem(&counts, &key);
    if (n)
        *n += 1;
    return 0;
}`,
  },
  {
    name: 'not-a-pointer',
    title: 'A number is used as a pointer',
    about:
      'Only what the verifier saw as a pointer can be read through: map values, the context, packets, the stack. An address of the kernel or of a task that was read from somewhere is a number; it is followed with bpf_probe_read_kernel() or bpf_probe_read_user(), or BPF_CORE_READ().',
    messages: [/invalid mem access 'scalar'/, /^R\d+ invalid mem access/, /is not a pointer to arena/],
    wrong: `SEC("kprobe/do_sys_openat2") int opened(struct pt_regs *ctx)
{
    const char *name = (const char *)ctx->rsi;
    return name[0] == '/';
}`,
    right: `SEC("kprobe/do_sys_openat2") int opened(struct pt_regs *ctx)
{
    const char *name = (const char *)ctx->rsi;
    char first = 0;
    bpf_probe_read_user(&first, 1, name);
    return first == '/';
}`,
  },
  {
    name: 'map-value-bounds',
    title: 'An index may lie outside of a map value or other memory',
    about:
      'Every offset into a map value must be shown to lie inside, for the least and the greatest value that the index may have. A comparison, or a mask with a constant, gives the verifier the bound; of a signed index it needs both ends.',
    messages: [
      /^invalid access to (map (value|key)|memory|flow keys)/,
      /(min|max) value is outside of the allowed memory range/,
      /min value is negative, either use unsigned index/,
      /unbounded memory access, make sure/,
      /^direct value offset/,
      /buffer (access|offset)/,
    ],
    wrong: `struct table { __u64 slots[8]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct table); } tables SEC(".maps");

SEC("socket") int count(struct __sk_buff *skb)
{
    __u32 key = 0, slot = skb->protocol;
    struct table *t = bpf_map_lookup_elem(&tables, &key);
    if (t)
        t->slots[slot]++;
    return 0;
}`,
    right: `struct table { __u64 slots[8]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct table); } tables SEC(".maps");

SEC("socket") int count(struct __sk_buff *skb)
{
    __u32 key = 0, slot = skb->protocol;
    struct table *t = bpf_map_lookup_elem(&tables, &key);
    if (t && slot < 8)
        t->slots[slot]++;
    return 0;
}`,
  },
  {
    name: 'packet-bounds',
    title: 'The packet may be shorter than what is read',
    about:
      'Before bytes of a packet are read, their end must be compared with data_end: data + size > data_end leads away. The comparison must be of the pointer that is used, or one with the same constant offset.',
    messages: [/^invalid access to packet/, /offset is outside of the packet/],
    wrong: `SEC("xdp") int first(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data;
    return data[0] == 0xff ? XDP_DROP : XDP_PASS;
}`,
    right: `SEC("xdp") int first(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    if (data + 1 > end)
        return XDP_PASS;
    return data[0] == 0xff ? XDP_DROP : XDP_PASS;
}`,
  },
  {
    name: 'packet-moved',
    title: 'A helper may have moved the packet',
    about:
      'bpf_skb_pull_data(), bpf_xdp_adjust_head(), bpf_skb_store_bytes() and their like may move the packet: pointers into it are numbers afterwards. Load data and data_end from the context again behind the call, and compare anew.',
    messages: [],
    wrong: `SEC("tc") int pull(struct __sk_buff *skb)
{
    unsigned char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (data + 1 > end || bpf_skb_pull_data(skb, 64))
        return 0;
    return data[0];
}`,
    right: `SEC("tc") int pull(struct __sk_buff *skb)
{
    unsigned char *data, *end;
    if (bpf_skb_pull_data(skb, 64))
        return 0;
    data = (void *)(long)skb->data, end = (void *)(long)skb->data_end;
    return data + 1 > end ? 0 : data[0];
}`,
  },
  {
    name: 'packet-read-only',
    title: 'The packet cannot be written here',
    about:
      'Which programs may change packets depends on their type: XDP and tc may, socket filters and cgroup_skb only read. Those may not give packet memory to helpers that write, either.',
    messages: [/^cannot write into packet/, /^helper access to the packet/, /does not allow writes to packet data/],
    wrong: `SEC("cgroup_skb/egress") int mark(struct __sk_buff *skb)
{
    unsigned char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (data + 1 <= end)
        data[0] = 1;
    return 1;
}`,
    right: `SEC("tc") int mark(struct __sk_buff *skb)
{
    unsigned char *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    if (data + 1 <= end)
        data[0] = 1;
    return 0;
}`,
  },
  {
    name: 'stack',
    title: 'Outside of the stack, or of what was written there',
    about:
      'A function has 512 bytes of stack, at negative offsets from R10, shared with those that it calls. A program that is loaded with CAP_PERFMON may read bytes of it that were never written: whatever lies there. Without that capability, and where a helper reads them for user space, they must have been initialised; so a program that is accepted for root may be refused for others. Initialise the whole variable, padding included.',
    messages: [
      /^invalid (?:indirect )?read from stack/,
      /stack R\d+/,
      /stack access prohibited/,
      /^(?:uninit stack|spilled ptr) in range/,
      /variable offset stack/,
      /^attempt to corrupt spilled/,
      /^invalid size of register/,
      /stack frame of the caller/,
      /^cannot return stack pointer/,
      /stack pointer/,
    ],
    wrong: `char buffer[8];
SEC("socket") int index(struct __sk_buff *skb)
{
    char local[64] = "x";
    return local[skb->len];
}`,
    right: `SEC("socket") int index(struct __sk_buff *skb)
{
    char local[64] = "x";
    return local[skb->len & 63];
}`,
  },
  {
    name: 'helper-size',
    title: 'The size that a helper is given is not bounded',
    about:
      'A helper that reads or writes memory must be given a size that the verifier knows to be at least 0 (or 1) and at most what the memory has. An unsigned variable that was compared with a constant is that; clang sometimes compares a copy, which `& (SIZE - 1)` avoids.',
    messages: [
      /unbounded memory access, use/,
      /min value is negative, either use unsigned or/,
      /invalid zero-sized read/,
      /memory, len pair/,
    ],
    wrong: `char name[64];
SEC("kprobe/do_sys_openat2") int opened(struct pt_regs *ctx)
{
    bpf_probe_read_user(name, ctx->rdx, (void *)ctx->rsi);
    return 0;
}`,
    right: `char name[64];
SEC("kprobe/do_sys_openat2") int opened(struct pt_regs *ctx)
{
    __u64 size = ctx->rdx;
    if (size > sizeof(name))
        size = sizeof(name);
    bpf_probe_read_user(name, size, (void *)ctx->rsi);
    return 0;
}`,
  },
  {
    name: 'read-only',
    title: 'The memory can only be read',
    about:
      'Constants (.rodata), maps made with BPF_F_RDONLY_PROG, and most structures of the kernel are read by programs, not written.',
    messages: [
      /map forbidden/,
      /cannot write into/,
      /^write to change key/,
      /may write into memory pointed/,
      /^no write support/,
      /^write access at/,
    ],
    wrong: `const volatile int limit = 3;
SEC("socket") int set(struct __sk_buff *skb)
{
    *(volatile int *)&limit = 5;
    return 0;
}`,
    right: `volatile int limit = 3;
SEC("socket") int set(struct __sk_buff *skb)
{
    limit = 5;
    return 0;
}`,
  },
  {
    name: 'alignment',
    title: 'An access is not aligned',
    about:
      'On the stack, in the context and in map values an access of n bytes lies at a multiple of n (everywhere with BPF_F_STRICT_ALIGNMENT). Packed structures are read byte by byte, or copied with __builtin_memcpy().',
    messages: [/^misaligned/, /lies at a multiple of 8/, /^cannot pass in \w+ at an offset/],
    wrong: `r0 = 0
*(u32 *)(r10 -7) = r0
exit`,
    right: `r0 = 0
*(u32 *)(r10 -8) = r0
exit`,
    language: 'asm',
  },
  {
    name: 'structure-access',
    title: 'A field of a kernel structure is not there, or not readable like this',
    about:
      "Pointers with BTF are read by field: within the structure, at a field's own offset, with at most its size. What is not there in this kernel needs CO-RE (bpf_core_field_exists()), memory of user space bpf_probe_read_user().",
    messages: [
      /^access beyond/,
      /^cannot access ptr member/,
      /doesn't have field/,
      /invalid (?:negative access|variable offset)/,
      /access (?:user|percpu) memory/,
      /^only (?:read|access)/,
      /access is allowed only to/,
      /^Cannot access kernel/,
      /^R\d+ invalid \w+ access off/,
    ],
    wrong: `struct task_struct { int pid; char beyond[1 << 20]; };
SEC("tp_btf/sched_process_exit") int gone(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    return task->beyond[(1 << 20) - 1];
}`,
    right: `struct task_struct { int pid; } __attribute__((preserve_access_index));
SEC("tp_btf/sched_process_exit") int gone(__u64 *ctx)
{
    struct task_struct *task = (void *)ctx[0];
    return task->pid & 1;
}`,
  },
];
