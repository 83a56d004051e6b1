/** What programs printed, here or on the real kernel. */

/** Lines of trace_pipe: task, flags but for N (whether another task wants the CPU is the real machine's affair), and text. */
export const printed = (trace: string): string[] =>
  trace
    .split('\n')
    .filter((line) => line.includes('bpf_trace_printk: '))
    .map((line) => line.replace(/^ *(\S+) .*\[000\] (.)[.N](\S+) .*?bpf_trace_printk: (.*)$/, '$1 $2.$3 $4'));
