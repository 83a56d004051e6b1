/** Wrong arguments of the API: each is a typed error that names the argument, and nothing hangs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ArgumentError, BootError, BpfObject, EmuError, Kernel, readStrace } from '../../src/index.ts';

// deliberately not what the types say
// biome-ignore lint/suspicious/noExplicitAny: the wrong types are the test
const any = (value: unknown): any => value;
const exit = 'b700000000000000 9500000000000000';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await Kernel.boot();
});
const load = () => kernel.bpf.progLoad({ type: 'socket_filter', insns: exit, license: 'GPL' });
const hash = () => kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4 });

describe('booting', () => {
  it.each([
    [null, 'options: null is no object of options'],
    [[], 'options: an array of 0 is no object of options'],
    [{ cpuss: 2 }, 'options.cpuss: there is no such option; did you mean cpus?'],
    [{ cpus: Number.NaN }, 'options.cpus: NaN is not a whole number from 1 to 64'],
    [{ cpus: 0 }, 'options.cpus: 0 is not a whole number from 1 to 64'],
    [{ engine: 'turbo' }, "options.engine: 'turbo' is none of jit, step, interp"],
    [{ seed: 1.5 }, 'options.seed: 1.5 is not a whole number'],
    [{ btf: 'vmlinux' }, "options.btf: 'vmlinux' is not a Uint8Array"],
    [{ kallsyms: 7 }, 'options.kallsyms: 7 is not a string, and 7 is not a Uint8Array'],
  ])('with %j', async (options, message) => {
    const error = await Kernel.boot(any(options)).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(BootError);
    expect(error).toMatchObject({ code: 'ERR_BOOT', errno: 'EINVAL' });
    expect((error as BootError).message).toContain(message);
    expect((error as BootError).message.startsWith((error as BootError).argument)).toBe(true);
  });

  it('takes options that are undefined as left out', async () => {
    expect((await Kernel.boot(any({ cpus: undefined, later: undefined }))).cpus).toBe(1);
  });
});

type Case = [what: string, run: () => unknown, argument: string, message: string];
describe('calls', () => {
  it.each([
    ['a map of nothing', () => kernel.bpf.mapCreate(any({})), 'attrs.type', 'is missing'],
    ['a map of no type', () => kernel.bpf.mapCreate(any({ type: Number.NaN })), 'attrs.type', 'neither a name nor'],
    [
      'a misspelt attribute',
      () => kernel.bpf.mapCreate(any({ type: 'hash', keysize: 4 })),
      'attrs.keysize',
      'did you mean keySize?',
    ],
    [
      'an attribute like no other',
      () => kernel.bpf.mapCreate(any({ type: 'hash', colour: 1 })),
      'attrs.colour',
      'there are type, keySize,',
    ],
    [
      'a size that is no number',
      () => kernel.bpf.mapCreate(any({ type: 'hash', keySize: Number.NaN, valueSize: 8, maxEntries: 1 })),
      'attrs.keySize',
      'NaN is not a whole number',
    ],
    [
      'a size as text',
      () => kernel.bpf.mapCreate(any({ type: 'hash', keySize: '4', valueSize: 8, maxEntries: 1 })),
      'attrs.keySize',
      "'4' is not a whole number",
    ],
    ['no instructions', () => kernel.bpf.progLoad(any({ type: 'xdp' })), 'attrs.insns', 'is missing'],
    ['attributes as text', () => kernel.bpf.progLoad(any('xdp')), 'attrs', "'xdp' is no object of options"],
    [
      'a flag as text',
      () => kernel.bpf.progLoad(any({ type: 'xdp', insns: exit, verify: 'no' })),
      'attrs.verify',
      'neither true nor false',
    ],
    ['no end of repeats', () => load().testRun({ repeat: Number.NaN }), 'options.repeat', 'NaN is not'],
    [
      'endless repeats',
      () => load().testRun({ repeat: Number.POSITIVE_INFINITY }),
      'options.repeat',
      'Infinity is not',
    ],
    ['data as text', () => load().testRun(any({ dataIn: 'abc' })), 'options.dataIn', 'not a Uint8Array'],
    ['no limit', () => load().testRun({ maxInsns: Number.NaN }), 'options.maxInsns', 'NaN is not'],
    ['a key that is no number', () => hash().lookup(Number.NaN), 'key', 'NaN is not a number of 64 bits'],
    ['a key as text', () => hash().lookup(any('abcd')), 'key', 'not an array'],
    ['a value beyond bytes', () => hash().update(1, [256, 0, 0, 0, 0, 0, 0, 0]), 'value', '[0]: 256 is not'],
    ['flags that are no number', () => hash().update(1, 2, Number.NaN), 'flags', 'NaN is not'],
    ['a reader of a map that wakes nobody', () => hash().onReady(() => undefined), 'onReady', 'no ring buffer'],
    ['no descriptor', () => kernel.bpf.map(Number.NaN), 'fd', 'NaN is not'],
    ['ids of nothing', () => kernel.bpf.nextId(any('program')), 'kind', 'none of prog, map, btf, link'],
    ['a link without a program', () => kernel.bpf.linkCreate(any({})), 'attrs.prog', 'is missing'],
    ['BTF as text', () => kernel.bpf.btfLoad(any('btf')), 'bytes', 'not a Uint8Array'],
    ['an object of nothing', () => BpfObject.open(any(undefined)), 'source', 'undefined is not a string'],
    ['an object for no kernel', () => BpfObject.open('fixtures/hello.o').load(any({})), 'kernel', 'Kernel.boot()'],
    [
      'a load option like another',
      () => BpfObject.open('fixtures/hello.o').load(kernel, any({ program: ['hello'] })),
      'options.program',
      'did you mean programs?',
    ],
    [
      'an instruction of nothing',
      () => kernel.bpf.progLoad(any({ type: 'xdp', insns: [null] })),
      'attrs.insns',
      '[0]: null',
    ],
    ['a descriptor of nothing', () => kernel.bpf.fdById(any('x'), 1), 'kind', 'none of prog, map, btf, link'],
    ['a listener that is none', () => kernel.tracePipe.onLine(any(5)), 'told', 'not a function'],
    ['a mark of nothing', () => kernel.restore(any(null)), 'mark', 'kernel.save() gives one'],
    ['bytes of nothing', () => BpfObject.open('fixtures/hello.o').decode('x', any(null)), 'bytes', 'not a Uint8Array'],
    ['a recording of nothing', () => readStrace(any(null)), 'text', 'null is not a string'],
  ] as Case[])('%s', (_what, run, argument, message) => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(ArgumentError);
      expect(error).toBeInstanceOf(EmuError);
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT', errno: 'EINVAL', argument, where: argument });
      expect((error as ArgumentError).message).toContain(message);
      return;
    }
    expect.unreachable('it was accepted');
  });

  it('a trace of nothing', async () => {
    await expect(kernel.replay(any({ steps: 1 }))).rejects.toThrow(/^recording: .*readStrace\(text\)\.trace/);
    await expect(kernel.replay(any(readStrace('').trace), any({ maxInsn: 5 }))).rejects.toThrow(
      /did you mean maxInsns/,
    );
    await expect(load().run(any({ signal: true }))).rejects.toThrow('options.signal: true is not an object');
  });

  it("hears of a ring buffer through the object's map", async () => {
    const loaded = BpfObject.open('fixtures/opensnoop.o').load(await Kernel.boot());
    const events = Object.values(loaded.maps).find((m) => m.type === 'ringbuf');
    expect(events).toBeDefined();
    events?.onReady(() => undefined);
  });
});
