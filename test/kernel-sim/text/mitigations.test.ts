/**
 * A kernel that mitigates speculation, on each processor. The bytes are those of Linux 6.12.117 in QEMU with
 * `-cpu NAME` and without `mitigations=off`: the jump of an indirect tail call, the return, a shift by a register.
 */
import { describe, expect, it } from 'vitest';
import type { CpuName } from '../../../kernel-sim/data/cpus.ts';
import { Kernel } from '../../../kernel-sim/index.ts';
import { assemble, writeInsns } from '../../../src/isa/index.ts';

const THUNK_RCX = 'jmp ffffffff81cf5360';
const SHLX = 'c4 e2 c1 f7 c0';
const SHL = '48 d3 e0';
const measured: readonly (readonly [CpuName, jump: string, ret: string, shift: string])[] = [
  ['max', THUNK_RCX, 'c3 cc', SHLX],
  ['qemu64', THUNK_RCX, 'c3 cc', SHL],
  ['Haswell', THUNK_RCX, 'jmp ffffffff81cf5f60', SHLX],
  ['Skylake-Server', THUNK_RCX, 'jmp ffffffff81cf5f60', SHLX],
  ['Icelake-Server', THUNK_RCX, 'jmp ffffffff81cf5f60', SHLX],
  ['EPYC', THUNK_RCX, 'jmp ffffffff81cf59a0', SHLX],
  ['EPYC-Milan', THUNK_RCX, 'jmp ffffffff81f0410b', SHLX],
];

/** A tail call by a computed index, and shifts where the slot is empty. */
function program(fd: number): Uint8Array {
  return writeInsns(
    assemble(`
      r6 = r1
      r3 = *(u32 *)(r1 +0)
      r2 = map[id:${fd}]
      r1 = r6
      call bpf_tail_call#12
      r0 = *(u32 *)(r6 +0)
      r1 = *(u32 *)(r6 +4)
      r0 <<= r1
      r0 = 5
      exit`).insns,
  );
}

/** Every `jmp rel32` of an image as text with its target, other bytes as hex. */
function text(image: Uint8Array, at: bigint): string {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  let out = '';
  for (let i = 0; i < image.length; i++) {
    const target = image[i] === 0xe9 && i + 5 <= image.length ? at + BigInt(i + 5 + view.getInt32(i + 1, true)) : 0n;
    if (BigInt.asUintN(64, target) >> 28n === 0xffffffff8n) {
      out += ` jmp ${BigInt.asUintN(64, target).toString(16)}`;
      i += 4;
    } else out += ` ${(image[i] as number).toString(16).padStart(2, '0')}`;
  }
  return out;
}

describe('mitigations', () => {
  for (const [cpu, jump, ret, shift] of measured) {
    it(`${cpu}: the image has Linux's thunks, and runs through them`, async () => {
      for (const engine of ['jit', 'step'] as const) {
        const kernel = await Kernel.boot({ cpu, engine, mitigations: true });
        const array = kernel.bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 100 });
        const seven = kernel.bpf.progLoad({ type: 'socket_filter', insns: writeInsns(assemble('r0 = 7\nexit').insns) });
        const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns: program(array.fd) });
        const image = text(prog.jited, BigInt(prog.jitedFuncs[0]?.address ?? 0));
        expect(image).toContain(jump);
        expect(image.endsWith(` ${ret}`)).toBe(true);
        expect(image).toContain(shift);
        const dataIn = new Uint8Array(64);
        expect(prog.testRun({ dataIn }).retval).toBe(5);
        const key = new Uint8Array(4);
        new DataView(key.buffer).setUint32(0, dataIn.length - 14, true);
        array.update(key, new Uint8Array(new Uint32Array([seven.fd]).buffer));
        expect(prog.testRun({ dataIn }).retval).toBe(7);
      }
    });
  }

  it('off: jumps and returns are plain', async () => {
    const kernel = await Kernel.boot();
    const array = kernel.bpf.mapCreate({ type: 'prog_array', keySize: 4, valueSize: 4, maxEntries: 100 });
    const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns: program(array.fd) });
    const image = text(prog.jited, BigInt(prog.jitedFuncs[0]?.address ?? 0));
    expect(image).toContain('ff e1 cc');
    expect(image.endsWith(' c3 cc')).toBe(true);
  });

  it('a processor that nobody knows is named in the error', async () => {
    await expect(Kernel.boot({ cpu: 'Z80' as CpuName })).rejects.toThrow("cpu: 'Z80' is none of max, ");
  });
});
