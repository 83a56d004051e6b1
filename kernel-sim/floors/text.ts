/** Floor 1, text: names of addresses, and the machine code of the kernel's functions. */
import type { Symbols } from '../sym/symbols.ts';
import type { KernelText } from '../text/kernel-text.ts';
import type { Ground } from './ground.ts';

export interface TextFloor extends Ground {
  readonly symbols: Symbols;
  /** modelled functions: `kernel.text.define({ name: 'bpf_trace_printk', handler })` */
  readonly text: KernelText;
}
