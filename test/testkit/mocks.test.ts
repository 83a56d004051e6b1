/** Helpers and kfuncs that a test answers for: on every engine, also where Linux has them inlined, and taken back. */
import { describe, expect, it } from 'vitest';
import { helperId } from '../../kernel-sim/bpf/helpers/index.ts';
import { ArgumentError, assemble, BpfObject, type EngineName, Kernel, type Program } from '../../src/index.ts';
import { first } from '../support/depth.ts';

const ENGINES = first<EngineName>(1, ['jit', 'step', 'interp']);

/** `call bpf_x` as the assembler has it, by number */
const helperCalls = (text: string): string =>
  text.replaceAll(/call (bpf_\w+)/g, (_, name: string) => `call ${helperId(name)}`);

const program = (kernel: Kernel, text: string, type = 'socket_filter') =>
  kernel.bpf.progLoad({ type, insns: assemble(helperCalls(text)).insns, license: 'GPL' });

/** As {@link program}; the wide constant 7777 is a map. */
const programOf = (fd: number, kernel: Kernel, text: string) => {
  const insns = assemble(helperCalls(text)).insns.map((insn) =>
    insn.imm === 7777 ? { ...insn, src: 1, imm: fd } : insn,
  );
  return kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
};

const packet = { dataIn: new Uint8Array(64) };
const r0 = (prog: Program): bigint => prog.testRun(packet).r0;

describe.each(ENGINES)('on engine %s', (engine) => {
  const boot = () => Kernel.boot({ engine });

  it('answers once, in turn, or with an error, and then the kernel does again', async () => {
    const kernel = await boot();
    const time = program(kernel, 'call bpf_ktime_get_ns\nexit');
    const real = r0(time);
    using mock = kernel.mock('bpf_ktime_get_ns', () => 42n);
    expect(r0(time)).toBe(42n);
    expect(mock.calls).toMatchObject([{ args: {}, result: 42n }]);
    mock.restore();
    expect(r0(time)).toBeGreaterThan(real);

    const dice = program(kernel, 'call bpf_get_prandom_u32\nexit');
    const next = r0(dice);
    const seeded = kernel.mock('bpf_get_prandom_u32', [1, -2, { error: 'ENOENT' }]);
    expect([1, 2, 3].map(() => r0(dice))).toEqual([1n, 2n ** 64n - 2n, 2n ** 64n - 2n]);
    expect([next, r0(dice)]).not.toContain(1n);
    expect(seeded.answered).toBe(3);
    kernel.restoreMocks();
  });

  it('answers where the verifier has put instructions in the place of the call, in programs loaded before and after', async () => {
    const kernel = await boot();
    const source = 'call bpf_get_smp_processor_id\nr6 = r0\ncall bpf_jiffies64\nr0 <<= 32\nr0 |= r6\nexit';
    const before = program(kernel, source);
    const untouched = program(kernel, 'call bpf_ktime_get_ns\nr0 = 7\nexit');
    const [image, other] = [before.jited, untouched.jited];
    const real = r0(before) & 0xffff_ffffn;
    const mock = kernel.mock('bpf_get_smp_processor_id', () => 5);
    const jiffies = kernel.mock('bpf_jiffies64', () => 9);
    const after = program(kernel, source);
    for (const prog of [before, after]) expect(r0(prog)).toBe((9n << 32n) | 5n);
    expect(mock.calls).toHaveLength(2);
    if (engine !== 'interp') expect(before.jited).not.toEqual(image);
    expect(untouched.jited).toEqual(other);
    mock.restore();
    jiffies.restore();
    expect(before.jited).toEqual(image);
    expect(r0(before) & 0xffff_ffffn).toBe(real);
    expect(r0(after) & 0xffff_ffffn).toBe(real);
    expect(mock.calls).toHaveLength(2);
  });

  it('sees the arguments of map operations, and lets the kernel do them', async () => {
    const kernel = await boot();
    const loaded = BpfObject.open('fixtures/opens.o').load(kernel);
    loaded.attach();
    const spy = kernel.mock('bpf_map_update_elem');
    const lookups = kernel.mock('bpf_map_lookup_elem');
    const task = kernel.task({ pid: 50 });
    task.syscall('openat', { filename: '/tmp/x' }, { result: 3 });
    task.syscall('openat', { filename: '/tmp/y' }, { result: 3 });
    expect(spy.calls).toEqual([
      {
        args: {
          map: { name: 'counts', type: 1, id: expect.any(Number) },
          key: Uint8Array.of(50, 0, 0, 0),
          value: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0),
          flags: 1n,
        },
        result: 0n,
        pid: 50,
      },
    ]);
    expect(lookups.calls.map((call) => call.result === 0n)).toEqual([true, false]);
    expect(loaded.maps['counts']?.get(50)).toBe(2n);
  });

  it('lets maps be full from some call on, and one map only', async () => {
    const kernel = await boot();
    const loaded = BpfObject.open('fixtures/opens.o').load(kernel);
    loaded.attach();
    const fault = kernel.fail('map_full', { map: 'counts', from: 2, times: 1 });
    kernel.fail('alloc', { map: 'another' }).restore();
    for (const pid of [50, 51, 52]) kernel.task({ pid }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
    expect([...(loaded.maps['counts']?.keys() ?? [])].sort()).toEqual([50, 52]);
    expect(fault.count).toBe(1);
  });

  it('lets user space find maps full and no memory, in the same turn', async () => {
    const kernel = await boot();
    const loaded = BpfObject.open('fixtures/opens.o').load(kernel);
    loaded.attach();
    const counts = loaded.maps['counts']!;
    const open = (pid: number) => kernel.task({ pid }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
    const full = kernel.fail('map_full', { map: 'counts', from: 2, times: 2 });
    counts.set(1, 1);
    open(50);
    expect(() => counts.set(2, 2)).toThrow(expect.objectContaining({ errno: 'E2BIG', command: 'BPF_MAP_UPDATE_ELEM' }));
    expect(() => kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })).not.toThrow();
    counts.set(3, 3);
    expect([[...counts.keys()].sort(), full.count]).toEqual([[1, 3], 2]);
    {
      using none = kernel.fail('alloc');
      for (const act of [
        () => counts.set(4, 4),
        () => kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 }),
        () => program(kernel, 'r0 = 0\nexit'),
        () => BpfObject.open('fixtures/switches.o').load(kernel),
      ])
        expect(act).toThrow(expect.objectContaining({ errno: 'ENOMEM' }));
      // as libbpf does, loading tries a map once more, without its BTF
      expect(none.count).toBe(5);
    }
    kernel.fail('map_full');
    kernel.restoreMocks();
    counts.set(4, 4);
    expect(counts.has(4)).toBe(true);
  });

  it('lets the ring buffer be full, and reads fail', async () => {
    const kernel = await boot();
    const loaded = BpfObject.open('fixtures/opensnoop.o').load(kernel);
    loaded.attach();
    const events = loaded.maps['events']!;
    const task = kernel.task({ comm: 'cat' });
    const open = () => task.syscall('openat', { filename: '/etc/passwd' }, { result: 3 });
    {
      using full = kernel.fail('ringbuf_full');
      open();
      expect(full.count).toBe(1);
    }
    expect(events.records()).toHaveLength(0);
    kernel.fail('probe_read', { from: 2, times: 1 });
    open();
    open();
    open();
    const names = events.records<{ readonly filename: string }>('event').map(({ filename }) => filename);
    expect(names).toEqual(['/etc/passwd', '', '/etc/passwd']);
  });

  it('answers in programs that are jumped to by tail calls, known and unknown, and in functions that are called back', async () => {
    const kernel = await boot();
    const array = kernel.bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 2 });
    const target = program(kernel, 'call bpf_get_smp_processor_id\nr0 += 100\nexit');
    array.update(0, target.fd);
    const [known, unknown] = ['r3 = 0', 'r3 = *(u32 *)(r6 +0)\nr3 &= 1\nr3 <<= 1\nr3 >>= 2'].map((index) =>
      programOf(array.fd, kernel, `r6 = r1\nr2 = 7777 ll\n${index}\ncall bpf_tail_call\nr0 = 0\nexit`),
    ) as [Program, Program];
    const calls = program(kernel, 'r6 = 0\ncall pc+2\nr0 += 1\nexit\ncall bpf_get_smp_processor_id\nexit');
    expect([known, unknown, calls].map(r0)).toEqual([100n, 100n, 1n]);
    {
      using mock = kernel.mock('bpf_get_smp_processor_id', 7);
      expect([known, unknown, calls].map(r0)).toEqual([107n, 107n, 8n]);
      expect(mock.answered).toBe(3);
    }
    expect([known, unknown, calls].map(r0)).toEqual([100n, 100n, 1n]);
  });

  it('may be restored while it answers', async () => {
    const kernel = await boot();
    const cpu = program(
      kernel,
      'call bpf_get_smp_processor_id\nr6 = r0\ncall bpf_get_smp_processor_id\nr0 += r6\nexit',
    );
    const mock = kernel.mock('bpf_get_smp_processor_id', () => {
      mock.restore();
      return 5;
    });
    expect([r0(cpu), r0(cpu)]).toEqual([5n, 0n]);
    expect(mock.calls).toHaveLength(1);
  });

  it('goes back in time with the kernel', async () => {
    const kernel = await boot();
    const cpu = program(kernel, 'call bpf_get_smp_processor_id\nexit');
    const mark = kernel.save();
    const mock = kernel.mock('bpf_get_smp_processor_id', () => 3);
    expect(r0(cpu)).toBe(3n);
    kernel.restore(mark);
    expect(r0(cpu)).toBe(0n);
    mock.restore();
    expect(r0(cpu)).toBe(0n);
    using again = kernel.mock('bpf_get_smp_processor_id', () => 4);
    expect([r0(cpu), again.calls.length]).toEqual([4n, 1]);
  });
});

it('fills what an argument points to', async () => {
  const kernel = await Kernel.boot();
  BpfObject.open('fixtures/opensnoop.o').load(kernel).attach();
  kernel.mock('bpf_get_current_comm', (_, call) => call.write('buf', 'mocked'));
  kernel.task({ comm: 'cat' }).syscall('openat', { filename: '/etc/passwd' }, { result: 3 });
  expect(kernel.traced).toContain('mocked opens /etc/passwd');
});

it('gives the verifier other limits', async () => {
  const kernel = await Kernel.boot();
  kernel.limitVerifier({ insns: 3 });
  const four = 'r0 = 0\nr0 += 1\nr0 += 1\nexit';
  const { insns } = assemble(four);
  expect(() => kernel.bpf.progLoad({ type: 'socket_filter', insns, logLevel: 1 })).toThrow(
    expect.objectContaining({
      errno: 'E2BIG',
      log: expect.stringContaining('BPF program is too large. Processed 4 insn\n'),
    }),
  );
  kernel.restoreMocks();
  expect(r0(program(kernel, four))).toBe(2n);
});

it.each<[string, (kernel: Kernel) => unknown, RegExp]>([
  ['a helper', (k) => k.mock('bpf_ktime_get_nz'), /neither a helper nor a kfunc; near it: bpf_ktime_get_ns/],
  ['a fault', (k) => k.fail('map_ful' as 'map_full'), /there is no 'map_ful'; near it: map_full/],
  ['an error', (k) => k.mock('bpf_ktime_get_ns', { error: 'ENOENTT' as 'ENOENT' }), /near it: ENOENT/],
  ['a result', (k) => k.mock('bpf_ktime_get_ns', 1n << 64n), /is not a number of 64 bits/],
  ['an option', (k) => k.mock('bpf_ktime_get_ns', 1, { form: 2 } as object), /did you mean from/],
  ['one without text', (k) => k.mock('bpf_tail_call', 0), /bpf_tail_call is no function of the kernel/],
])('names what is wrong with %s', async (_, act, message) => {
  const kernel = await Kernel.boot();
  expect(() => act(kernel)).toThrow(ArgumentError);
  kernel.restoreMocks();
  expect(() => act(kernel)).toThrow(message);
});
