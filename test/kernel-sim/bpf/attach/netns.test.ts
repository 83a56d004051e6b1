/** BPF_PROG_QUERY of programs that look up sockets (`union bpf_attr.query`; kernel/bpf/net_namespace.c of Linux 6.12). */
import { expect, it } from 'vitest';
import { Arena } from '../../../../kernel-sim/core/user-access.ts';
import { Kernel } from '../../../../kernel-sim/index.ts';
import { insn, writeInsns } from '../../../../src/isa/index.ts';
import { BPF_ATTACH_TYPE as A, BPF_CMD as C } from '../../../../src/uapi/index.ts';

const insns = writeInsns([insn(0xb7, 0, 0, 0, 1), insn(0x95, 0, 0, 0, 0)]);

it('tells the programs of the links on a network namespace in their order', async () => {
  const kernel = await Kernel.boot({ engine: 'step' });
  const { bpf } = kernel;
  const netns = kernel.net.openNamespace();
  const load = () => bpf.progLoad({ type: 'sk_lookup', expectedAttachType: 'sk_lookup', license: 'GPL', insns });
  const [first, second] = [load(), load()];
  const memory = new Arena();
  const [ids, flags] = [memory.alloc(8), memory.alloc(8)];
  memory.write(flags, new Uint8Array(8).fill(0xaa));
  const words = (at: number): number[] => [...new Uint32Array((memory.read(at, 8) ?? new Uint8Array()).slice().buffer)];

  /** `[result, prog_cnt]` */
  const query = (room: number, queryFlags = 0): [number, number] => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, netns, true);
    view.setUint32(4, A.SK_LOOKUP, true);
    view.setUint32(8, queryFlags, true);
    view.setBigUint64(16, BigInt(ids), true);
    view.setUint32(24, room, true);
    view.setBigUint64(32, BigInt(flags), true);
    return [bpf.syscall(C.PROG_QUERY, bytes, 64, memory), view.getUint32(24, true)];
  };
  expect(query(2)).toEqual([0, 0]);
  const link = bpf.linkCreate({ prog: first, attachType: 'sk_lookup', target: netns });
  bpf.linkCreate({ prog: second, attachType: 'sk_lookup', target: netns });
  expect(query(0)).toEqual([0, 2]);
  expect(words(ids)).toEqual([0, 0]);
  expect(query(1)).toEqual([-28, 2]);
  expect(words(ids)).toEqual([bpf.prog(first.fd).id, 0]);
  expect(query(2)).toEqual([0, 2]);
  expect(words(ids)).toEqual([first, second].map(({ fd }) => bpf.prog(fd).id));
  expect(words(flags)).toEqual([0xaaaaaaaa, 0xaaaaaaaa]);
  expect(query(2, 1)[0]).toBe(-22);
  link.link.detach();
  expect(query(2)).toEqual([0, 1]);
  expect(words(ids)[0]).toBe(bpf.prog(second.fd).id);
});
it('tells the flow dissector', async () => {
  const kernel = await Kernel.boot({ engine: 'step' });
  const { bpf } = kernel;
  const netns = kernel.net.openNamespace();
  const prog = bpf.progLoad({
    type: 'flow_dissector',
    expectedAttachType: 'flow_dissector',
    license: 'GPL',
    insns: writeInsns([insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)]),
  });
  const count = (): [number, number] => {
    const view = new DataView(new ArrayBuffer(64));
    view.setUint32(0, netns, true);
    view.setUint32(4, A.FLOW_DISSECTOR, true);
    const bytes = new Uint8Array(view.buffer);
    return [bpf.syscall(C.PROG_QUERY, bytes), view.getUint32(24, true)];
  };
  expect(count()).toEqual([0, 0]);
  const link = bpf.linkCreate({ prog, attachType: 'flow_dissector', target: netns });
  expect(count()).toEqual([0, 1]);
  link.detach();
  expect(count()).toEqual([0, 0]);
});
it('takes no such program without a link', async () => {
  const kernel = await Kernel.boot({ engine: 'step' });
  const { fd } = kernel.bpf.progLoad({ type: 'sk_lookup', expectedAttachType: 'sk_lookup', license: 'GPL', insns });
  const attach = Uint8Array.from(new Uint8Array(Uint32Array.of(kernel.net.openNamespace(), fd, A.SK_LOOKUP, 0).buffer));
  expect(kernel.bpf.syscall(C.PROG_ATTACH, attach)).toBe(-22);
});
