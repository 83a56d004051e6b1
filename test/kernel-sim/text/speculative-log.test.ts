/** What the log shows of the path on which a processor would go on speculating: lines as 6.12.117 wrote them. */
import { expect, it } from 'vitest';
import { BpfError, Kernel } from '../../../kernel-sim/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';

it('a scalar to which a pointer is added is there a copy of it, without a mark of its own', async () => {
  const kernel = await Kernel.boot({ mitigations: true });
  const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 48, maxEntries: 1 });
  // the addition begins a state: two ways come to it
  const insns = writeInsns(
    assemble(`
      *(u32 *)(r10 -4) = 0
      r2 = r10
      r2 += -4
      r1 = map[id:${map.fd}]
      call bpf_map_lookup_elem#1
      if r0 == 0 goto +7
      r4 = *(u8 *)(r0 +0)
      r1 = r4
      r1 &= 7
      if r4 == 1 goto +1
      r1 &= 3
      r1 += r0
      r0 = *(u8 *)(r1 +0)
      r0 = 0
      exit`).insns,
  );
  let log = '';
  try {
    kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL', unpriv: true, logLevel: 2 });
  } catch (error) {
    if (error instanceof BpfError) log = error.log;
  }
  expect(log.match(/^from \d+ to \d+ \(speculative execution\): .*map_value.*$/m)?.[0]).toBe(
    'from 12 to 13 (speculative execution): R0=map_value(ks=4,vs=48) R1=map_value(ks=4,vs=48) R4=Pscalar(id=2,smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff)) R10=fp0 fp-8=mmmm????',
  );
});
