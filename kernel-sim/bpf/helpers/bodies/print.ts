/** bpf_trace_printk, bpf_trace_vprintk, bpf_snprintf (bpf-helpers(7)). */
import { ERRNO } from '../../../core/errno.ts';
import { readString } from './access.ts';
import type { HelperBodies, HelperCall } from './call.ts';
import { type Conversion, parseFormat } from './format.ts';

/** BPF_TRACE_PRINTK_SIZE */
const TRACE_SIZE = 1024;

function trace(call: HelperCall, format: readonly Conversion[] | undefined, count: number): void {
  const { printer, words } = call.printing;
  if (format === undefined || count < 0 || !printer.print(format, words, count, TRACE_SIZE - 1)) {
    call.args.retInt(-ERRNO.EINVAL);
    return;
  }
  call.kernel.trace.bpfPrintk(printer.out, Math.min(printer.length, TRACE_SIZE - 1));
  call.args.retInt(printer.length);
}

export const PRINT: HelperBodies = {
  bpf_trace_printk: (call) => {
    const { args } = call;
    const printing = call.printing;
    const { words } = printing;
    // the format takes as many as it wants: a call always passes three registers
    for (let n = 0; n < 3; n++) {
      words[2 * n] = args.lo(2 + n);
      words[2 * n + 1] = args.hi(2 + n);
    }
    trace(call, printing.format(args.addr(0), args.u32(1)), 3);
  },
  bpf_trace_vprintk: (call) => {
    const { args } = call;
    const printing = call.printing;
    const format = printing.format(args.addr(0), args.u32(1));
    trace(call, format, printing.values(args.addr(2), args.u32(3)));
  },
  bpf_snprintf: (call) => {
    const { args } = call;
    const { memory } = call.kernel;
    const [at, size] = [args.addr(0), args.u32(1)];
    const printing = call.printing;
    const { printer, words } = printing;
    const bytes = readString(memory, args.addr(2), 4096);
    const count = printing.values(args.addr(3), args.u32(4));
    const format = bytes && parseFormat(bytes);
    if (format === undefined || count < 0 || !printer.print(format, words, count, Math.max(0, size - 1))) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    if (size > 0) {
      const kept = new Uint8Array(Math.min(size - 1, printer.length) + 1);
      kept.set(printer.out.subarray(0, kept.length - 1));
      memory.writeBytes(at, kept);
    }
    args.retInt(printer.length + 1);
  },
};
