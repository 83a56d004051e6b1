/** Names in assembly text to numbers. */
import { helperId } from '../../kernel-sim/bpf/helpers/index.ts';

/** `call bpf_trace_printk` or `call trace_printk`: the helper's number; `call 6` and `call x#6` need no name. */
export function helperCall(name: string): { src: number; imm: number } | undefined {
  const id = helperId(name);
  return id === undefined ? undefined : { src: 0, imm: id };
}
