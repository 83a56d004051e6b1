import { describe, expect, it } from 'vitest';
import { assemble, insn } from '../../src/isa/index.ts';
import { DEFAULT_FEATURES, JitError, jit } from '../../src/jit/index.ts';

const func = (insns: ReturnType<typeof insn>[]) => ({ name: 'f', insns, stackDepth: 0, tailCallReachable: false });
const compile = (...funcs: ReturnType<typeof insn>[][]) =>
  jit({
    funcs: funcs.map(func),
    features: DEFAULT_FEATURES,
    place: (lengths) => lengths.map((_, n) => 0xffff_ffff_c000_0000n + BigInt(n * 64)),
    callBase: 0n,
    symbol: () => 0n,
  });

describe('what cannot be compiled is named', () => {
  it.each([
    ['may_goto pc+0\nexit', 'f: instruction 0 "(e5) may_goto pc+0" is rewritten before the JIT'],
    ['r0 = *(u8 *)skb[3]\nexit', 'f: instruction 0 "(30) r0 = *(u8 *)skb[3]" is rewritten before the JIT'],
    ['r1 = map[id:5]\nexit', 'f: instruction 0 "(18) r1 = 0x5" is rewritten before the JIT'],
    ['goto pc+4\nexit', 'f: instruction 0 jumps out of the function, to 5'],
    ['goto pc+1\nr1 = 5 ll\nexit', 'f: instruction 0 jumps into a wide load, to 2'],
    ['call 0\nexit', 'call at instruction 0 names no function'],
    ['callx r1\nexit', 'f: instruction 0 "(8d) callx r1"'],
    ['r12 = 0\nexit', 'register r12 does not exist'],
  ])('%j', (source, message) => {
    expect(() => compile(assemble(source).insns)).toThrow(JitError);
    expect(() => compile(assemble(source).insns)).toThrow(message);
  });

  it('names a call that goes to no function', () => {
    const [caller, callee] = [assemble('call pc+2\nexit').insns, assemble('r0 = 1\nexit').insns];
    expect(() => compile(caller, callee)).toThrow('no function starts at instruction 3');
  });

  it('compiles a reference whose function is gone from the last one that is left as Linux does: by its number', () => {
    // mov edx, 5; call __bpf_call_base + 3
    const [main] = compile([insn(0x18, 3, 4, 0, 5), insn(0, 0, 0, 0, 0), ...assemble('call pc+3\nexit').insns]).funcs;
    expect(Buffer.from(main?.bytes ?? []).toString('hex')).toContain('ba05000000e8');
  });

  it('names unknown opcodes', () => {
    expect(() => compile([insn(0xff, 0, 0, 0, 0)])).toThrow('f: instruction 0 "BUG_alu_ff" is unknown');
  });
});
