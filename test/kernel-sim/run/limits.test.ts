/** What ends a test run before the program does: a number of instructions, and a signal. */
import { describe, expect, it } from 'vitest';
import { BpfError, type EngineName, Kernel, type Program } from '../../../src/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';
import { many } from '../../support/depth.ts';

const bytes = (text: string): Uint8Array => writeInsns(assemble(text).insns);
/** r1 counts rounds of four instructions in the context, after two. */
const ENDLESS = bytes(`
    r6 = r1
    r0 = 0
loop:
    r0 += 1
    *(u64 *)(r6 +0) = r0
    r2 = r0
    goto loop
`);
/** 3 instructions and 4 a round, a helper among them */
const CALLS = bytes(`
    r6 = 1000
loop:
    call bpf_get_smp_processor_id#8
    r6 += -1
    r0 = r6
    if r6 != 0x0 goto loop
    r0 = 7
    exit
`);
const CALLS_TOTAL = 1 + 4 * 1000 + 2;

/** enough for slices to end in there */
const ROUNDS = many(4000, 8000);
/** bpf_loop() calls back so many times, 100 instructions each; slices end in there */
const LOOPS = bytes(`
    r1 = ${ROUNDS}
    r2 = subprog[+5]
    r3 = 0
    r4 = 0
    call bpf_loop#181
    exit
    r2 = 32
again:
    r2 += -1
    r3 = r2
    if r2 != 0x0 goto again
    r0 = 0
    exit
`);

/** runs for 100 rounds, then returns 0 */
const CALLBACK = `
    r5 = 100
again:
    r5 += -1
    if r5 != 0x0 goto again
    r0 = 0
    exit
`;
type Made = (kernel: Kernel) => () => Program;
const programOf =
  (kernel: Kernel, text: string): (() => Program) =>
  () =>
    kernel.bpf.progLoad({ type: 'syscall', insns: bytes(text), license: 'GPL', verify: false });
/** Helpers that call back, each for some ten thousand instructions. */
const LOOPING: readonly (readonly [name: string, made: Made])[] = [
  [
    'bpf_loop, in a callback of another',
    (kernel) =>
      programOf(
        kernel,
        `
    r1 = 20
    r2 = subprog[+5]
    r3 = 0
    r4 = 0
    call bpf_loop#181
    exit
    r1 = 15
    r2 = subprog[+6]
    r3 = 0
    r4 = 0
    call bpf_loop#181
    r0 = 0
    exit
    ${CALLBACK}`,
      ),
  ],
  [
    'bpf_for_each_map_elem over an array',
    (kernel) => {
      const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: 100 });
      return programOf(kernel, eachOf(map.fd, CALLBACK));
    },
  ],
  [
    'bpf_for_each_map_elem over a hash that it empties',
    (kernel) => {
      const map = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 100 });
      return () => {
        for (let n = 0; n < 100; n++) map.update(n, 0x1234n);
        return programOf(kernel, eachOf(map.fd, `call bpf_map_delete_elem#3\n${CALLBACK}`))();
      };
    },
  ],
  [
    'bpf_user_ringbuf_drain',
    (kernel) => {
      const map = kernel.bpf.mapCreate({ type: 'user_ringbuf', maxEntries: 4096 });
      // as user space does: the producer's position and the samples behind it, by mmap
      const pages = [map.map.mmap(0, 4096, 1), map.map.mmap(4096, 8192, 3)];
      const [consumed, phys] = pages.map((m) => (typeof m === 'number' ? 0 : m.pages[0]!.phys)) as [number, number];
      const { view } = kernel.memory;
      let produced = 0;
      return () => {
        // what a run that was stopped has left
        view.setBigUint64(consumed, BigInt(produced), true);
        for (let n = 0; n < 100; n++, produced += 16) view.setUint32(phys + 4096 + (produced % 4096), 8, true);
        view.setBigUint64(phys, BigInt(produced), true);
        return programOf(
          kernel,
          `
    r1 = map[id:${map.fd}]
    r2 = subprog[+5]
    r3 = 0
    r4 = 0
    call bpf_user_ringbuf_drain#209
    exit
    ${CALLBACK}`,
        )();
      };
    },
  ],
];
/** calls a function for each of a map's elements */
const eachOf = (fd: number, callback: string): string => `
    r1 = map[id:${fd}]
    r2 = subprog[+5]
    r3 = 0
    r4 = 0
    call bpf_for_each_map_elem#164
    exit
    ${callback}`;

/** makes a timer at r6 and starts it; its callback begins two instructions after what follows */
const TIMER_OF = (fd: number): string => `
      r1 = r6
      r2 = map[id:${fd}]
      r3 = 1
      call bpf_timer_init#169
      r1 = r6
      r2 = subprog[+8]
      call bpf_timer_set_callback#170
      r1 = r6
      r2 = 0
      r3 = 0
      call bpf_timer_start#171`;

const load = async (engine: EngineName, insns: Uint8Array): Promise<Program> => {
  const kernel = await Kernel.boot({ engine });
  return kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
};
const failure = (run: () => unknown): BpfError => {
  try {
    run();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('it did not stop');
};
const stoppedAt = (error: BpfError): number => Number(/stopped after (\d+) BPF/.exec(error.message)?.[1]);

describe.each<EngineName>(['interp', 'step', 'jit'])('%s', (engine) => {
  it('stops after exactly so many BPF instructions', async () => {
    const endless = await load(engine, ENDLESS);
    const calls = await load(engine, CALLS);
    for (const maxInsns of [1, 2, 3, 4, 5, 100, 4001, 262_143, 262_144, 300_001]) {
      const error = failure(() => endless.testRun({ ctxIn: new Uint8Array(8), maxInsns }));
      expect(error.errno).toBe('EINTR');
      expect(stoppedAt(error)).toBe(maxInsns);
    }
    for (const maxInsns of [1, 2, 3, 500, CALLS_TOTAL - 1])
      expect(stoppedAt(failure(() => calls.testRun({ maxInsns })))).toBe(maxInsns);
  });

  it('lets a program end that needs no more than that', async () => {
    const calls = await load(engine, CALLS);
    expect(calls.testRun({ maxInsns: CALLS_TOTAL })).toMatchObject({ retval: 7, insns: CALLS_TOTAL });
    expect(calls.testRun()).toMatchObject({ retval: 7, insns: CALLS_TOTAL });
  });

  it('counts over all repeats', async () => {
    const kernel = await Kernel.boot({ engine });
    const insns = bytes('r0 = 1\nexit');
    const program = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
    const dataIn = new Uint8Array(64);
    expect(program.testRun({ dataIn, repeat: 50, maxInsns: 100 }).insns).toBe(100);
    expect(stoppedAt(failure(() => program.testRun({ dataIn, repeat: 50, maxInsns: 99 })))).toBe(99);
    expect(program.testRun({ dataIn, repeat: 50 }).insns).toBe(100);
  });

  it('in slices it gives what it gives straight through', async () => {
    const calls = await load(engine, CALLS);
    expect(await calls.run()).toEqual(calls.testRun());
    const error = await calls.run({ maxInsns: 321 }).catch((e: BpfError) => e);
    expect(stoppedAt(error as BpfError)).toBe(321);
  });

  it('a slice that ends inside a callback leaves it whole', async () => {
    const loops = await load(engine, LOOPS);
    const whole = loops.testRun();
    expect(whole).toMatchObject({ retval: ROUNDS, insns: 6 + ROUNDS * 99 });
    for (let i = 0; i < 2; i++) expect(await loops.run()).toEqual(whole);
    const error = await loops.run({ maxInsns: 300_000 }).catch((e: BpfError) => e);
    expect(error).toMatchObject({ errno: 'EINTR' });
    expect(stoppedAt(error as BpfError)).toBe(300_000);
  });

  it.each(LOOPING)('%s stops in a callback, and goes on there', async (_name, made) => {
    const kernel = await Kernel.boot({ engine });
    const load = made(kernel);
    const whole = load().testRun();
    const run = load().beginRun();
    const seen: number[] = [];
    while (run.step(997).reason !== 'end') seen.push(run.insns);
    // no call of a helper is one step: what was executed grows by a little
    expect(Math.max(...seen.map((n, i) => n - (seen[i - 1] ?? 0)))).toBeLessThan(2500);
    expect(run.finish()).toEqual({ ...whole, duration: expect.any(Number) });
    for (const maxInsns of [1000, 1001, 1003, whole.insns - 1])
      expect(stoppedAt(failure(() => load().testRun({ maxInsns })))).toBe(maxInsns);
    expect(load().testRun({ maxInsns: whole.insns }).insns).toBe(whole.insns);
  });

  it('a signal ends an endless program soon, and the kernel goes on', async () => {
    const endless = await load(engine, ENDLESS);
    const calls = await load(engine, CALLS);
    for (let i = 0; i < 2; i++) {
      const interrupt = new AbortController();
      let progress = 0;
      setTimeout(() => interrupt.abort(), 50);
      const error = await endless
        .run({ ctxIn: new Uint8Array(8), signal: interrupt.signal, onProgress: ({ insns }) => (progress = insns) })
        .catch((e: BpfError) => e);
      expect(error).toMatchObject({ errno: 'EINTR' });
      expect((error as BpfError).message).toMatch(/interrupted after \d+ BPF instructions, in run 1/);
      expect(progress).toBeGreaterThan(1000);
      expect(endless.testRun.bind(endless, { ctxIn: new Uint8Array(8), maxInsns: 100 })).toThrow(/after 100 BPF/);
      expect(calls.testRun()).toMatchObject({ retval: 7, insns: CALLS_TOTAL });
    }
  });

  it("stops in a timer's callback, which a signal ends, too", async () => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 16, maxEntries: 1 });
    // sets the timer, at once; its callback goes round for ever where the second half of the context says so
    const insns = bytes(`
      r6 = map[id:${map.fd}][0]+0
      r7 = *(u64 *)(r1 +0)
      *(u64 *)(r6 +8) = r7
      ${TIMER_OF(map.fd)}
      r0 = 7
      exit
      r5 = 50
      r4 = *(u64 *)(r3 +8)
      if r4 == 0x0 goto +1
      goto -2
      r5 += -1
      if r5 != 0x0 goto -2
      r0 = 1
      exit`);
    const prog = kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
    const ctx = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0);
    const { insns: own, retval } = prog.testRun({ ctxIn: ctx(0) });
    expect([own, retval]).toEqual([16, 7]);
    for (const more of [1, 2, 5, 1000])
      expect(stoppedAt(failure(() => prog.testRun({ ctxIn: ctx(1), maxInsns: own + more })))).toBe(own + more);
    const before = kernel.context.preemptCount;
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 50);
    const error = await prog.run({ ctxIn: ctx(1), signal: interrupt.signal }).catch((e: BpfError) => e);
    expect(error).toMatchObject({ errno: 'EINTR' });
    expect(kernel.context.preemptCount).toBe(before);
    expect(prog.testRun({ ctxIn: ctx(0) })).toMatchObject({ insns: own, retval: 7 });
  });

  it('many short runs leave turns to others', async () => {
    const kernel = await Kernel.boot({ engine });
    const program = kernel.bpf.progLoad({ type: 'socket_filter', insns: bytes('r0 = 1\nexit'), license: 'GPL' });
    const interrupt = new AbortController();
    const runs: number[] = [];
    // it ends by what another's turn does: without one it would go on
    const turn = (): unknown => (runs.length > 1 ? interrupt.abort() : setImmediate(turn));
    setImmediate(turn);
    await expect(
      program.run({
        dataIn: new Uint8Array(64),
        repeat: 1e9,
        signal: interrupt.signal,
        onProgress: (p) => runs.push(p.runs),
      }),
    ).rejects.toMatchObject({ errno: 'EINTR' });
    expect(runs.length).toBeGreaterThan(1);
    expect(runs).toEqual([...runs].sort((a, b) => a - b));
    expect(program.testRun({ dataIn: new Uint8Array(64) }).retval).toBe(1);
  });

  it('one run at a time', async () => {
    const endless = await load(engine, ENDLESS);
    const interrupt = new AbortController();
    const first = endless.run({ ctxIn: new Uint8Array(8), signal: interrupt.signal }).catch((e: BpfError) => e);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(failure(() => endless.testRun()).errno).toBe('EBUSY');
    await expect(endless.run()).rejects.toMatchObject({ errno: 'EBUSY' });
    interrupt.abort();
    expect(await first).toMatchObject({ errno: 'EINTR' });
  });

  it('a signal that came before ends the run before it begins', async () => {
    const endless = await load(engine, ENDLESS);
    await expect(endless.run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ errno: 'EINTR' });
  });
});
