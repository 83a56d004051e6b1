/** Descriptors and files: kernel text and host work on the same tables, lists and counts. */
import { describe, expect, it } from 'vitest';
import { Kernel, type TraceStep } from '../../../kernel-sim/index.ts';
import { many } from '../../support/depth.ts';
import { program } from '../support/programs.ts';
import { call } from '../support/recording.ts';

const PIDS = [1000, 1001];
const TASKS = PIDS.map((pid) => ({ pid, comm: 'cat' }));
/** above 255 a table has to grow */
const FDS = 300;
/** when a step is read, so many before it are not done yet */
const AHEAD = 1;

/** the same sequence of numbers each time */
const numbers = (seed: number) => (below: number) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (seed >>> 8) % below;
};

/** What each task's descriptors refer to. */
class Model {
  readonly ahead = PIDS.map(() => new Map<number, number>());
  readonly done = PIDS.map(() => new Map<number, number>());
  readonly #changes: { step: number; which: number; fd: number; file: number | undefined }[] = [];
  #step = 0;

  set(which: number, fd: number, file: number | undefined): void {
    put(this.ahead[which] as Map<number, number>, fd, file);
    this.#changes.push({ step: this.#step, which, fd, file });
  }
  /** A step is about to be read. */
  next(): void {
    for (let c = this.#changes[0]; c && c.step <= this.#step - AHEAD; c = this.#changes[0]) {
      put(this.done[c.which] as Map<number, number>, c.fd, c.file);
      this.#changes.shift();
    }
  }
  read(): void {
    this.#step++;
  }
}
function put(files: Map<number, number>, fd: number, file: number | undefined): void {
  if (file === undefined) files.delete(fd);
  else files.set(fd, file);
}

function* work(kernel: Kernel, seed: number, count: number): Generator<TraceStep> {
  const model = new Model();
  const next = numbers(seed);
  let files = 0;
  const step = (which: number): TraceStep | undefined => {
    const mine = model.ahead[which] as Map<number, number>;
    const options = { pid: PIDS[which] as number };
    const fd = next(10) === 0 ? next(FDS) : next(12);
    const from = next(12);
    switch (next(8)) {
      case 0:
      case 1:
      case 2:
        model.set(which, fd, files++);
        return call('openat', [-100, `/tmp/${next(40)}`, 0], fd, options);
      case 3:
        // not there; or there, but its device is not
        return call('openat', [-100, '/tmp/none', 0], next(2) === 0 ? -2 : -6, options);
      case 4:
        if (!mine.has(fd)) return undefined;
        model.set(which, fd, undefined);
        return call('close', [fd], 0, options);
      case 5:
        if (!mine.has(from)) return undefined;
        model.set(which, fd, mine.get(from));
        return call('dup2', [from, fd], fd, options);
      case 6:
        if (!mine.has(from)) return undefined;
        model.set(which, fd, mine.get(from));
        return call('dup', [from], fd, options);
      default:
        return call('close', [FDS], -9, options);
    }
  };
  for (let n = 0; n < count; n++) {
    model.next();
    if (n % 200 === 199) check(kernel, model.done);
    const made = step(next(PIDS.length));
    if (made === undefined) continue;
    yield made;
    model.read();
  }
  for (const [which, pid] of PIDS.entries()) {
    for (const fd of [...(model.ahead[which] as Map<number, number>).keys()]) {
      model.set(which, fd, undefined);
      yield call('close', [fd], 0, { pid });
      model.read();
    }
  }
  for (let n = 0; n < AHEAD; n++) {
    yield call('getpid', [], 1000, { pid: 1000 });
    model.read();
  }
  model.next();
  check(kernel, model.done);
}

/** A descriptor has a live file where the model has one, and the same file as another one exactly where it should. */
function check(kernel: Kernel, model: readonly Map<number, number>[]): void {
  const byAddress = new Map<number, number>();
  const byFile = new Map<number, number>();
  PIDS.forEach((pid, which) => {
    const task = kernel.tasks.find(pid);
    if (!task) return;
    for (let fd = 0; fd < FDS; fd++) {
      const at = kernel.files.get(task, fd);
      const file = model[which]?.get(fd);
      if ((at !== 0) !== (file !== undefined)) expect(at, `descriptor ${fd}`).toBe(file);
      if (file === undefined) continue;
      expect(byAddress.get(at) ?? file).toBe(file);
      expect(byFile.get(file) ?? at).toBe(at);
      byAddress.set(at, file);
      byFile.set(file, at);
      expect(kernel.files.isLast(at)).toBe(false);
    }
  });
}

describe('files', () => {
  it.each([
    ['jit', 1],
    ['step', 1],
    // each task on a CPU of its own
    ['jit', 2],
  ] as const)('are those that the calls leave open, and none is left behind (%s, %d CPUs)', async (engine, cpus) => {
    const kernel = await Kernel.boot({ engine, cpus });
    const run = async (): Promise<number> => {
      const steps = work(kernel, 1, engine === 'jit' ? many(700, 5000) : many(300, 2000));
      expect((await kernel.replay({ tasks: TASKS, steps })).stopped).toBeUndefined();
      return kernel.memory.freePageCount;
    };
    await run();
    const pages = await run();
    for (let n = 0; n < many(2, 3); n++) expect(await run()).toBe(pages);
  });
  it('have the dentry of their path, however it is spelled', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const long = `/${'n'.repeat(100)}/${'m'.repeat(200)}`;
    const paths = ['/etc/passwd', long, '/etc/passwd', '/etc/./passwd', long, `${long}x`, '/etc/passwe'];
    const inode = kernel.structs.of('file').offset('f_inode');
    const seen: number[] = [];
    const steps = function* (): Generator<TraceStep> {
      for (const path of paths) {
        yield call('openat', [-100, path, 0], 3);
        for (let n = 0; n < AHEAD; n++) yield call('getpid', [], 42);
        const task = kernel.tasks.find(42);
        if (task) seen.push(kernel.memory.readAddr(kernel.files.get(task, 3) + inode));
      }
      for (let n = 0; n < AHEAD; n++) yield call('getpid', [], 42);
    };
    await kernel.replay({ tasks: [{ pid: 42, comm: 'cat' }], steps: steps() });
    expect(seen.map((at) => seen.indexOf(at))).toEqual([0, 1, 0, 0, 1, 5, 6]);
  });

  it('names go back by kmem_cache_free, which returns to the caller of putname', async () => {
    // function tracer of Linux 6.12: `putname <-do_sys_openat2`, then `kmem_cache_free <-do_sys_openat2`
    const kernel = await Kernel.boot({ engine: 'jit' });
    const seen: string[] = [];
    for (const symbol of ['putname', 'kmem_cache_free'])
      kernel.probes.kprobe(
        program(kernel, symbol, () => {
          // the probe pushed nothing that stays: pt_regs has the stack pointer where the return address is
          const regs = kernel.args.addr(0);
          const sp = kernel.memory.readAddr(regs + kernel.structs.of('pt_regs').offset('sp'));
          seen.push(`${symbol} <-${kernel.symbols.at(kernel.memory.readAddr(sp))?.name}`);
        }),
        { symbol },
      );
    await kernel.replay({ tasks: TASKS, steps: [call('openat', [-100, '/tmp/x', 0], 3, { pid: PIDS[0]! })] });
    expect(seen).toEqual(['putname <-do_sys_openat2', 'kmem_cache_free <-do_sys_openat2']);
  });
});
