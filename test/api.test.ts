/** The public API as its users write it: the names, and what they give. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BpfError, BpfObject, Kernel, readStrace } from '../src/index.ts';

const key = (n: number): Uint8Array => Uint8Array.of(n, 0, 0, 0);

describe.each(['jit', 'step', 'interp'] as const)('engine %s', (engine) => {
  it('loads, shows and runs a program', async () => {
    const kernel = await Kernel.boot({ cpus: 1, engine });
    const insns = Uint8Array.from(Buffer.from('b7000000050000009500000000000000', 'hex'));
    const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL', logLevel: 2 });
    expect(prog.log).toContain('0: (b7) r0 = 5');
    expect(prog.xlated).toEqual(insns);
    expect(prog.jitedFuncs.map((f) => f.length)).toEqual(engine === 'interp' ? [] : [prog.jited.length]);
    const run = prog.testRun({ dataIn: new Uint8Array(64), repeat: 3 });
    expect(run).toMatchObject({ retval: 5, r0: 5n, insns: 6 });
  });

  it('refuses with errno and log', async () => {
    const kernel = await Kernel.boot({ engine });
    const exit = Uint8Array.from(Buffer.from('9500000000000000', 'hex'));
    expect(() => kernel.bpf.progLoad({ type: 'xdp', insns: exit, license: 'GPL', logLevel: 1 })).toThrow(BpfError);
    try {
      kernel.bpf.progLoad({ type: 6, insns: exit, license: 'GPL', logLevel: 1 });
    } catch (error) {
      expect((error as BpfError).errno).toBe('EACCES');
      expect((error as BpfError).log).toContain('R0 !read_ok');
    }
  });

  it('keeps maps', async () => {
    const kernel = await Kernel.boot({ engine });
    const map = kernel.bpf.mapCreate({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 1 });
    map.update(key(1), new Uint8Array(8).fill(7), 0);
    expect(map.lookup(key(1))).toEqual(new Uint8Array(8).fill(7));
    expect([...map.entries()]).toEqual([[key(1), new Uint8Array(8).fill(7)]]);
    expect(() => map.update(key(2), new Uint8Array(8))).toThrow(/E2BIG/);
    map.delete(key(1));
    expect(map.lookup(key(1))).toBeUndefined();
  });

  it('attaches an object, replays a recording, and has its output and its map', async () => {
    const kernel = await Kernel.boot({ engine });
    const loaded = BpfObject.open('fixtures/opens.o').load(kernel);
    const links = loaded.attach();
    expect(links).toHaveLength(1);
    await kernel.replay(readStrace(readFileSync('fixtures/traces/python3.strace', 'utf8')).trace);
    expect(kernel.tracePipe.read()).toContain('bpf_trace_printk: first open by pid 30042\n');
    expect([...(loaded.maps['counts']?.entries() ?? [])]).toHaveLength(2);
  });
});
