/**
 * Runs that did not take place because the program, or another of an event's, ran on the CPU already: `recursion_misses` of
 * `struct bpf_prog_info` (`bpf_prog_inc_misses_counter`; Linux 6.12 include/linux/filter.h).
 */
import type { BpfState } from '../objects/state.ts';

export function countMisses(state: BpfState): void {
  const { text, args, memory, structs, probes } = state.kernel;
  const missed = (prog: number): void => {
    const object = state.progAt(prog);
    if (object !== undefined) object.recursionMisses++;
  };
  probes.leftOut.add((prog) => missed(prog.address));
  text.hypercall('bpf_prog_missed', () => missed(args.addr(0)));
  // of a `struct bpf_prog_array`, each
  text.hypercall('bpf_progs_missed', () => {
    const array = args.addr(0);
    if (array === 0) return;
    const item = structs.of('bpf_prog_array_item');
    for (let at = array + structs.of('bpf_prog_array').offset('items'); ; at += item.size) {
      const prog = memory.readAddr(at + item.offset('prog'));
      if (prog === 0) return;
      missed(prog);
    }
  });
}
