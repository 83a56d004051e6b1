/**
 * Programs on programs: extensions of a global function, fentry and fexit on a program's functions (`fixtures/extend`). Results, errors
 * and link information are those of Linux 6.12.117, asked through libbpf.
 */
import { expect, it } from 'vitest';
import { BpfError, BpfObject, Kernel, type LinkHandle } from '../../../../src/index.ts';

const fixture = (name: string): string =>
  new URL(`../../../../fixtures/extend/${name}.bpf.o`, import.meta.url).pathname;

async function setup() {
  const kernel = await Kernel.boot();
  const target = BpfObject.open(fixture('target')).load(kernel);
  const classify = target.programs['classify'];
  if (classify === undefined) throw new Error('no classify');
  const run = (): number => classify.handle.testRun({ dataIn: new Uint8Array(64) }).retval;
  const prog = classify.fd;
  const watch = () =>
    BpfObject.open(fixture('watch')).load(kernel, {
      targets: { weigh_enter: { prog }, weigh_exit: { prog }, classify_exit: { prog } },
    });
  const extend = (func = 'weigh') => {
    const loaded = BpfObject.open(fixture('extension')).load(kernel, { targets: { heavier: { prog, func } } });
    const { heavier } = loaded.programs;
    if (heavier === undefined) throw new Error('no heavier');
    return heavier;
  };
  return { kernel, run, watch, extend, id: classify.handle.id };
}
const errno = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    return error instanceof BpfError
      ? `${error.errno}${error.log ? ` ${error.log.split('\n')[0]}` : ''}`
      : String(error);
  }
};
const told = ({ link }: LinkHandle): unknown => link.info();

it('watches functions of a program as fentry and fexit watch the kernel', async () => {
  const { run, watch, id } = await setup();
  expect(run()).toBe(192);
  const watched = watch();
  const links = watched.attach();
  expect(run()).toBe(192);
  const { entered, length, factor_seen, result, whole } = watched.bss;
  expect([entered, length, factor_seen, result, whole]).toEqual([1n, 64n, 3n, 192n, 192n]);
  expect(links.map(({ link }) => told(link))).toEqual([
    { attach_type: 24, target_obj_id: id, target_btf_id: 18 },
    { attach_type: 25, target_obj_id: id, target_btf_id: 18 },
    { attach_type: 25, target_obj_id: id, target_btf_id: 20 },
  ]);
  for (const link of links) link.detach();
  expect(run()).toBe(192);
  expect(watched.bss['entered']).toBe(1n);
});

it('replaces a global function by a jump behind endbr64, and gives it back', async () => {
  const { run, watch, extend, id, kernel } = await setup();
  const watched = watch();
  const links = watched.attach();
  const heavier = extend();
  expect(errno(() => heavier.attach())).toBe('EBUSY');
  for (const link of links) link.detach();
  const link = heavier.attach();
  expect(run()).toBe(3064);
  expect(told(link.link)).toEqual({ attach_type: 0, target_obj_id: id, target_btf_id: 18 });
  const [probe] = link.link.link.probes;
  expect([...(probe?.before ?? [])]).toEqual([0x0f, 0x1f, 0x44, 0, 0]);
  expect(kernel.text.read(probe?.address ?? 0, 1)[0]).toBe(0xe9);
  expect(errno(() => heavier.attach())).toBe('EINVAL');
  expect(errno(() => watched.programs['weigh_enter']?.attach())).toBe('EINVAL');
  expect(errno(() => extend().attach())).toBe('EBUSY');
  link.detach();
  expect(run()).toBe(192);
});

it('refuses what it may not replace', async () => {
  const { extend } = await setup();
  expect(errno(() => extend('hidden'))).toBe('EINVAL hidden() is not a global function');
  expect(errno(() => extend('classify'))).toBe('EINVAL heavier() has 2 args while classify() has 1 args');
  expect(errno(() => extend('nothing'))).toBe('ESRCH');
});
