/** What an instruction did, on either side. */
export interface Outcome {
  /** exception vector, or -1: completed, and `rip` is where it went on */
  trap: number;
  /** page faults: address and error code */
  cr2: bigint;
  error: number;
  rip: bigint;
  rflags: number;
  readonly regs: BigUint64Array;
  readonly window: Uint8Array;
  readonly xmm: Uint8Array;
}
