/**
 * Maps of functions, filled with programs: how they are registered, replaced and taken away. Errors and states are those that
 * Linux 6.12 gives (Documentation/bpf/libbpf/program_types.rst; BPF_MAP_TYPE_STRUCT_OPS of bpf(2)); what is called when is
 * held against the real kernel in test/kernel-sim/net/truth.test.ts.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { ERRNO } from '../../../src/errors/errno.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { BPF_F_LINK } from '../../../src/uapi/index.ts';

const object = (): BpfObject =>
  BpfObject.open(readFileSync(new URL('../../../fixtures/worlds/congestion.bpf.o', import.meta.url)));
const KEY = new Uint8Array(4);
const STATE = { init: 0, inUse: 1, ready: 3 };

let kernel: Kernel;
let loaded: ReturnType<BpfObject['load']>;
let at: { readonly data: number; readonly state: number; readonly member: (name: string) => number };
let shape: { readonly valueSize: number; readonly btfVmlinuxValueTypeId: number };
beforeAll(async () => {
  kernel = await Kernel.boot();
  loaded = object().load(kernel);
  const { btf } = kernel;
  const id = btf.findByName('bpf_struct_ops_tcp_congestion_ops', 'struct');
  const data = btf.offsetOf(id, 'data').offset;
  const ops = btf.findByName('tcp_congestion_ops', 'struct');
  at = {
    data,
    state: btf.offsetOf(id, 'common.state').offset,
    member: (name) => data + btf.offsetOf(ops, name).offset,
  };
  shape = { valueSize: btf.sizeOf(id), btfVmlinuxValueTypeId: id };
});

const map = (flags: number = BPF_F_LINK) =>
  kernel.bpf.mapCreate({ type: 'struct_ops', keySize: 4, maxEntries: 1, flags, ...shape });
/** A value with programs of the object in its members. */
function value(name: string, programs: { readonly [member: string]: string }): Uint8Array {
  const bytes = new Uint8Array(shape.valueSize);
  const view = new DataView(bytes.buffer);
  for (const [member, program] of Object.entries(programs))
    view.setBigUint64(at.member(member), BigInt(loaded.programs[program]?.fd ?? 0), true);
  bytes.set(new TextEncoder().encode(name), at.member('name'));
  return bytes;
}
const whole = { ssthresh: 'on_ssthresh', undo_cwnd: 'on_undo', cong_avoid: 'on_avoid' };
const stateOf = (one: ReturnType<typeof map>): number =>
  new DataView((one.lookup(KEY) as Uint8Array).buffer).getInt32(at.state, true);
const errno = (name: string) => expect.objectContaining({ errno: name });

it('an update registers it, and the element that is deleted takes it away', () => {
  const one = map(0);
  expect(stateOf(one)).toBe(STATE.init);
  one.update(KEY, value('own', whole));
  expect(stateOf(one)).toBe(STATE.inUse);
  // user space reads ids of programs where it wrote descriptors
  const read = new DataView((one.lookup(KEY) as Uint8Array).buffer);
  expect(read.getBigUint64(at.member('ssthresh'), true)).toBe(
    BigInt(kernel.bpf.objGetInfo(loaded.programs['on_ssthresh']?.fd ?? -1).id),
  );
  expect(() => one.update(KEY, value('own', whole))).toThrow(errno('EBUSY'));
  expect(() => map(0).update(KEY, value('own', whole))).toThrow(errno('EEXIST'));
  one.delete(KEY);
  expect(() => one.delete(KEY)).toThrow(errno('EINPROGRESS'));
  const again = map(0);
  again.update(KEY, value('own', whole));
  again.delete(KEY);
});

it('what the kernel does not take', () => {
  const refused = (bytes: Uint8Array, name = 'EINVAL'): void => {
    const one = map();
    expect(() => one.update(KEY, bytes)).toThrow(errno(name));
    // nothing is left of it, and it may be tried again
    expect(stateOf(one)).toBe(STATE.init);
    one.update(KEY, value('fine', whole));
    expect(stateOf(one)).toBe(STATE.ready);
  };
  refused(value('', whole));
  refused(value('a name', whole));
  refused(value('no_undo', { ssthresh: 'on_ssthresh', cong_avoid: 'on_avoid' }));
  refused(value('no_avoid', { ssthresh: 'on_ssthresh', undo_cwnd: 'on_undo' }));
  refused(value('member', { ...whole, undo_cwnd: 'on_ssthresh' }));
  const state = value('state', whole);
  state[at.state] = 1;
  refused(state);
  const flags = value('flags', whole);
  flags[at.member('flags')] = 4;
  refused(flags);
  const key = value('key', whole);
  key[at.member('key')] = 1;
  refused(key);
  const fd = value('fd', whole);
  new DataView(fd.buffer).setBigUint64(at.member('init'), 999n, true);
  refused(fd, 'EBADF');
  expect(() => map().update(Uint8Array.of(1, 0, 0, 0), value('key', whole))).toThrow(errno('E2BIG'));
  expect(() => map().update(KEY, value('flag', whole), 1)).toThrow(errno('EINVAL'));
  expect(() =>
    kernel.bpf.mapCreate({ type: 'struct_ops', keySize: 4, maxEntries: 1, ...shape, valueSize: 64 }),
  ).toThrow(errno('EINVAL'));
  const sock = kernel.btf.findByName('sock', 'struct');
  expect(() =>
    kernel.bpf.mapCreate({ type: 'struct_ops', keySize: 4, maxEntries: 1, ...shape, btfVmlinuxValueTypeId: sock }),
  ).toThrow(errno('ENOTSUPP'));
});

it('a link registers what is filled; another map of the same name takes its place', () => {
  const one = map();
  const link = () => kernel.bpf.linkCreate({ prog: one.fd, attachType: 'struct_ops' });
  expect(link).toThrow(errno('EINVAL'));
  one.update(KEY, value('linked', whole));
  const held = link();
  expect(kernel.net.congestion.find('linked')).not.toBe(0);
  expect(kernel.bpf.objGetInfo(held.fd)).toMatchObject({ kind: 'link', progId: 0, fields: { map_id: one.id } });
  expect(link).toThrow(errno('EEXIST'));
  expect(() => one.delete(KEY)).toThrow(errno('EOPNOTSUPP'));

  const before = kernel.net.congestion.find('linked');
  const mark = kernel.save();
  const next = map();
  next.update(KEY, value('linked', { ...whole, init: 'on_init' }));
  const update = (to: number, flags = 0, old = 0): number => {
    const attr = new Uint8Array(new Uint32Array([held.fd, to, flags, old]).buffer);
    return kernel.bpf.syscall(29, attr);
  };
  expect(update(next.fd)).toBe(0);
  expect(kernel.net.congestion.find('linked')).not.toBe(before);
  const other = map();
  other.update(KEY, value('other', whole));
  expect(update(other.fd)).toBe(-ERRNO.EINVAL);
  expect(update(one.fd, 4, other.fd)).toBe(-ERRNO.EPERM);
  kernel.restore(mark);
  expect(kernel.net.congestion.find('linked')).toBe(before);

  held.detach();
  expect(kernel.net.congestion.find('linked')).toBe(0);
});
