/** Calls of kernel functions by name, with arguments by their names or in their order, as the kernel's BTF has them. */
import type { Kernel, Task } from '../../../kernel-sim/index.ts';
import type { BtfFuncProto, BtfValue } from '../../btf/index.ts';
import { ArgumentError, checkArgument, checkOptions, type Schema } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { nearestOrAll, nearestText } from '../../errors/near.ts';
import type { TestTask } from '../task.ts';
import { asTask, callKernel } from './context.ts';
import type { KernelObjects, ObjectValue } from './objects.ts';

/** By name, or in order; what is left out is 0. */
export type FunctionArguments = readonly ObjectValue[] | { readonly [argument: string]: ObjectValue };
export interface CallOptions {
  /** as which task; default: the one that loads programs */
  readonly task?: TestTask;
  /** what it returns, in place of running its body; what hangs at entry and exit runs all the same */
  readonly result?: number | bigint;
}
export interface FunctionResult {
  /** what it returned, by its type; undefined where it returns nothing */
  readonly result: BtfValue | undefined;
  /** instructions executed, of the kernel and of the programs */
  readonly insns: number;
}

export const CALL_OPTIONS: Schema<CallOptions> = { task: is.object, result: is.u64 };
/** rdi, rsi, rdx, rcx, r8, r9 */
const REGISTERS = 6;

/**
 * @throws ArgumentError: a function or an argument that there is not, with near ones; a value that its type cannot have
 * @throws KernelError as {@link callKernel}
 */
export function callFunction(
  kernel: Kernel,
  objects: KernelObjects,
  name: string,
  args: FunctionArguments,
  options: CallOptions,
): FunctionResult {
  checkArgument('name', name, is.text);
  checkArgument('args', args, is.object);
  checkOptions('options', options, CALL_OPTIONS);
  const proto = prototype(kernel, name);
  const at = kernel.symbols.address(name);
  if (at === undefined) throw new ArgumentError('name', `${name} is inlined in this kernel: there is nothing to call`);
  const registers = ordered(proto, args, name).map((value, n) =>
    value === undefined
      ? 0n
      : objects.register(proto.params[n]?.type ?? 0, value, `args.${proto.params[n]?.name ?? n}`),
  );
  if (registers.length > REGISTERS)
    throw new ArgumentError('args', `${name} takes ${registers.length}, of which ${REGISTERS} go in registers`);
  const task: Task | undefined = options.task && taskOf(kernel, options.task);
  const given = options.result;
  const undo =
    given === undefined
      ? undefined
      : kernel.text.divert(name, () => kernel.args.retBig(BigInt.asUintN(64, BigInt(given))));
  try {
    const { result, insns } = asTask(kernel, task, () => callKernel(kernel, at, registers, name));
    return { result: objects.value(proto.type, result), insns };
  } finally {
    undo?.();
  }
}

/** @throws ArgumentError: it has ended, or is another kernel's */
export function taskOf(kernel: Kernel, { pid }: TestTask): Task {
  const task = kernel.tasks.find(pid);
  if (!task) throw new ArgumentError('options.task', `task ${pid} has ended`);
  return task;
}

function prototype({ btf, symbols }: Kernel, name: string): BtfFuncProto {
  const id = btf.findByName(name, 'func');
  const func = id === 0 ? undefined : btf.typeById(id);
  const proto = func?.kind === 'func' ? btf.typeById(func.type) : undefined;
  if (proto?.kind === 'func_proto') return proto;
  const known = symbols.find(name) !== undefined;
  if (known) throw new ArgumentError('name', `${name} has no types in the kernel's BTF`);
  const names = [...symbols.functions()].map((f) => f.name);
  throw new ArgumentError('name', `the kernel has no function ${name}${nearestText(name, names)}`);
}

function ordered(proto: BtfFuncProto, args: FunctionArguments, name: string): (ObjectValue | undefined)[] {
  const names = proto.params.map((p) => p.name);
  if (Array.isArray(args)) {
    if (args.length > names.length)
      throw new ArgumentError('args', `${name} takes ${names.length}: ${names.join(', ')}`);
    return names.map((_, n) => (args as readonly ObjectValue[])[n]);
  }
  const byName = args as { readonly [argument: string]: ObjectValue };
  for (const key of Object.keys(byName))
    if (!names.includes(key))
      throw new ArgumentError(`args.${key}`, `${name} has no such argument${nearestOrAll(key, names)}`);
  return names.map((key) => byName[key]);
}
