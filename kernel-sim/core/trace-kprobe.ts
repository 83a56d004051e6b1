/**
 * `struct trace_kprobe` as the model keeps it: `struct kprobe` (by its own layout) in front, then what
 * `struct kretprobe` and `struct trace_probe` add. Linux nests these structures differently; nobody outside reads them.
 */
export const KPROBE = {
  /** kprobe_table has 64 lists */
  hashBits: 6,
  /** per-CPU hit counter */
  nhit: 0x100,
  /** `struct trace_event_call` */
  call: 0x108,
  /** copy of the displaced instruction */
  slot: 0x110,
  /** kretprobe: free return nodes, and how often there was none */
  pool: 0x118,
  nmissed: 0x120,
  size: 0x140,
} as const;
