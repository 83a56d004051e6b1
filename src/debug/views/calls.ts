/** The call stack: BPF frames, trampoline, kernel, user. */
import { USER_TEXT } from '../../../kernel-sim/task/user-memory.ts';
import type { SourceLine } from '../program/source.ts';
import type { SessionContext } from '../session/context.ts';
import type { Place, World } from '../session/types.ts';

export interface CallRow {
  readonly world: World;
  /** `do_sys_openat2+0x9` */
  readonly symbol: string;
  readonly address: number;
  readonly program: string | undefined;
  readonly slot: number | undefined;
  readonly source: SourceLine | undefined;
}

const lineOf = ({ slot, source }: Place): Pick<Place, 'slot' | 'source'> => ({ slot, source });

export function callsView({ frames, kernel, places }: SessionContext): CallRow[] {
  const rows = frames.map(({ place: at }, n): CallRow => {
    // a return address is behind the call, and may be another line's
    const place = n === 0 || at.program === undefined ? at : { ...at, ...lineOf(places.at(at.rip - 1)) };
    const { world, symbol, rip, program, slot, source } = place;
    return { world, symbol, address: rip, program, slot, source };
  });
  // in a system call, what made it stands below
  const { current } = kernel.tasks;
  if (rows.at(-1)?.world === 'user' || current.user === undefined) return rows;
  const regs = kernel.structs.of('pt_regs');
  const at = current.stackTop - regs.size + regs.offset('ip');
  const phys = kernel.memory.translate(at, 0, false);
  const ip = phys < 0 ? USER_TEXT : kernel.memory.readAddr(at);
  const place = places.at(ip);
  return [
    ...rows,
    { world: 'user', symbol: place.symbol, address: ip, program: undefined, slot: undefined, source: undefined },
  ];
}
