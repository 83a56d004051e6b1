/**
 * Runs that are left out because a kprobe or a multi kprobe is at work (fixtures/missed.c), and which counter says so: a kprobe
 * within a kprobe is `nmissed` (Linux 6.12 Documentation/trace/kprobes.rst, "Kprobes and reentrancy"); an fprobe knows no kprobe at
 * work, so that the program is what is left out (`recursion_misses` of bpf_prog_info). COUNTED is what Linux 6.12.117 told of the
 * same object after the same two calls.
 */
import { expect, it } from 'vitest';
import { BpfObject, Kernel, readStrace } from '../../../src/index.ts';

const object = new URL('../../../fixtures/missed.o', import.meta.url).pathname;
const TRACE = `100 10:00:00.000000 sethostname("other", 5) = 0
100 10:00:00.100000 setdomainname("dom", 3) = 0
`;
/** `recursion_misses` of each program, and `missed` of each link's bpf_link_info */
const COUNTED = {
  outer_kprobe: [0, 0n],
  outer_multi: [0, 0n],
  inner_multi: [3, 0n],
  inner_kprobe: [3, 1n],
};

it.each(['jit', 'interp'] as const)('by the program or by the probe, as each kind does (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  const loaded = BpfObject.open(object).load(kernel);
  const links = loaded.attach();
  await kernel.replay(readStrace(TRACE).trace);
  const bss = [...(loaded.maps['.bss']?.entries() ?? [])][0]?.[1];
  expect(bss).toEqual({ by_kprobe: 3n, by_multi: 4n, ran: 0n });
  const counted = links.map(({ program, link }) => {
    const fields = link.link.info() as { missed?: bigint; kprobe?: { missed: bigint } };
    return [program, [loaded.programs[program]!.handle.prog.recursionMisses, fields.missed ?? fields.kprobe?.missed]];
  });
  expect(Object.fromEntries(counted)).toEqual(COUNTED);
});
