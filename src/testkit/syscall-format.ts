/** A system call's arguments by name and C type, as its event's format file has them (events/syscalls/sys_enter_openat/format). */
import { allEventFormats, formatFields } from '../../kernel-sim/data/event-formats.ts';
import { type SyscallRow, syscallNamed, syscalls } from '../../kernel-sim/index.ts';
import { ArgumentError } from '../errors/argument.ts';
import { nearestText } from '../errors/near.ts';

export interface SyscallField {
  readonly name: string;
  /** as C spells it: `const char *` */
  readonly type: string;
}
export interface SyscallFormat {
  readonly row: SyscallRow;
  readonly fields: readonly SyscallField[];
}

/** behind the common fields and the number, bytes */
const FIRST_ARGUMENT = 16;

/** @throws ArgumentError for a call that x86-64 has not, or whose arguments no event tells */
export function syscallFormat(name: string): SyscallFormat {
  const row = syscallNamed(name);
  if (!row) {
    const names = syscalls.map((s) => s.name);
    throw new ArgumentError('name', `there is no system call '${name}'${nearestText(name, names)}`);
  }
  const text = row.event && allEventFormats().get('syscalls')?.get(`sys_enter_${row.event}`);
  if (!text) throw new ArgumentError('name', `Linux has no event that tells the arguments of '${name}'`);
  const fields = formatFields(text)
    .filter((field) => field.offset >= FIRST_ARGUMENT)
    .map(({ name: field, type, offset }) => ({ name: field, type: type.trim(), offset }));
  return { row, fields };
}
