/**
 * Events that a test lets happen: the tracepoint's arguments are made from the fields that the test gives, the other way
 * round than the kernel makes the record from the arguments, so that programs of every kind see the same.
 */
import { allEventFormats } from '../../../kernel-sim/data/event-formats.ts';
import { eventArgs, tracepointRow } from '../../../kernel-sim/data/tracepoints.ts';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { numberBytes, type RecordField, recordFieldsOf, writeField } from '../../../kernel-sim/trace/record-fields.ts';
import { ArgumentError, checkArgument, checkOptions, type Schema } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { KernelError } from '../../errors/index.ts';
import { nearestOrAll, nearestText } from '../../errors/near.ts';
import { encodeUtf8 } from '../../platform/index.ts';
import type { TestTask } from '../task.ts';
import { asTask } from './context.ts';
import { taskOf } from './function.ts';
import type { KernelObjects, ObjectMembers, ObjectValue } from './objects.ts';

/** Numbers, strings for character arrays and `__data_loc` strings, bytes for other arrays. */
export type EventValue = number | bigint | string | boolean | Uint8Array;
export interface EventFields {
  readonly [field: string]: EventValue;
}
export interface EmitOptions {
  /** as which task; default: the one that loads programs */
  readonly task?: TestTask;
  /** arguments of the tracepoint that are not made from the fields, by the names that the kernel's BTF has (`__traceiter_sched_switch`) */
  readonly args?: { readonly [argument: string]: ObjectValue };
}
export const EMIT_OPTIONS: Schema<EmitOptions> = { task: is.object, args: is.object };

/** @throws ArgumentError with near names */
function formatOf(name: string): readonly RecordField[] {
  const [category = '', event = ''] = name.split(':');
  const formats = allEventFormats();
  const text = formats.get(category)?.get(event);
  if (text === undefined) {
    const names = [...formats].flatMap(([group, events]) => [...events.keys()].map((e) => `${group}:${e}`));
    throw new ArgumentError('event', `there is no event '${name}'${nearestText(name, names)}`);
  }
  if (category === 'syscalls')
    throw new ArgumentError(
      'event',
      `a task makes system calls: task.syscall('${event.replace(/^sys_(enter|exit)_/, '')}', …)`,
    );
  return recordFieldsOf(text);
}

/**
 * @returns instructions executed
 * @throws ArgumentError: an event or a field that there is not, with near ones; a value that a field cannot have
 * @throws KernelError EOPNOTSUPP: a tracepoint with more arguments than go in registers; EIO: the kernel oopsed
 */
export function emit(
  kernel: Kernel,
  objects: KernelObjects,
  name: string,
  fields: EventFields,
  options: EmitOptions,
): number {
  checkArgument('event', name, is.text);
  checkArgument('fields', fields, is.object);
  checkOptions('options', options, EMIT_OPTIONS);
  const format = formatOf(name);
  for (const [field, value] of Object.entries(fields)) checkField(format, name, field, value);
  const event = name.slice(name.indexOf(':') + 1);
  const args = tracepointArgs(kernel, objects, event, fields, options.args ?? {});
  const task = options.task && taskOf(kernel, options.task);
  const { machine, faults, probes, memory } = kernel;
  const before = machine.executed;
  const last = faults.oopses.at(-1);
  const stop = asTask(kernel, task, () =>
    probes.raise(
      event,
      args.map((value) => [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))] as const),
      (record) => {
        for (const field of format) {
          const value = fields[field.name];
          if (value !== undefined) writeField(memory, record, field, fieldBytes(value, field.size));
        }
      },
    ),
  );
  const oops = faults.oopses.at(-1);
  if (oops !== undefined && oops !== last) throw new KernelError('EIO', `the kernel oopsed in ${name}:\n${oops.text}`);
  if (stop.reason !== 'halt')
    throw new KernelError('EINTR', `${name} was stopped: ${stop.fault?.message ?? String(stop.why ?? stop.reason)}`);
  return machine.executed - before;
}

const MAX_STRING = 1024;

function checkField(format: readonly RecordField[], event: string, name: string, value: EventValue): void {
  const argument = `fields.${name}`;
  const field = format.find((f) => f.name === name);
  if (!field) {
    const names = format.map((f) => f.name);
    throw new ArgumentError(argument, `${event} has no such field${nearestOrAll(name, names)}`);
  }
  const { size, isLocation, isText } = field;
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const length = typeof value === 'string' ? encodeUtf8(value).length + 1 : value.length;
    const room = isLocation ? MAX_STRING : size;
    if (typeof value === 'string' && !isText)
      throw new ArgumentError(argument, `${is.shown(value)} is nothing for a number`);
    if (length > room) throw new ArgumentError(argument, `${length} bytes, there is room for ${room}`);
    return;
  }
  if (isText || isLocation) throw new ArgumentError(argument, `${is.shown(value)} is nothing for text`);
  if (typeof value !== 'boolean') {
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new ArgumentError(argument, `${is.shown(value)} is not a whole number`);
    const bits = BigInt(8 * size);
    const whole = BigInt(value);
    if (whole >= 1n << bits || whole < -(1n << (bits - 1n)))
      throw new ArgumentError(argument, `${value} does not fit ${bits} bits`);
  }
}

function fieldBytes(value: EventValue, size: number): Uint8Array {
  if (typeof value === 'string') return encodeUtf8(`${value}\0`);
  return value instanceof Uint8Array ? value : numberBytes(value, size);
}

/** The tracepoint's arguments, from the fields whose source is in them (`kernel-sim/data/tracepoints.ts` has the words). */
function tracepointArgs(
  kernel: Kernel,
  objects: KernelObjects,
  event: string,
  fields: EventFields,
  given: NonNullable<EmitOptions['args']>,
): bigint[] {
  const row = tracepointRow(event);
  const types = argumentTypes(kernel, event);
  const count = row ? eventArgs(event) : types.length;
  const numbers = new Map<number, bigint>();
  const made = new Map<number, { readonly type: string; readonly members: { [name: string]: ObjectValue } }>();
  const tasks = new Map<number, { pid?: number; comm?: string }>();
  for (const [field, source] of Object.entries(row?.fields ?? {})) {
    const value = fields[field];
    if (value === undefined) continue;
    const [word = '', arg = '0', ...rest] = source.split(' ');
    const n = Number(arg);
    if (word === 'int' || word === 'u64') numbers.set(n, BigInt(value as number));
    else if (word === 'pid' || word === 'comm') tasks.set(n, { ...tasks.get(n), [word]: value });
    else if (word === 'base') made.set(n, { type: '', members: { '': value } });
    else if (rest.length >= 2) {
      const of = made.get(n) ?? { type: rest[0] as string, members: {} };
      made.set(n, of);
      place(of.members, rest.slice(1), word === 'be16' ? swapped(value) : value);
    }
  }
  for (const name of Object.keys(given))
    if (!types.some((t) => t.name === name)) {
      const names = types.map((t) => t.name);
      throw new ArgumentError(`options.args.${name}`, `${event} has no such argument${nearestOrAll(name, names)}`);
    }
  return Array.from({ length: count }, (_, at) => {
    const n = at + 1;
    const type = types[at];
    const explicit = type && given[type.name];
    if (type && explicit !== undefined) return objects.register(type.id, explicit, `options.args.${type.name}`);
    const number = numbers.get(n);
    if (number !== undefined) return BigInt.asUintN(64, number);
    const task = tasks.get(n);
    if (task) return taskArgument(kernel, objects, task);
    const object = made.get(n);
    if (object === undefined) return type === undefined ? 0n : anyOf(kernel, objects, type.id);
    return object.type === ''
      ? objects.text(String(object.members['']))
      : objects.make(object.type, object.members).address;
  });
}

/** `['dev', 'net_device', 'name']`: through a pointer to the structure that is named, into its member */
function place(members: { [name: string]: ObjectValue }, path: readonly string[], value: EventValue): void {
  const [name = '', , ...rest] = path;
  if (rest.length === 0) {
    members[name] = value;
    return;
  }
  const inner = (members[name] ?? {}) as { [name: string]: ObjectValue };
  members[name] = inner;
  place(inner, rest, value);
}
const swapped = (value: EventValue): number => ((Number(value) & 0xff) << 8) | (Number(value) >> 8);

/** A task that there is, or one that only this event knows. */
function taskArgument(
  kernel: Kernel,
  objects: KernelObjects,
  { pid = 0, comm }: { pid?: number; comm?: string },
): bigint {
  const known = kernel.tasks.find(pid);
  if (known !== undefined && (comm === undefined || comm === known.comm))
    return BigInt.asUintN(64, BigInt(known.address));
  const members: ObjectMembers = {
    pid,
    tgid: pid,
    prio: 120,
    static_prio: 120,
    ...(comm === undefined ? {} : { comm }),
  };
  return objects.make('task_struct', members).address;
}

/** An argument that nothing is said of: where a structure is expected there is one, as programs of type tp_btf rely on. */
function anyOf({ btf, tasks }: Kernel, objects: KernelObjects, id: number): bigint {
  const pointer = btf.resolve(id);
  const to = pointer.kind === 'ptr' && pointer.type !== 0 ? btf.resolve(pointer.type) : undefined;
  if (to?.kind !== 'struct') return 0n;
  return to.name === 'task_struct' ? BigInt.asUintN(64, BigInt(tasks.current.address)) : objects.make(to.name).address;
}

/** Arguments of a tracepoint by what calls its probes, without the private first one. */
function argumentTypes({ btf }: Kernel, event: string): { readonly name: string; readonly id: number }[] {
  for (const name of [`__probestub_${event}`, `__traceiter_${event}`]) {
    const id = btf.findByName(name, 'func');
    const func = id === 0 ? undefined : btf.typeById(id);
    const proto = func?.kind === 'func' ? btf.typeById(func.type) : undefined;
    if (proto?.kind === 'func_proto') return proto.params.slice(1).map((p) => ({ name: p.name, id: p.type }));
  }
  return [];
}
