/** The text of the kernel as machine code. */
import { describe, expect, it } from 'vitest';
import { pregenerate } from '../../../kernel-sim/data/make/text-table.ts';
import { syscalls } from '../../../kernel-sim/data/syscalls.ts';
import { textTable } from '../../../kernel-sim/data/text.ts';
import { Kernel } from '../../../kernel-sim/index.ts';
import { tables } from '../../../kernel-sim/text/functions/index.ts';
import { functionName } from '../../../kernel-sim/text/language.ts';
import { decode } from '../../../src/x86/index.ts';

const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');

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
