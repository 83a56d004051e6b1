/** The stations of the journey from a system call to a program and back, by the addresses where they are passed. */
import { BpfLink, type Kernel, type ProbeLink } from '../../../kernel-sim/index.ts';
import { USER_TEXT, userProgram } from '../../../kernel-sim/task/user-memory.ts';
import { type Addr, addrOf } from '../../machine/addr.ts';
import { RSP } from '../../machine/index.ts';
import type { AttachedLink } from '../../object/index.ts';
import { type ImageCall, imageCalls } from '../program/calls.ts';
import type { Programs } from '../program/programs.ts';
import type { Station } from './types.ts';

export const STATIONS: readonly Station[] = [
  'syscall',
  'entry',
  'function',
  'patch',
  'trampoline',
  'handler',
  'image',
  'helper',
  'return',
  'user',
];

/** What the kernel's text calls on the way from a patched place to a program. */
const HANDLERS = [
  'kprobe_ftrace_handler',
  'kprobe_int3_handler',
  'kretprobe_dispatcher',
  'rethook_trampoline_handler',
  'trace_call_bpf',
  '__bpf_prog_enter_recur',
  '__bpf_prog_enter_sleepable_recur',
  '__bpf_prog_enter',
];

const SYSCALL = [0x0f, 0x05] as const;

export class Stations {
  readonly #kernel: Kernel;
  readonly #calls: readonly ImageCall[];
  readonly #at = new Map<Addr, Station>();
  /** addresses where helpers return to in images */
  readonly #returns: ReadonlySet<Addr>;

  constructor(kernel: Kernel, programs: Programs, links: readonly AttachedLink[]) {
    this.#kernel = kernel;
    this.#calls = imageCalls(programs);
    this.#returns = new Set(this.#calls.map((c) => c.next));
    const put = (at: Addr | undefined, station: Station): void => {
      if (at !== undefined && !this.#at.has(at)) this.#at.set(at, station);
    };
    for (const at of programs.entries) put(at, 'image');
    for (const { target, next } of this.#calls) {
      put(target, 'helper');
      put(next, 'return');
    }
    const user = userProgram();
    const syscall = user.findIndex((byte, n) => byte === SYSCALL[0] && user[n + 1] === SYSCALL[1]);
    put(USER_TEXT + syscall, 'syscall');
    put(USER_TEXT + syscall + SYSCALL.length, 'user');
    put(kernel.cpu.lstar, 'entry');
    for (const probe of links.flatMap((l) => probesOf(l))) {
      put(kernel.symbols.address(probe.symbol), 'function');
      put(probe.address, 'patch');
      put(branchTarget(kernel, probe.address), 'trampoline');
    }
    for (const name of HANDLERS) if (kernel.text.has(name)) put(kernel.symbols.address(name), 'handler');
  }

  get addresses(): ReadonlySet<Addr> {
    return new Set(this.#at.keys());
  }
  of(station: Station): ReadonlySet<Addr> {
    return new Set([...this.#at].filter(([, s]) => s === station).map(([at]) => at));
  }
  /** Functions that programs call. */
  get helpers(): ReadonlySet<string> {
    return new Set(this.#calls.map((c) => this.#kernel.symbols.at(c.target)?.name ?? ''));
  }
  /** Addresses that programs call. */
  get calls(): readonly ImageCall[] {
    return this.#calls;
  }
  /** The station at the current instruction: a helper only where a program has called it. */
  here(): Station | undefined {
    const { cpu, memory } = this.#kernel;
    const station = this.#at.get(cpu.rip);
    if (station !== 'helper') return station;
    const rsp = cpu.reg(RSP);
    const phys = memory.translate(rsp, 0, false);
    if (phys < 0) return undefined;
    const back = addrOf(memory.view.getInt32(phys, true), memory.view.getInt32(phys + 4, true));
    return this.#returns.has(back) ? station : undefined;
  }
}

/** What attaching patched; nothing for links that hang on no text. */
export function probesOf({ link }: AttachedLink): readonly ProbeLink[] {
  const inner = 'link' in link ? link.link : undefined;
  return inner instanceof BpfLink ? inner.probes : [];
}

/** Where the call or jump that was patched in leads. */
function branchTarget({ memory }: Kernel, at: Addr): Addr | undefined {
  if (at === 0 || memory.regionAt(at) === undefined) return undefined;
  const opcode = memory.readU8(at);
  return opcode === 0xe8 || opcode === 0xe9 ? at + 5 + memory.readS32(at + 1) : undefined;
}
