/** What PROG_TEST_RUN takes and gives. */

export interface TestRunOptions {
  /** the packet; at most a page less its head and tail room, or the program's data where it is unverified */
  readonly dataIn?: Uint8Array;
  /** the context: `__sk_buff`, `xdp_md`, the arguments of a raw tracepoint, a syscall program's structure */
  readonly ctxIn?: Uint8Array;
  /** default 1 */
  readonly repeat?: number;
  /** BPF_F_TEST_RUN_ON_CPU and others */
  readonly flags?: number;
  readonly cpu?: number;
  /** room for the data that comes out; without it, all of it comes out */
  readonly dataSizeOut?: number;
  readonly ctxSizeOut?: number;
  /** instructions after which the run is stopped; default none, which is the verifier's guarantee */
  readonly maxInsns?: number;
}

export interface TestRunResult {
  /** u32, as Linux gives it */
  readonly retval: number;
  /** the whole of R0 */
  readonly r0: bigint;
  /** BPF instructions executed, of the program as loaded, over all repeats */
  readonly insns: number;
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
  /** average of one run in ns, on the kernel's clock */
  readonly duration: number;
}
