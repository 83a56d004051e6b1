// Written by `ebpf-emu gen types` from shapes.o. Use it as BpfObject.open<Shapes>('shapes.o').

/** struct record */
export interface Record2 {
  x: number;
  y: number;
}

/** struct empty */
export type Empty = Record<string, never>;

/** struct event */
export interface Event {
  export: 'constructor' | 'prototype' | number;
  wide: 'SMALL' | 'LARGE' | bigint;
  comm: string;
  good: boolean;
  path: Record2[];
  await: {
    deep: number;
    in: {
      deeper: number;
    };
  };
  list: {
    each: number;
  }[];
  code: number;
  status: number;
  to: Address;
  low: number;
  middle: number;
  top: number;
  below: number;
  where: bigint;
  function: number;
  grid: number[][];
  ratio: number;
  nothing: Empty;
}

/** union address */
export interface Address {
  v4: number;
  v6: number[];
  parts: {
    high: number;
    low: number;
  };
}

export interface Shapes {
  readonly maps: {
    readonly events: { readonly key: unknown; readonly value: unknown };
    readonly delete: { readonly key: Record2; readonly value: ('constructor' | 'prototype' | number)[] };
  };
  readonly programs: {
    readonly send: 'raw_tp/sched_process_exit';
  };
  readonly data: {
    await: number[];
    rows: number[][];
  };
  readonly bss: {
    class: {
      function: bigint;
      empty: Empty;
    };
  };
  readonly rodata: {
    new: 'SMALL' | 'LARGE' | bigint;
  };
  readonly kconfig: Record<never, never>;
  readonly types: {
    readonly record: Record2;
    readonly export: 'constructor' | 'prototype' | number;
    readonly wide: 'SMALL' | 'LARGE' | bigint;
    readonly empty: Empty;
    readonly event: Event;
  };
}
