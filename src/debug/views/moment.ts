/** One line of prose for the moment: what the next instruction does, with the values that it does it to. */
import { helperId, helperRows } from '../../../kernel-sim/bpf/helpers/index.ts';
import { errnoName } from '../../errors/index.ts';
import { addrFromBigInt } from '../../machine/addr.ts';
import { RAX } from '../../machine/index.ts';
import { decodeUtf8 } from '../../platform/index.ts';
import { BPF_REGISTERS } from '../expr/registers.ts';
import { xlatedLines } from '../program/xlated-lines.ts';
import type { SessionContext } from '../session/context.ts';
import { eventView } from './events.ts';
import { x86View } from './x86.ts';

export function momentView(session: SessionContext): string {
  const { stop } = session;
  if (stop.reason === 'end') return 'the recording is at its end: Backspace, S, N and C go back';
  return atStation(session) ?? inImage(session) ?? machineCode(session);
}

function atStation(session: SessionContext): string | undefined {
  const { stop } = session;
  const { symbol, program } = stop.place;
  switch (stop.station) {
    case 'syscall':
      return `${stop.task.comm} asks the kernel: ${callText(session)}. The syscall instruction enters ring 0`;
    case 'entry':
      return "the CPU is in the kernel now, still on the user's stack: swapgs and the registers' saving come next";
    case 'function':
    case 'patch': {
      const next = nextInsn(session);
      const to = /<(.*)>/.exec(next)?.[1];
      return to !== undefined && /^(call|jmp)/.test(next)
        ? `the patched entry: where Linux has a nop of 5 bytes, a ${next.startsWith('call') ? 'call' : 'jump'} leads to ${to}`
        : /^int3/.test(next)
          ? "the patched instruction: int3 traps into the kprobe's handler"
          : `${symbol} begins: a program is attached here`;
    }
    case 'trampoline':
      return 'the trampoline keeps all registers, as the program is to see them and the function to have them back';
    case 'handler':
      return symbol.startsWith('trace_call_bpf')
        ? 'trace_call_bpf calls the programs that are attached here, one after the other'
        : `${symbol} finds what is attached here, and calls it`;
    case 'image':
      return `${program} begins: R1 is its context, ${context(session)}`;
    case 'helper':
      return `the helper begins: ${helperCall(session, symbol)}`;
    case 'user':
      return `back in ${stop.task.comm}: the system call returned ${returned(session)}; next it asks ${callText(session)}`;
    default:
      return undefined;
  }
}

/** What a system call left in rax, as libc reads it (errors are -4095 to -1). */
function returned({ kernel }: SessionContext): string {
  const value = BigInt.asIntN(64, kernel.cpu.reg64(RAX));
  const name = value < 0n && value >= -4095n ? errnoName(Number(-value)) : undefined;
  return name === undefined ? String(value) : `-${name}`;
}

/** `openat(AT_FDCWD, "/etc/ld.so.cache", 524288)` */
function callText(session: SessionContext): string {
  const { call, args } = eventView(session);
  if (call === undefined) return 'nothing';
  const dirFd = call.endsWith('at') || call.endsWith('at2');
  return `${call}(${args.map((a, n) => (n === 0 && dirFd && a === '-100' ? 'AT_FDCWD' : a)).join(', ')})`;
}

/** Text of the instruction at the cursor. */
function nextInsn(session: SessionContext): string {
  const view = x86View(session);
  return view.rows[view.current]?.text ?? '';
}

/** Where the machine code of a BPF instruction begins: what that does. */
function inImage(session: SessionContext): string | undefined {
  const { programs, kernel } = session;
  const at = programs.at(kernel.cpu.rip);
  if (at === undefined || at.prologue) return at && "the prologue: the program's stack frame is made";
  const next = nextInsn(session);
  const target = /^call\s.*<([^>+]+)>/.exec(next)?.[1];
  if (target !== undefined && programs.list.every((p) => p.view.functions.every((f) => f.name !== target)))
    return `calls ${helperCall(session, target)}${effect(target)}`;
  if (!at.starts) return undefined;
  const text = xlatedLines(at.program.view)
    .find((l) => l.slot === at.slot)
    ?.text.replace(/^\(..\) /, '');
  return text === undefined ? undefined : bpfProse(session, text);
}

const OPS: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '&': (a, b) => (a & b) !== 0n,
};

function bpfProse(session: SessionContext, text: string): string {
  const jump = /^if (\w+) (s?)([=!<>&]+) (-?\w+) goto pc([+-]\d+)$/.exec(text);
  if (jump) {
    const [, left = '', signed, op = '', right = '', far] = jump;
    const bits = left.startsWith('w') ? 32 : 64;
    const number = signed ? BigInt.asIntN : BigInt.asUintN;
    const a = number(bits, operandOf(session, left));
    const b = number(bits, operandOf(session, right));
    const taken = OPS[op]?.(a, b);
    return `${left} is ${short(session, left)}${/^[rw]/.test(right) ? `, ${right} is ${short(session, right)}` : ''}: the jump is ${taken ? `taken, ${far} instructions on` : 'not taken'}`;
  }
  const store = /^\*\(([us]\d+) \*\)\((r\d+) ([+-]\d+)\) = (.+)$/.exec(text);
  if (store) {
    const [, type, base = '', off = '', from = ''] = store;
    return `stores ${from}${/^[rw]\d/.test(from) ? ` = ${short(session, from)}` : ''} as ${type} at ${memory(session, base, off)}`;
  }
  const load = /^(\w+) = \*\(([us]\d+) \*\)\((r\d+) ([+-]\d+)\)$/.exec(text);
  if (load) {
    const [, into, type, base = '', off = ''] = load;
    return `loads ${into} from ${memory(session, base, off)}, ${type}`;
  }
  const map = /^(r\d+) = (map\[.*)$/.exec(text);
  if (map) return `${map[1]} becomes the address of ${map[2]}: what was a file descriptor is a pointer now`;
  if (text === 'exit') return `the program returns R0 = ${short(session, 'r0')}`;
  const alu = /^([rw]\d+) (.*)= (.*)$/.exec(text);
  if (alu) {
    const [, into = '', op, from = ''] = alu;
    const operand = /^[rw]\d+$/.test(from) ? ` (${from} is ${short(session, from)})` : '';
    return op === ''
      ? `${into} becomes ${from}${operand}`
      : `${into} is ${short(session, into)}; ${text} changes it${operand}`;
  }
  return text;
}

function register(session: SessionContext, name: string): bigint {
  const value = session.kernel.cpu.reg64(BPF_REGISTERS[Number(name.slice(1))] as number);
  return name.startsWith('w') ? BigInt.asUintN(32, value) : value;
}
const operandOf = (session: SessionContext, text: string): bigint =>
  /^[rw]\d+$/.test(text) ? register(session, text) : BigInt.asUintN(64, bigOf(text));
const bigOf = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** A register as people read it: a small number, or what it points to. */
function short(session: SessionContext, name: string): string {
  const value = register(session, name);
  const follow = name.startsWith('w') ? undefined : session.follow(value);
  if (follow !== undefined) return follow;
  const signed = BigInt.asIntN(name.startsWith('w') ? 32 : 64, value);
  return signed >= -65536n && signed < 0x1_0000_0000n ? String(signed) : `0x${value.toString(16)}`;
}

/** `fp-4`, `counts[3]+8` */
function memory(session: SessionContext, base: string, off: string): string {
  if (base === 'r10') return `fp${off}`;
  const at = BigInt.asUintN(64, register(session, base) + BigInt(Number(off)));
  return session.follow(at) ?? `${base}${off === '+0' ? '' : off}`;
}

/** What R1 is when a program begins, by what it hangs on. */
function context(session: SessionContext): string {
  const { program } = session.stop.place;
  const method = session.links.find((l) => l.program === program)?.method ?? '';
  const what = /probe/.test(method) ? 'the pt_regs of what was probed, at ' : '';
  return `${what}${where(session, 1)}`;
}
const where = (session: SessionContext, arg: number): string => {
  const value = session.kernel.cpu.reg64(BPF_REGISTERS[arg] as number);
  return session.follow(value) ?? `0x${value.toString(16)}`;
};

/** Functions that the verifier put in a helper's place: `htab_map_lookup_elem`. */
const INLINED = /^\w*?_?(map_(?:lookup|update|delete|push|pop|peek)(?:_percpu)?_elem)$/;

/** The call with its arguments as the helper's prototype has them. */
function helperCall(session: SessionContext, symbol: string): string {
  const name = symbol.startsWith('bpf_') ? symbol : `bpf_${INLINED.exec(symbol)?.[1] ?? symbol}`;
  const signature = helperRows(helperId(name) ?? 0)[0]?.signature;
  if (signature === undefined) return symbol;
  const params = signature
    .slice(signature.indexOf('(') + 1, -1)
    .split(', ')
    .filter((p) => p !== '' && p !== 'void');
  const args: string[] = [];
  for (const [n, param] of params.entries()) {
    if (param === '...') {
      const conversions = args[0]?.replaceAll('%%', '').match(/%/g)?.length ?? 0;
      for (let k = 0; k < conversions && n + k < 5; k++) args.push(argument(session, 's64', n + k + 1, undefined));
    } else
      args.push(argument(session, param, n + 1, session.follow(session.kernel.cpu.reg64(BPF_REGISTERS[1] as number))));
  }
  return `${symbol}(${args.join(', ')})`;
}

const MOST_TEXT = 48;
function argument(session: SessionContext, param: string, n: number, first: string | undefined): string {
  const value = session.kernel.cpu.reg64(BPF_REGISTERS[n] as number);
  const words = param.replace(/ \w+$/, '');
  if (/\b(key|value)\b/.test(words)) {
    const map = session.loaded.maps[first?.replace(/^map /, '') ?? ''];
    const bytes = map && (words.includes('key') ? map.handle.keySize : map.handle.valueSize);
    if (bytes !== undefined && bytes > 0 && bytes <= 8) {
      const read = session.scope.memory.integer(addrFromBigInt(value), bytes, false);
      if (read !== undefined) return `&${read}`;
    }
  }
  if (/\b(mem|str)\b/.test(words) && !words.includes('out')) {
    const bytes = session.scope.memory.string(addrFromBigInt(value), MOST_TEXT);
    if (bytes !== undefined && bytes.length > 1) return JSON.stringify(decodeUtf8(bytes));
  }
  const follow = session.follow(value);
  if (follow !== undefined) return follow;
  const signed = BigInt.asIntN(64, value);
  return signed >= -4096n && signed < 0x1_0000_0000n ? String(signed) : `0x${value.toString(16)}`;
}

/** What people see of it. */
function effect(symbol: string): string {
  if (/trace_v?printk/.test(symbol)) return ': it writes a line into trace_pipe';
  if (/map_lookup/.test(symbol)) return ": R0 will be the value's address, or 0 where there is no such key";
  if (/map_update/.test(symbol)) return ': the element is written';
  if (/map_delete/.test(symbol)) return ': the element goes';
  return '';
}

function machineCode(session: SessionContext): string {
  const text = nextInsn(session);
  const { stop, frames } = session;
  const name = stop.place.symbol.replace(/\+0x[0-9a-f]+$/, '');
  const to = /<(.*)>/.exec(text)?.[1];
  if (/^call/.test(text)) return `${name} calls ${to ?? text.replace(/^call\s+/, 'through ')}`;
  if (/^ret/.test(text)) return `${name} returns${frames[1] === undefined ? '' : ` to ${frames[1].place.symbol}`}`;
  if (/^syscall/.test(text)) return `${stop.task.comm} asks the kernel: ${callText(session)}`;
  if (/^(sysret|iret)/.test(text)) return `the kernel goes back to ${stop.task.comm}`;
  if (/^vmcall/.test(text)) return `${name}: a hypercall, which does what the body of Linux's function does`;
  if (/^j/.test(text) && to !== undefined)
    return `${name}: a jump to ${to}${text.startsWith('jmp') ? '' : ', where its condition holds'}`;
  if (stop.place.world === 'user') return `${stop.task.comm} runs its own code, between system calls`;
  return `${name}: ${text.replace(/\s+/g, ' ')}`;
}
