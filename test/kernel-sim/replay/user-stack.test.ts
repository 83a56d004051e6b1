/** bpf_get_stack(BPF_F_USER_STACK): what `strace -k` recorded is the task's user stack. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';
import { readStrace } from '../../../src/replay/index.ts';

/** The user stack at the last close() of a recording. */
async function stackOf(text: string): Promise<bigint[]> {
  const kernel = await Kernel.boot();
  const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 64, maxEntries: 1 });
  const insns = writeInsns(
    assemble(`
      r2 = r10
      r2 += -64
      r3 = 64
      r4 = 0x100
      call bpf_get_stack#67
      *(u32 *)(r10 - 68) = 0
      r3 = r10
      r3 += -64
      r2 = r10
      r2 += -68
      r1 = map[id:${map.fd}]
      r4 = 0
      call bpf_map_update_elem#2
      r0 = 0
      exit`).insns,
  );
  const prog = kernel.bpf.progLoad({ type: 'kprobe', license: 'GPL', insns });
  kernel.bpf.linkCreate({ prog, target: kernel.perf.open({ type: 'kprobe', func: '__x64_sys_close' }).fd });
  await kernel.replay(readStrace(text).trace);
  const value = map.lookup(new Uint8Array(4)) as Uint8Array;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: 8 }, (_, n) => view.getBigUint64(8 * n, true)).filter((at) => at !== 0n);
}

it('has the recorded frames, alike in every task, and one where none are recorded', async () => {
  const frames = ' > /lib/libc.so.6(__close+0x10) [0xf6950]\n > /bin/cat() [0x3bfb]\n';
  const first = await stackOf(`7 close(1) = 0\n${frames}`);
  expect(first.map((at) => at & 0xfff_ffffn)).toEqual([0xf6950n, 0x3bfbn]);
  expect(first.every((at) => at > 0x7f00_0000_0000n && at < 0x8000_0000_0000n)).toBe(true);
  expect(await stackOf(`7 close(1) = 0\n8 close(1) = 0\n${frames}`)).toEqual(first);
  expect(await stackOf('7 close(1) = 0\n')).toHaveLength(1);
});
