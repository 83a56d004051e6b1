/** What the language of the tables has no sign for, as machine code in its place: arguments in rdi, rsi, result in rax. */
import { at, rax, rdi, rsi } from '../../../src/x86/index.ts';
import { type Emit, load, mov, percpu } from './context.ts';

/** (a, b): b where the jump is taken behind a test of a, else 0 */
const where =
  (jump: string): Emit =>
  (a) => {
    const taken = a.label();
    mov(a, rax, rsi);
    a.op('test r/m64, r64', rdi, rdi).op(jump, taken).op('xor r/m32, r32', rax, rax);
    a.bind(taken);
  };
const binary =
  (op: string): Emit =>
  (a) =>
    void mov(a, rax, rdi).op(op, rax, rsi);

/** current_cred() */
const currentCred: Emit = (a, k) => {
  a.op('mov r64, r/m64', rax, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rax, rax, k.off('task_struct', 'cred'));
};
/** (mode) without the bits of current->fs->umask */
const umasked: Emit = (a, k) => {
  a.op('mov r64, r/m64', rax, percpu(k, 'pcpu_hot', k.off('pcpu_hot', 'current_task')));
  load(a, rax, rax, k.off('task_struct', 'fs'));
  a.op('mov r32, r/m32', rax, at(rax, k.off('fs_struct', 'umask'))).op('not r/m32', rax);
  a.op('and r/m32, r32', rax, rdi);
};
export const operators: Readonly<Record<string, Emit>> = {
  // (a, b): b where a is 0, b where it is not
  '@unless': where('je rel8'),
  '@when': where('jne rel8'),
  '@and': binary('and r/m64, r64'),
  '@or': binary('or r/m64, r64'),
  '@plus': binary('add r/m64, r64'),
  '@current_cred': currentCred,
  '@umasked': umasked,
};
