/** What a loader decides in place of the file: types, targets, sizes; and what is passed over. */
import { describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { BpfError, BpfObject, Kernel, NotModelledError } from '../../src/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { sectionFor, whyNoSection } from '../../src/object/index.ts';

/** An object of one program a section. */
const object = (...sections: readonly (readonly [section: string, name: string])[]): BpfObject => {
  const data = writeInsns(assemble('r0 = 0\nexit').insns);
  const parts = sections.map(([name, symbol]) => ({
    name,
    data,
    exec: true,
    symbols: [{ name: symbol, value: 0, size: data.length }],
  }));
  const license = { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [] };
  return BpfObject.open(writeObject([...parts, license]), { name: 'x.o' });
};

describe('a section for a type and a place', () => {
  it.each([
    ['xdp', undefined, 'xdp'],
    ['sched_cls', undefined, 'tc'],
    ['socket_filter', undefined, 'socket'],
    ['kprobe', 'do_sys_openat2', 'kprobe/do_sys_openat2'],
    ['kretprobe', 'do_sys_openat2', 'kretprobe/do_sys_openat2'],
    ['tracepoint', 'syscalls/sys_enter_openat', 'tracepoint/syscalls/sys_enter_openat'],
    ['cgroup_sock_addr', 'cgroup_inet4_connect', 'cgroup/connect4'],
    ['tracing', 'trace_fexit:do_unlinkat', 'fexit/do_unlinkat'],
    ['fentry', 'do_unlinkat', 'fentry/do_unlinkat'],
    ['lsm', 'file_open', 'lsm/file_open'],
    ['xdp.frags', undefined, 'xdp.frags'],
    ['fentry/do_unlinkat', undefined, 'fentry/do_unlinkat'],
    ['tracing', undefined, undefined],
    ['cgroup_sock_addr', undefined, undefined],
    ['xdp', 'do_unlinkat', undefined],
    ['nonsense', undefined, undefined],
  ])('%s %s', (type, attach, section) => expect(sectionFor(type, attach)).toBe(section));

  it('says why there is none', () => {
    expect(whyNoSection('tracing', undefined)).toContain('need an attach type: trace_raw_tp, trace_fentry');
    expect(whyNoSection('sched_clss', undefined)).toContain('near it: sched_cls');
    expect(whyNoSection('xdp', 'do_unlinkat')).toContain("do not attach to 'do_unlinkat'");
  });
});

describe('loading', () => {
  it('takes types, sections and targets that the file does not say', async () => {
    const kernel = await Kernel.boot();
    const silent = object(['mine', 'first'], ['yours', 'second']);
    expect(() => silent.load(kernel)).toThrow(/section mine does not say what type/);
    const loaded = silent.load(kernel, { types: { first: 'xdp' }, sections: { second: 'kprobe/do_sys_openat2' } });
    expect(Object.values(loaded.programs).map((p) => p.type)).toEqual(['xdp', 'kprobe']);
    expect(loaded.attach().map((link) => `${link.program} ${link.target}`)).toEqual(['second do_sys_openat2']);
    expect(() => silent.load(kernel, { types: { third: 'xdp' } })).toThrow("there is no program 'third'");
    expect(() => silent.load(kernel, { sections: { first: 'nowhere' } })).toThrow("libbpf knows no section 'nowhere'");
  });

  it('takes sizes of maps, and names a map that lacks one', async () => {
    const kernel = await Kernel.boot();
    const opens = BpfObject.open('fixtures/opens.o');
    const counts = opens.maps.find((m) => m.realName === 'counts');
    if (!counts) expect.unreachable();
    counts.maxEntries = 0;
    let error: unknown;
    try {
      opens.load(kernel);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(BpfError);
    expect(error).toMatchObject({ errno: 'EINVAL' });
    expect((error as Error).message).toMatch(
      /^opens\.o: map 'counts': .*how many entries it has \(--map counts=ENTRIES\)/,
    );
    const loaded = opens.load(kernel, { maps: { counts: { maxEntries: 7 } } });
    expect(loaded.maps['counts']?.maxEntries).toBe(7);
    expect(() => opens.load(kernel, { maps: { count: { maxEntries: 7 } } })).toThrow("no map 'count'; near it: counts");
    expect(() => opens.load(kernel, { maps: { counts: { maxEntries: Number.NaN } } })).toThrow(
      'options.maps.counts.maxEntries: NaN is not a whole number',
    );
  });

  it('gives stack traces the depth that loaders give them', async () => {
    const opens = BpfObject.open('fixtures/opens.o');
    const counts = opens.maps.find((m) => m.realName === 'counts');
    Object.assign(counts ?? {}, { type: 7, valueSize: 0, btfKey: 0, btfValue: 0 });
    // its program uses it as a hash: only the map is of interest
    expect(opens.load(await Kernel.boot(), { verify: false }).maps['counts']?.valueSize).toBe(127 * 8);
  });

  it('passes over what is absent, and what only the model lacks', async () => {
    const kernel = await Kernel.boot();
    const three = object(
      ['fentry/no_such_function', 'a'],
      ['kprobe/no_such_function', 'b'],
      ['kprobe/do_sys_openat2', 'c'],
    );
    expect(() => three.load(kernel)).toThrow(/no_such_function/);
    const loaded = three.load(kernel, { keepGoing: true });
    expect(Object.keys(loaded.programs)).toEqual(['b', 'c']);
    expect(() => loaded.attach()).toThrow(/no_such_function/);
    expect(() => loaded.attach({ keepGoing: 'unmodelled' })).toThrow(/no_such_function/);
    expect(loaded.attach({ keepGoing: true }).map((link) => link.program)).toEqual(['c']);
    expect(loaded.skipped.map((p) => p.program)).toEqual(['a', 'b']);
    for (const { why } of loaded.skipped) expect(why).toContain('no_such_function');
  });

  it('attaches the others where the model lacks a way for one', async () => {
    const kernel = await Kernel.boot();
    const open = kernel.perf.open.bind(kernel.perf);
    const missing = new NotModelledError('perf_event_open', 'this kind of event');
    Object.assign(kernel.perf, {
      open: (...args: Parameters<typeof open>) => {
        if ('func' in args[0] && args[0].func === 'vfs_read') throw missing;
        return open(...args);
      },
    });
    const loaded = object(['kprobe/vfs_read', 'a'], ['kprobe/do_sys_openat2', 'b']).load(kernel);
    expect(() => loaded.attach()).toThrow(NotModelledError);
    expect(loaded.attach({ keepGoing: 'unmodelled' }).map((link) => link.program)).toEqual(['b']);
    expect(loaded.skipped.map((p) => p.program)).toEqual(['a']);
  });
});
