/** From a row of `data/tracepoints.ts` to what fills an event's record: the words that a field's source may have. */
import type { Addr } from '../../src/machine/addr.ts';
import { GuestFault } from '../../src/machine/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { AF } from '../../src/uapi/socket.ts';
import { KernelError } from '../core/errno.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Tasks } from '../task/tasks.ts';
import type { Format } from './formats.ts';

type RecordFloor = TextFloor & { readonly tasks: Tasks };

/** bytes of a buffer for records */
export const RECORD_BYTES = 2048;

/** A record while it is filled. */
export interface Filling {
  readonly at: Addr;
  /** where the next string goes, from the record's start */
  tail: number;
}
export type Fill = (record: Filling) => void;

interface Field {
  readonly offset: number;
  readonly size: number;
  /** number of the argument; 0 where the word takes none */
  readonly arg: number;
  /** what follows the argument */
  readonly rest: readonly string[];
}
type Word = (kernel: RecordFloor, field: Field) => Fill;

/** longest string of a record */
const MAX_STRING = 1024;
/** registers of a system call's arguments, in their order */
const SYSCALL_ARGS = ['di', 'si', 'dx', 'r10', 'r8', 'r9'];

/** A string of the guest's; '' where it cannot be read. */
function text({ memory }: RecordFloor, at: Addr): string {
  try {
    return decodeUtf8(memory.readCString(at, MAX_STRING - 1));
  } catch (error) {
    if (error instanceof GuestFault) return '';
    throw error;
  }
}

/** Writes a number as wide as the field is. */
function number({ memory }: RecordFloor, { offset, size }: Field, value: () => number): Fill {
  if (size === 8) return ({ at }) => memory.writeAddr(at + offset, value());
  if (size === 2) return ({ at }) => memory.writeU16(at + offset, value() & 0xffff);
  if (size === 1) return ({ at }) => memory.writeU8(at + offset, value() & 0xff);
  return ({ at }) => memory.writeU32(at + offset, value() >>> 0);
}
/** Where `struct path`, and `struct path` behind each pointer so found, lead from the argument; 0 where a pointer is null. */
function follow({ args, structs, memory }: RecordFloor, { arg, rest }: Field): Addr {
  let at = args.addr(arg);
  for (let n = 0; n + 1 < rest.length && at !== 0; n += 2) {
    if (n > 0) at = memory.readAddr(at);
    if (at !== 0) at += structs.of(rest[n] as string).offset(rest[n + 1] as string);
  }
  return at;
}
/** A number in a structure; 0 where there is none. */
function inStruct(kernel: RecordFloor, field: Field, read: (at: Addr) => number): Fill {
  return number(kernel, field, () => {
    const at = follow(kernel, field);
    return at === 0 ? 0 : read(at);
  });
}
/**
 * `__trace_sched_switch_state`: of a state and the previous task's exit_state the highest bit that is reported
 * (include/linux/sched.h, TASK_REPORT; TASK_IDLE has a bit of its own).
 */
function reportedState({ args, tasks, memory, structs }: RecordFloor, arg: number): number {
  const state = args.u32(arg);
  if (state === TASK_IDLE) return REPORT_IDLE;
  const exit = memory.readU32(tasks.current.address + structs.offsets('task_struct', ['exit_state']).exit_state);
  const bits = (state | exit) & TASK_REPORT;
  return bits === 0 ? 0 : 1 << (31 - Math.clz32(bits));
}
const TASK_IDLE = 0x402;
const REPORT_IDLE = 0x80;
const TASK_REPORT = 0x7f;

const EIO = 5;
/** `blk_fill_rwbs` (Linux 6.12 include/linux/blk_types.h): what is done, then how. */
const rwbs = (flags: number): string => {
  const op = ({ 0: 'R', 1: 'W', 2: 'F', 3: 'D', 5: 'DE' } as Readonly<Record<number, string>>)[flags & 0xff] ?? 'N';
  const how = (bit: number, letter: string): string => (flags & (1 << bit) ? letter : '');
  return op + how(17, 'F') + how(19, 'A') + how(11, 'S') + how(12, 'M');
};
const swap16 = (n: number): number => ((n & 0xff) << 8) | (n >> 8);

/** An end of a `struct sock`: its own, or its peer's; as IPv6 has it, an address of IPv4 mapped. */
function socketEnd({ memory, structs }: RecordFloor, sk: Addr, which: string) {
  const sock = structs.of('sock');
  const at = (name: string): Addr => sk + sock.offset(`__sk_common.${name}`);
  const own = which === 'own';
  const family = memory.readU16(at('skc_family'));
  const v4 = memory.readBytes(at(own ? 'skc_rcv_saddr' : 'skc_daddr'), 4);
  const in6 =
    family === AF.INET
      ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...v4)
      : memory.readBytes(at(own ? 'skc_v6_rcv_saddr' : 'skc_v6_daddr'), 16);
  const port = own ? memory.readU16(at('skc_num')) : swap16(memory.readU16(at('skc_dport')));
  return { family, port, v4, in6 };
}

const WORDS: Readonly<Record<string, Word>> = {
  int: (kernel, field) => number(kernel, field, () => kernel.args.lo(field.arg)),
  u64:
    ({ memory, args }, { offset, arg }) =>
    ({ at }) =>
      memory.writeU64(at + offset, args.big(arg)),
  const: (kernel, field) => number(kernel, field, () => field.arg),
  cpu: (kernel, field) => number(kernel, field, () => kernel.context.cpu),
  pid: (kernel, field) => number(kernel, field, () => kernel.tasks.at(kernel.args.addr(field.arg))?.pid ?? 0),
  comm:
    ({ memory, args, tasks }, { offset, size, arg }) =>
    ({ at }) => {
      const task = tasks.at(args.addr(arg));
      if (task) memory.writeBytes(at + offset, memory.readBytes(task.field('comm'), size));
    },
  base:
    (kernel, { offset, size, arg }) =>
    ({ at }) => {
      const name = text(kernel, kernel.args.addr(arg)).split('/').at(-1) ?? '';
      kernel.memory.writeBytes(at + offset, encodeUtf8(name.slice(0, size - 1)));
    },
  // __data_loc: length << 16 | offset, the bytes behind the record
  str:
    (kernel, { offset, arg, rest: [struct = '', path = ''] }) =>
    (record) => {
      const { memory, args, structs } = kernel;
      const bytes = encodeUtf8(`${text(kernel, memory.readAddr(args.addr(arg) + structs.of(struct).offset(path)))}\0`);
      const kept = bytes.subarray(0, MAX_STRING);
      memory.writeU32(record.at + offset, ((kept.length << 16) | record.tail) >>> 0);
      memory.writeBytes(record.at + record.tail, kept);
      record.tail += kept.length;
    },
  // the characters of an array, as str
  chars: (kernel, field) => (record) => {
    const { memory } = kernel;
    const at = follow(kernel, field);
    const bytes = encodeUtf8(`${at === 0 ? '' : text(kernel, at)}\0`);
    memory.writeU32(record.at + field.offset, ((bytes.length << 16) | record.tail) >>> 0);
    memory.writeBytes(record.at + record.tail, bytes);
    record.tail += bytes.length;
  },
  long: (kernel, field) => (record) => {
    const at = follow(kernel, field);
    if (at !== 0) kernel.memory.writeBytes(record.at + field.offset, kernel.memory.readBytes(at, 8));
  },
  deref:
    ({ memory, args }, { offset, arg }) =>
    ({ at }) => {
      const from = args.addr(arg);
      if (from !== 0) memory.writeBytes(at + offset, memory.readBytes(from, 8));
    },
  sectors: (kernel, field) =>
    field.rest.length === 0
      ? number(kernel, field, () => kernel.args.u32(field.arg) >>> 9)
      : inStruct(kernel, field, (at) => kernel.memory.readU32(at) >>> 9),
  // blk_status_to_errno: of what a request may end with only whether it is an error is told
  errno: (kernel, field) => number(kernel, field, () => (kernel.args.u32(field.arg) === 0 ? 0 : -EIO)),
  rwbs: (kernel, field) => (record) => {
    const at = follow(kernel, field);
    if (at !== 0) kernel.memory.writeBytes(record.at + field.offset, encodeUtf8(rwbs(kernel.memory.readU32(at))));
  },
  state: (kernel, field) => number(kernel, field, () => reportedState(kernel, field.arg)),
  self:
    ({ memory, tasks }, { offset, size }) =>
    ({ at }) =>
      memory.writeBytes(at + offset, memory.readBytes(tasks.current.field('comm'), size)),
  u8: (kernel, field) => inStruct(kernel, field, (at) => kernel.memory.readU8(at)),
  u32: (kernel, field) => inStruct(kernel, field, (at) => kernel.memory.readU32(at)),
  u16: (kernel, field) => inStruct(kernel, field, (at) => kernel.memory.readU16(at)),
  be16: (kernel, field) => inStruct(kernel, field, (at) => swap16(kernel.memory.readU16(at))),
  s32: (kernel, field) => inStruct(kernel, field, (at) => kernel.memory.readS32(at)),
  mem:
    ({ memory, args, structs }, { offset, size, arg, rest: [struct = '', path = ''] }) =>
    ({ at }) => {
      const base = args.addr(arg);
      if (base !== 0) memory.writeBytes(at + offset, memory.readBytes(base + structs.of(struct).offset(path), size));
    },
  eighth: (kernel, field) => inStruct(kernel, field, (at) => kernel.memory.readU32(at) >>> 3),
  in6:
    (kernel, { offset, arg, rest: [which = ''] }) =>
    ({ at }) => {
      const sk = kernel.args.addr(arg);
      if (sk !== 0) kernel.memory.writeBytes(at + offset, socketEnd(kernel, sk, which).in6);
    },
  sockaddr:
    (kernel, { offset, arg, rest: [which = ''] }) =>
    ({ at }) => {
      const sk = kernel.args.addr(arg);
      if (sk === 0) return;
      const { memory } = kernel;
      const { family, port, v4, in6 } = socketEnd(kernel, sk, which);
      memory.writeU16(at + offset, family);
      memory.writeU16(at + offset + 2, swap16(port));
      if (family === AF.INET) memory.writeBytes(at + offset + 4, v4);
      else memory.writeBytes(at + offset + 8, in6);
    },
  // bytes behind the header that a segment's data begin with
  tcpdata: (kernel, field) =>
    number(kernel, field, () => {
      const { memory, structs, args } = kernel;
      const skb = structs.of('sk_buff');
      const [at, len] = [args.addr(field.arg), memory.readU32(args.addr(field.arg) + skb.offset('len'))];
      return len - (memory.readU8(memory.readAddr(at + skb.offset('data')) + 12) >> 4) * 4;
    }),
  regs: ({ memory, args, structs }, { offset, arg }) => {
    const regs = structs.of('pt_regs');
    return ({ at }) => {
      SYSCALL_ARGS.forEach((name, n) => {
        memory.writeBytes(at + offset + 8 * n, memory.readBytes(args.addr(arg) + regs.offset(name), 8));
      });
    };
  },
};

/**
 * What fills the fields of a record, in their order.
 * @throws KernelError EINVAL for a row that names no word or no field
 */
export function fillers(
  kernel: RecordFloor,
  event: string,
  fields: Readonly<Record<string, string>>,
  format: Format,
): readonly Fill[] {
  return Object.entries(fields).map(([name, source]) => {
    const [word = '', arg = '0', ...rest] = source.split(' ');
    const make = WORDS[word];
    const place = format.fields.get(name);
    if (make === undefined || place === undefined)
      throw new KernelError(
        'EINVAL',
        `tracepoint ${event}: ${make ? `its format has no ${name}` : `no source ${word}`}`,
      );
    return make(kernel, { ...place, arg: Number(arg), rest });
  });
}
