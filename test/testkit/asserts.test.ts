/** Matchers, and the plain functions: what passes, what fails, and what a failure says. */
import { describe, expect, it } from 'vitest';
import {
  assertAccepted,
  assertEntries,
  assertRejectedBy,
  assertRetval,
  assertTraced,
  BpfObject,
  Kernel,
  ObjectError,
  TestFailure,
} from '../../src/index.ts';
import '../../src/vitest/index.ts';

const load = async (fixture: string) => {
  const kernel = await Kernel.boot();
  return () => BpfObject.open(`fixtures/${fixture}.o`).load(kernel);
};
const message = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
};

describe('of the verifier', () => {
  it('passes', async () => {
    expect(await load('opens')).toBeAccepted();
    expect(await load('rejected')).not.toBeAccepted();
    expect(await load('rejected')).toBeRejectedBy(/R0 invalid mem access 'map_value_or_null'/);
    expect(await load('rejected')).toBeRejectedBy("R0 invalid mem access 'map_value_or_null'");
    assertAccepted(await load('opens'));
    assertRejectedBy(await load('rejected'), /invalid mem access/);
  });

  it('shows the C line and the explanation where it fails', async () => {
    const rejected = await load('rejected');
    for (const text of [message(() => expect(rejected).toBeAccepted()), message(() => assertAccepted(rejected))]) {
      expect(text).toContain("R0 invalid mem access 'map_value_or_null'");
      expect(text).toContain('*n += 1; @ rejected.c:');
      expect(text).toMatch(/meaning: +\w/);
    }
    expect(message(() => expect(rejected).toBeRejectedBy(/unbounded/))).toMatch(
      /does not say \/unbounded\/, but: R0 inv/,
    );
    const accepted = await load('opens');
    expect(() => assertRejectedBy(accepted, /R0/)).toThrow(TestFailure);
    expect(() => expect(accepted).toBeRejectedBy(/R0/)).toThrow(/the verifier accepted it/);
  });

  it('is no verdict where something else is wrong', async () => {
    const kernel = await Kernel.boot();
    const missing = () => BpfObject.open('fixtures/opens.o').load(kernel, { programs: ['nothing'] });
    expect(() => expect(missing).not.toBeAccepted()).toThrow(ObjectError);
  });
});

describe('of what a program did', () => {
  it('reads the trace more than once, and maps in any order', async () => {
    const kernel = await Kernel.boot();
    const loaded = BpfObject.open('fixtures/opens.o').load(kernel);
    loaded.attach();
    const [a, b] = [kernel.task({ pid: 50 }), kernel.task({ pid: 51 })];
    for (const task of [a, b, a]) task.syscall('openat', { filename: '/tmp/x' }, { result: 3 });
    expect(kernel).toHaveTraced('first open by pid 50');
    expect(kernel).toHaveTraced(/first open by pid 51/);
    expect(kernel).not.toHaveTraced('pid 52');
    assertTraced(kernel, 'pid 50');
    expect(message(() => expect(kernel).toHaveTraced('pid 52'))).toMatch(
      /'pid 52' was not traced; what was: \n.*pid 50\n/,
    );
    const { counts } = loaded.maps;
    expect(counts).toHaveEntries([
      [51, 1],
      [50, 2n],
    ]);
    expect(counts).not.toHaveEntries([[51, 1n]]);
    const other = message(() => assertEntries(counts!, new Map([[50, 3]])));
    for (const line of ['\n- 50 => 3\n', '\n+ 50 => 2n', '\n+ 51 => 1n']) expect(other).toContain(line);
  });

  it('takes what a program returned as C has it', async () => {
    const loaded = (await load('xdp_count'))();
    const run = loaded.programs['count_packets']!.testRun({ dataIn: new Uint8Array(64) });
    expect(run).toHaveRetval(2);
    assertRetval({ retval: 0xffff_ffff }, -1);
    expect(() => expect(run).toHaveRetval(1)).toThrow('the program returned 2, not 1');
  });
});
