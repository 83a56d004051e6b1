/**
 * Reading kernel memory that may not be there: mm/maccess.c and arch/x86/mm/maccess.c of Linux 6.12 name the functions,
 * Documentation/arch/x86/exception-tables.rst how a load may fail. `bpf/helpers/bodies/access.ts` is the same for the host.
 */
import { r12, rax, rbx, rcx, rdi, rdx, rsi } from '../../../src/x86/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { EX_TABLE } from '../trace-sites.ts';
import { copyBytes, type Emit, enter, leave, mov } from './context.ts';

/** the vsyscall page, which looks like the kernel's and is user space's: its lower half as an s32 */
const VSYSCALL = -0xa0_0000;
const PAGE_MASK = -4096;

/** copy_from_kernel_nofault_allowed(src, size): a canonical address of the kernel's half */
const allowed: Emit = (a) => {
  const no = a.label();
  mov(a, rax, rdi).op('shl r/m64, imm8', rax, 16).op('sar r/m64, imm8', rax, 16);
  a.op('cmp r/m64, r64', rax, rdi).op('jne rel8', no);
  a.op('test r/m64, r64', rax, rax).op('jns rel8', no);
  a.op('and r/m64, imm32', rax, PAGE_MASK).op('cmp r/m64, imm32', rax, VSYSCALL).op('je rel8', no);
  a.op('mov r32, imm32', rax, 1).op('ret');
  a.bind(no);
  a.op('xor r/m32, r32', rax, rax).op('ret');
};

/** copy_from_kernel_nofault(dst, src, size): what was copied before a fault stays */
const copyFromKernelNofault: Emit = (a, k) => {
  const saved = [rbx, r12];
  const refused = a.label();
  enter(a, saved);
  mov(a, rbx, rdi);
  mov(a, r12, rsi);
  a.op('push r64', rdx);
  mov(a, rdi, rsi).op('mov r/m64, r64', rsi, rdx).op('call rel32', k.sym('copy_from_kernel_nofault_allowed'));
  a.op('pop r64', rcx);
  a.op('test r/m8, r8', rax, rax).op('je rel8', refused);
  const loads: number[] = [];
  copyBytes(a, rbx, r12, rcx, rax, () => loads.push(a.here));
  a.op('xor r/m32, r32', rax, rax);
  leave(a, saved);
  a.bind(refused);
  a.op('mov r/m64, imm32', rax, -ERRNO.ERANGE);
  leave(a, saved);
  const fault = a.here;
  a.op('mov r/m64, imm32', rax, -ERRNO.EFAULT);
  leave(a, saved);
  for (const at of loads) k.site(EX_TABLE, at, fault);
};

/** bpf_probe_read_kernel(dst, size, src): what could not be read is zeroed */
const probeReadKernel: Emit = (a, k) => {
  const saved = [rbx, r12];
  const fine = a.label();
  enter(a, saved);
  mov(a, rbx, rdi);
  a.op('mov r/m32, r32', r12, rsi);
  mov(a, rsi, rdx);
  mov(a, rdx, r12).op('call rel32', k.sym('copy_from_kernel_nofault'));
  a.op('test r/m64, r64', rax, rax).op('jns rel8', fine);
  mov(a, rdx, rax);
  mov(a, rdi, rbx);
  mov(a, rcx, r12);
  a.op('xor r/m32, r32', rax, rax).op('rep stosb');
  mov(a, rax, rdx);
  a.bind(fine);
  leave(a, saved);
};

export const nofault: Readonly<Record<string, Emit>> = {
  copy_from_kernel_nofault_allowed: allowed,
  copy_from_kernel_nofault: copyFromKernelNofault,
  bpf_probe_read_kernel: probeReadKernel,
};
