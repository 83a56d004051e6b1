/** fdget and its kin: the descriptor table of the current process (Linux 6.12 Documentation/filesystems/files.rst). */
import { at, mem, rax, rcx, rdi } from '../../../src/x86/index.ts';
import { type Emit, hyper, load, percpu } from './context.ts';

const fdget: Emit = (a, k) => {
  const none = a.label();
  const out = a.label();
  a.op('mov r64, r/m64', rax, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rax, rax, k.off('task_struct', 'files'));
  a.op('test r/m64, r64', rax, rax);
  a.op('je rel8', none);
  load(a, rax, rax, k.off('files_struct', 'fdt'));
  a.op('mov r/m32, r32', rcx, rdi);
  a.op('cmp r/m32, r32', at(rax, k.off('fdtable', 'max_fds')), rcx);
  a.op('jbe rel8', none);
  load(a, rax, rax, k.off('fdtable', 'fd'));
  a.op('mov r64, r/m64', rax, mem({ base: rax, index: rcx, scale: 8 }));
  a.op('test r/m64, r64', rax, rax);
  a.op('jne rel8', out);
  // inherited descriptors are not in the recording; one that the call could use exists
  a.op('cmp r/m64, imm8', percpu(k, 'result'), 0);
  a.op('jl rel8', out);
  hyper(a, k, 'fd_unknown');
  a.bind(out);
  a.op('ret');
  a.bind(none);
  a.op('xor r/m32, r32', rax, rax);
  a.op('ret');
};

export const fd: Readonly<Record<string, Emit>> = {
  fdget,
  fdget_pos: fdget,
  fdget_raw: fdget,
  fget: fdget,
  fget_raw: fdget,
};
