/**
 * `struct uprobe` and its `struct uprobe_consumer`s as the model keeps them, what `struct trace_uprobe` and
 * `struct bpf_uprobe` add to a consumer included. Linux nests these structures differently; nobody outside reads them.
 */
export const UPROBE = {
  /** first consumer */
  consumers: 0,
  /** u32: how many of them look at returns */
  returns: 8,
  size: 16,
} as const;

export const CONSUMER = {
  next: 0,
  /** called as handler(consumer, regs), and ret_handler(consumer, func, regs); 0 for none */
  handler: 8,
  retHandler: 16,
  /** `struct trace_event_call` of a perf event */
  call: 24,
  /** per-CPU hit counter */
  nhit: 32,
  /** the address space whose hits count, 0 for all */
  mm: 40,
  /** u32: the event is the return's */
  isReturn: 48,
  /** of a multi link: `struct bpf_prog`, and its cookie */
  prog: 56,
  cookie: 64,
  size: 72,
} as const;

/** what uprobe_swbp gives in the place of a uprobe's address */
export const SWBP = { nothing: 0, stepped: 1, trap: 2 } as const;
