/** The built-in types: all of Linux 6.12's, of which a part is read first. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { builtinBtf } from '../../kernel-sim/data/builtin.ts';
import { Kernel } from '../../kernel-sim/index.ts';
import { Btf, QuickBtf } from '../../src/btf/index.ts';
import { BpfObject } from '../../src/object/index.ts';
import { haveShared, readShared } from '../support/shared.ts';

const data = (name: string): Uint8Array =>
  gunzipSync(readFileSync(fileURLToPath(new URL(`../../kernel-sim/data/${name}`, import.meta.url))));
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

/** One in `step` of the whole's types, from a different start each. */
function* sample(btf: Btf, step: number): Generator<number> {
  for (let id = 1 + (step % 7); id < btf.typeCount; id += step) yield id;
}

describe('the quick part of the kernel’s BTF', () => {
  const whole = Btf.parse(data('vmlinux-6.12.btf.gz'));
  const quick = (): QuickBtf => QuickBtf.open(data('vmlinux-6.12.quick.gz'), () => data('vmlinux-6.12.btf.gz'));

  it('has the whole’s types under the whole’s ids', () => {
    const part = quick();
    expect(part.typeCount).toBe(whole.typeCount);
    for (const id of sample(whole, 11)) expect(part.typeById(id)).toEqual(whole.typeById(id));
  });

  it('finds by name what the whole finds, in its order, and only that', () => {
    const part = quick();
    for (const id of sample(whole, 97)) {
      const { name, kind } = whole.typeById(id);
      if (name === '' || kind === 'void') continue;
      expect([...part.findAllByName(name)], name).toEqual([...whole.findAllByName(name)]);
      expect(part.findByName(name, kind)).toBe(whole.findByName(name, kind));
    }
  });

  it('knows without the whole that nearly all names are not there', () => {
    let fetched = 0;
    const names = Array.from({ length: 400 }, (_, n) => `no_such_type_${n * 7919}`);
    let part = quick();
    for (const name of names) {
      if (part.isWhole) {
        fetched++;
        part = quick();
      }
      expect(part.findByName(name)).toBe(0);
    }
    expect(fetched).toBeLessThan(20);
  });

  it('is enough for the programs that ship', async () => {
    for (const name of ['hello.o', 'opens.o', 'opensnoop.o', 'execs.o', 'xdp_count.o', 'tailcall.o']) {
      const kernel = await Kernel.boot();
      BpfObject.open(fixture(name)).load(kernel).attach();
      expect((kernel.btf as QuickBtf).isWhole, name).toBe(false);
    }
  });

  it('gives way to the whole where a program asks for more', async () => {
    const kernel = await Kernel.boot();
    const prog = kernel.bpf.progLoad({
      type: 'tracing',
      expectedAttachType: 'trace_fentry',
      attachBtf: 'blk_mq_run_hw_queue',
      insns: 'b7000000000000009500000000000000',
      license: 'GPL',
    });
    expect(prog.log).toBe('');
    expect(kernel.btf.typeById(whole.findByName('blk_mq_hw_ctx', 'struct'))).toEqual(
      whole.typeById(whole.findByName('blk_mq_hw_ctx', 'struct')),
    );
  });

  it.skipIf(!haveShared)('is a part of the real kernel’s, byte for byte', () => {
    expect(Buffer.compare(builtinBtf().bytes, readShared('reference/6.12/vmlinux.btf.gz'))).toBe(0);
  });
});
