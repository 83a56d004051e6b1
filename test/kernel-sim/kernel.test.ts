/** Booting, the address space, symbols, and the text as machine code. */
import { describe, expect, it } from 'vitest';
import { pregenerate } from '../../kernel-sim/data/make/text-table.ts';
import { syscalls } from '../../kernel-sim/data/syscalls.ts';
import { textTable } from '../../kernel-sim/data/text.ts';
import { Kernel } from '../../kernel-sim/index.ts';
import { tables } from '../../kernel-sim/text/functions/index.ts';
import { functionName } from '../../kernel-sim/text/language.ts';
import { formatAddr } from '../../src/machine/addr.ts';
import { decode } from '../../src/x86/index.ts';
import { haveShared, readShared } from '../support/shared.ts';
import { program } from './support/programs.ts';
import { call, recording } from './support/recording.ts';

const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');

describe('boot', () => {
  it('gives the same addresses and bytes for the same seed, others for another', async () => {
    const state = async (seed?: number) => {
      const k = await Kernel.boot({ engine: 'step', ...(seed === undefined ? {} : { seed }) });
      return [k.tasks.loader.address, k.bpfPack.alloc(100), k.bpfPack.alloc(100), k.random.u32(), k.percpu.base].join();
    };
    expect(await state()).toBe(await state());
    expect(await state(2)).not.toBe(await state(3));
  });
  it('names the option that it cannot use', async () => {
    await expect(Kernel.boot({ cpus: 0 })).rejects.toThrow(/cpus: 0/);
    await expect(Kernel.boot({ engine: 'x' as 'jit' })).rejects.toThrow(/engine: 'x'/);
    await expect(Kernel.boot({ kallsyms: '/no/such/file' })).rejects.toThrow(/cannot read/);
    await expect(Kernel.boot({ kallsyms: new TextEncoder().encode('hello\n') })).rejects.toThrow(/no line of the form/);
    await expect(Kernel.boot({ kallsyms: new TextEncoder().encode('0000000000000000 T _stext\n') })).rejects.toThrow(
      /all addresses are zero/,
    );
    await expect(Kernel.boot({ kallsyms: Uint8Array.of(0x1f, 0x8b, 1, 2, 3) })).rejects.toThrow(/damaged gzip/);
  });
});

describe('address space', () => {
  it('is Linux’s', async () => {
    const k = await Kernel.boot({ engine: 'step', cpus: 2 });
    expect(formatAddr(k.slab.kmalloc(100))).toMatch(/^ffff8880/);
    expect(formatAddr(k.vmalloc.alloc(100))).toMatch(/^ffffc900/);
    expect(formatAddr(k.bpfPack.alloc(100))).toMatch(/^ffffffffc0000/);
    expect(formatAddr(k.tasks.loader.stack)).toMatch(/^ffffc900.*[048c]000$/);
    expect(k.memory.translate(k.tasks.loader.stack - 1, 0, false)).toBe(-1);
    expect(k.memory.translate(k.tasks.loader.stackTop, 0, false)).toBe(-1);
    const image = k.bpfPack.alloc(10);
    expect(k.memory.translate(image, 1, false)).toBe(-1);
    expect(k.memory.translate(image, 2, false)).toBeGreaterThan(0);
    const p = k.percpu.alloc(8);
    expect(k.percpu.address(p, 1) - k.percpu.address(p, 0)).toBe(k.percpu.offset(1) - k.percpu.offset(0));
  });
  it('gives freed memory again, zeroed, and refuses a second free', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const a = k.slab.kmalloc(64);
    k.memory.writeU32(a, 0xdeadbeef);
    k.slab.kfree(a);
    expect(() => k.slab.kfree(a)).toThrow(/kfree/);
    expect(k.slab.kmalloc(64)).toBe(a);
    expect(k.memory.readU32(a)).toBe(0);
    const v = k.vmalloc.alloc(10_000);
    k.vmalloc.free(v);
    expect(() => k.vmalloc.free(v)).toThrow(/vfree/);
    expect(() => k.memory.readU8(v)).toThrow(/not mapped/);
    const big = k.percpu.alloc(32 << 10);
    for (let n = 0; n < 40; n++) k.percpu.alloc(32 << 10);
    expect(() => k.percpu.alloc((32 << 10) + 1)).toThrow(/at most/);
    k.percpu.free(big);
    const i = k.bpfPack.alloc(3000);
    k.bpfPack.write(i, Uint8Array.of(0xc3));
    k.bpfPack.free(i);
    expect(k.memory.readU8(i)).toBe(0xcc);
  });
});

describe('symbols', () => {
  it.skipIf(!haveShared)('have the addresses of the real kernel', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const real = new Map<string, Set<string>>();
    for (const line of Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString().split('\n')) {
      const [at, , name, module] = line.split(/\s+/);
      if (!at || !name || module) continue;
      const known = real.get(name);
      if (known) known.add(at);
      else real.set(name, new Set([at]));
    }
    let compared = 0;
    for (const s of k.symbols.all()) {
      if (s.module !== undefined || s.name.endsWith('.cold')) continue;
      expect(real.get(s.name), s.name).toContain(formatAddr(s.address));
      compared++;
    }
    expect(compared).toBeGreaterThan(2800);
  });
  it.skipIf(!haveShared)('come from another kallsyms when one is given', async () => {
    const k = await Kernel.boot({ engine: 'step', kallsyms: readShared('reference/6.12/kallsyms.gz') });
    const builtin = await Kernel.boot({ engine: 'step' });
    for (const name of ['do_sys_openat2', 'entry_SYSCALL_64', 'bpf_trace_printk', 'pcpu_hot']) {
      // how long kallsyms says a function is, only the list that ships knows
      const { told: _, ...known } = builtin.symbols.get(name)!;
      expect(k.symbols.get(name)).toEqual(known);
    }
  });
  it.skipIf(!haveShared)('moved as KASLR moves them, and half of them missing: a recording still runs', async () => {
    const lines = Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString().split('\n');
    const moved = lines
      .filter((line, n) => n % 2 === 0 || / (_stext|do_sys_openat2)$/.test(line))
      .map((line) => line.replace(/^ffffffff[89]\w{7}/, (at) => (BigInt(`0x${at}`) + 0x1c00_0000n).toString(16)));
    const k = await Kernel.boot({ engine: 'step', kallsyms: new TextEncoder().encode(moved.join('\n')) });
    const link = k.probes.kprobe(program(k, 'hello'), { symbol: 'do_sys_openat2' });
    expect(formatAddr(link.address)).toBe('ffffffff9d453d90');
    k.probes.tracepoint(program(k, 'tp'), 'sched', 'sched_process_exit');
    const steps = [call('openat', [-100, '/etc/passwd', 0], 3), call('exit_group', [0], undefined)];
    expect(await k.replay(recording(steps))).toMatchObject({ calls: 2, oopses: [], stopped: undefined });
    expect(
      k.tracePipe
        .read()
        .trimEnd()
        .split('\n')
        .map((l) => l.replace(/.*: /, '')),
    ).toEqual(['hello', 'tp']);
  });
  it('are found by address, and near by name', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const at = k.symbols.address('do_sys_openat2') as number;
    expect(k.symbols.format(at + 0x12)).toBe('do_sys_openat2+0x12/0xe0');
    expect(k.symbols.format(-1)).toBe('0xffffffffffffffff');
    expect(k.symbols.near('do_sys_opnat2')).toContain('do_sys_openat2');
    expect(k.symbols.near('zzzzzzzzzzzz')).toEqual([]);
  });
});

describe('text', () => {
  it('of every function in the tables is whole instructions, inside the room that Linux’s has', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    let bodies = 0;
    for (const signature of Object.keys(tables)) {
      const symbol = k.symbols.get(functionName(signature));
      if (!symbol) continue;
      bodies++;
      const bytes = k.text.read(symbol.address, symbol.size);
      const nop = k.text.entryNop(symbol);
      expect(nop === undefined ? '0f1f440000' : hex(k.text.read(nop, 5)), symbol.name).toBe('0f1f440000');
      for (let o = 0; o < bytes.length && bytes[o] !== 0xcc; ) {
        const insn = decode(bytes, o);
        expect(insn.row, `${symbol.name}+${o}`).toBeGreaterThanOrEqual(0);
        o += insn.length;
      }
    }
    // a few bodies are longer than Linux's: their entry is in place, the rest lies out of line as NAME.cold
    expect(k.text.overflowed / bodies).toBeLessThan(0.2);
  });
  it('that ships is what the tables give now', () => {
    expect(pregenerate()).toEqual(textTable);
  });
  it('has an entry for each system call, and begins as the real one does', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    for (const row of syscalls) expect(k.symbols.address(row.entry), row.entry).toBeLessThan(0);
    // from the real kernel's text: endbr64 and swapgs; none at a static function; a sealed one
    expect(hex(k.text.read(k.symbols.address('entry_SYSCALL_64') as number, 7))).toBe('f30f1efa0f01f8');
    expect(hex(k.text.read(k.symbols.address('do_sys_openat2') as number, 5))).toBe('0f1f440000');
    expect(hex(k.text.read(k.symbols.address('do_filp_open') as number, 9))).toBe('660f1f000f1f440000');
  });
  it('refuses a hypercall that nobody registered', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const at = k.text.define({
      name: 'bpf_map_lookup_elem',
      code: (a) => void a.op('mov r32, imm32', 0, 4000).op('vmcall').op('ret'),
    });
    expect(() => k.call(at)).toThrow(/hypercall 4000/);
  });
  it('a defined function is called, and defined again', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const at = k.text.define({ name: 'bpf_get_smp_processor_id', handler: () => k.args.retU32(7) });
    expect(k.call(at).reason).toBe('halt');
    expect(k.cpu.regs[0]).toBe(7);
    k.text.define({ name: 'bpf_get_smp_processor_id', code: (a) => void a.op('mov r32, imm32', 0, 9).op('ret') });
    k.call(at);
    expect(k.cpu.regs[0]).toBe(9);
  });
});
