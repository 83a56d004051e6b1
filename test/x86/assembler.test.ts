/** The assembler's own duties: forms by name, labels, forced displacements, errors that say what is wrong. */
import { describe, expect, it } from 'vitest';
import {
  Assembler,
  at,
  mem,
  r8,
  r10,
  r13,
  rax,
  rbp,
  rcx,
  rdi,
  rip,
  rsi,
  rsp,
  X86EncodeError,
} from '../../src/x86/index.ts';

const hex = (asm: Assembler): string => Buffer.from(asm.bytes()).toString('hex');
const one = (
  syntax: string,
  ...operands: Parameters<Assembler['op']> extends [string, ...infer O] ? O : never
): string => hex(new Assembler(0xffffffffc0000000n).op(syntax, ...operands));

describe('Assembler', () => {
  it.each([
    ['89 /r', one('mov r/m64, r64', rbp, rsp), '4889e5'],
    ['8B /r', one('mov r64, r/m64', rbp, rsp), '488bec'],
    ['imm8', one('add r/m64, imm8', rsp, -8), '4883c4f8'],
    ['imm32', one('add r/m64, imm32', rsp, -8), '4881c4f8ffffff'],
    ['accumulator', one('add rax, imm32', 1), '480501000000'],
    ['wide immediate', one('mov r64, imm64', rdi, 0xffff888000000000n), '48bf00000000' + '8088ffff'],
    ['shortest displacement', one('mov r64, r/m64', rax, at(rdi, 8)), '488b4708'],
    ['forced disp32', one('mov r64, r/m64', rax, at(rdi, 8, 4)), '488b8708000000'],
    ['forced disp8', one('mov r64, r/m64', rax, at(rdi, 0, 1)), '488b4700'],
    ['rbp needs a displacement', one('mov r64, r/m64', rax, at(rbp)), '488b4500'],
    ['r13 too', one('mov r64, r/m64', rax, at(r13)), '498b4500'],
    ['rsp needs SIB', one('mov r64, r/m64', rax, at(rsp)), '488b0424'],
    ['scaled index', one('lea r64, m', rax, mem({ base: rdi, index: r10, scale: 8, disp: 1 })), '4a8d44d701'],
    ['no base', one('mov r32, r/m32', rax, mem({ disp: 0x1234 })), '8b042534120000'],
    ['rip', one('lea r64, m', rax, mem({ base: rip, disp: 0 })), '488d0500000000'],
    ['rip to a target', one('lea r64, m', rax, mem({ target: 0xffffffffc0000000n })), '488d05f9ffffff'],
    ['gs', one('mov r64, r/m64', rax, mem({ disp: 0x28, segment: 'gs' })), '65488b042528000000'],
    ['lock', one('lock xadd r/m64, r64', at(rdi), rax), 'f0480fc107'],
    ['byte register that needs REX', one('mov r/m8, r8', at(rdi), rsi), '408837'],
    ['byte register that does not', one('mov r/m8, r8', at(rdi), rcx), '880f'],
    ['shlx', one('shlx r64, r/m64, r64', rax, r8, rcx), 'c4c2f1f7c0'],
    ['call', one('call rel32', 0xffffffff81000000n), 'e8fbffffc0'],
  ])('%s', (_name, actual, expected) => {
    expect(actual).toBe(expected);
  });

  it('resolves labels both ways and pads with the kernel’s nops', () => {
    const asm = new Assembler(0x1000);
    const back = asm.bind();
    const forward = asm.label('out');
    asm.op('jmp rel32', forward).op('jne rel8', back).nops(11).bind(forward);
    expect(asm.addressOf(forward)).toBe(0x1000 + 5 + 2 + 11);
    expect(hex(asm)).toBe('e90d00000075f9' + '0f1f840000000000' + '0f1f00');
  });

  it('refuses what does not exist or does not fit, and says so', () => {
    const asm = new Assembler(0);
    expect(() => asm.op('mov r/m64, imm64', rax, 1)).toThrow(/no x86 form 'mov r\/m64, imm64'/);
    expect(() => asm.op('add r/m64, imm8', rax, 200)).toThrow(/immediate 200 does not fit 8 bits/);
    expect(() => asm.op('mov r/m64, imm32', rax, 0xffffffff)).toThrow(/does not fit 32 bits/);
    expect(() => asm.op('lea r64, m', rax, rcx)).toThrow(/operand 2 must be memory/);
    expect(() => asm.op('mov r64, r/m64', 16, rcx)).toThrow(/operand 1 must be a register/);
    expect(() => asm.op('jmp rel8', 0x10000)).toThrow(/does not fit rel8/);
    expect(() => asm.op('shl r/m64, cl', rax, rcx)).toThrow(/takes 1 operands/);
    expect(() => new Assembler(0).op('jmp rel32', asm.label('x')).bytes()).toThrow(X86EncodeError);
  });
});
