/** Where a converted filter keeps classic BPF's machine (include/linux/filter.h of Linux 6.12). */

/** accumulator A, also the return value */
export const A = 0;
/** index register X */
export const X = 7;
export const TMP = 2;
/** the socket buffer */
export const CTX = 6;
/** skb->data */
export const DATA = 8;
/** bytes in the linear part: skb->len - skb->data_len */
export const HEADLEN = 9;
export const ARG1 = 1;
export const ARG2 = 2;
export const ARG3 = 3;
export const ARG4 = 4;

/** What conversion must know of the kernel: structure layouts and addresses. */
export interface ClassicKernel {
  /** offset of a field of `struct sk_buff` or `struct net_device` */
  offset(struct: 'sk_buff' | 'net_device', field: string): number;
  /** address of a kernel function minus `__bpf_call_base` */
  call(name: string): number;
}
