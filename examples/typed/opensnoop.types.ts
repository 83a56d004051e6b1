// Written by `ebpf-emu gen types` from opensnoop.o. Use it as BpfObject.open<Opensnoop>('opensnoop.o').

/** struct pt_regs */
export interface PtRegs {
  r15: bigint;
  r14: bigint;
  r13: bigint;
  r12: bigint;
  rbp: bigint;
  rbx: bigint;
  r11: bigint;
  r10: bigint;
  r9: bigint;
  r8: bigint;
  rax: bigint;
  rcx: bigint;
  rdx: bigint;
  rsi: bigint;
  rdi: bigint;
  orig_rax: bigint;
  rip: bigint;
  cs: bigint;
  eflags: bigint;
  rsp: bigint;
  ss: bigint;
}

/** struct event */
export interface Event {
  pid: number;
  uid: number;
  ns: bigint;
  comm: string;
  filename: string;
}

export interface Opensnoop {
  readonly maps: {
    readonly events: { readonly key: unknown; readonly value: unknown };
  };
  readonly programs: {
    readonly snoop_open: 'kprobe/do_sys_openat2';
  };
  readonly data: Record<never, never>;
  readonly bss: {
    unused_event: bigint;
  };
  readonly rodata: {
    '____snoop_open.____fmt': string;
  };
  readonly kconfig: Record<never, never>;
  readonly types: {
    readonly pt_regs: PtRegs;
    readonly event: Event;
  };
}
