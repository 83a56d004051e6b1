/**
 * A remote stub of gdb: packets in, packets out, over a session (GDB manual, appendix E "GDB Remote Serial Protocol").
 * Tasks are threads. Nothing is written into the guest for a breakpoint.
 */

import {
  DebugPrompt,
  readMemory,
  type Session,
  type Stop,
  symbolFile,
  tasksOf,
  writeMemory,
} from '../../debug/index.ts';
import { EmuError } from '../../errors/index.ts';
import { addrFromBigInt } from '../../machine/addr.ts';
import { fromHex, toHex } from '../../platform/index.ts';
import type { Answer, Answering } from './connection.ts';
import { doing, memoryMap, targetDescription, threadList } from './features.ts';
import { EXEC_FILE, TargetFiles } from './files.ts';
import { fromBinary } from './hex.ts';
import { monitor } from './monitor.ts';
import { GdbPoints } from './points.ts';
import { expedited, readAll, readOne, writeAll, writeOne } from './registers.ts';
import { parseResumption, resume } from './resume.ts';
import { pidOf, threadId } from './threads.ts';

/** bytes of a packet that gdb may send */
const PACKET_SIZE = 0x4000;
/** gdb takes any number; errno's are usual */
const ERROR = { input: 'E16', memory: 'E0e', other: 'E01' } as const;
const SIGINT = '02';
const SIGTRAP = '05';
const OK = 'OK';

const SUPPORTED = [
  `PacketSize=${PACKET_SIZE.toString(16)}`,
  'QStartNoAckMode+',
  'qXfer:features:read+',
  'qXfer:memory-map:read+',
  'qXfer:exec-file:read+',
  'qXfer:threads:read+',
  'vContSupported+',
  'swbreak+',
  'hwbreak+',
  'ReverseStep+',
  'ReverseContinue+',
].join(';');

export class GdbStub implements Answering {
  readonly #session: Session;
  readonly #points: GdbPoints;
  readonly #files: TargetFiles;
  readonly #prompt: DebugPrompt;
  #interrupt = new AbortController();
  /** whose registers are asked for; undefined: of who runs */
  #selected: number | undefined;
  /** documents of qXfer as they were when their first part was read */
  readonly #documents = new Map<string, string>();

  constructor(session: Session) {
    this.#session = session;
    this.#points = new GdbPoints(session);
    let symbols: Uint8Array | undefined;
    // gdb opens it more than once
    this.#files = new TargetFiles(() => (symbols ??= symbolFile(session)));
    const interrupted = (): AbortSignal => this.#interrupt.signal;
    this.#prompt = new DebugPrompt(session, {
      get signal() {
        return interrupted();
      },
    });
  }

  /** Ctrl-C: what runs ends where it is. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  /** Answers a packet. Whatever it is, there is an answer: an empty one says that it is not known. */
  async handle(packet: string): Promise<Answer> {
    this.#interrupt = new AbortController();
    if (packet === 'QStartNoAckMode') return { send: [OK], withoutAcks: true };
    if (packet === 'k') return { send: [], ends: true };
    if (/^D(;|$)|^vKill/.test(packet)) {
      this.#points.clear();
      return { send: [OK], ends: true };
    }
    try {
      if (packet.startsWith('qRcmd,')) return { send: await this.#monitor(packet.slice(6)) };
      const resumption = parseResumption(packet);
      if (resumption === undefined) return { send: [this.#answer(packet)] };
      this.#selected = undefined;
      return { send: [this.#stopped(await resume(this.#session, resumption, { signal: this.#interrupt.signal }))] };
    } catch (error) {
      // what gdb has sent cannot be done here: its own words say so
      if (error instanceof EmuError) return { send: [ERROR.other] };
      if (error instanceof SyntaxError || error instanceof RangeError) return { send: [ERROR.input] };
      throw error;
    }
  }

  async #monitor(hex: string): Promise<string[]> {
    const said = await monitor(this.#prompt, new TextDecoder().decode(fromHex(hex)));
    const bytes = new TextEncoder().encode(said);
    const out: string[] = [];
    const most = PACKET_SIZE / 4;
    for (let at = 0; at < bytes.length; at += most) out.push(`O${toHex(bytes.subarray(at, at + most))}`);
    return [...out, OK];
  }

  #answer(packet: string): string {
    const rest = packet.slice(1);
    switch (packet[0]) {
      case '?':
        return this.#stopped(this.#session.stop);
      case 'g':
        return readAll(this.#session, this.#pid);
      case 'G':
        return this.#mayWrite(() => writeAll(this.#session, rest));
      case 'p':
        return readOne(this.#session, this.#pid, Number.parseInt(rest, 16)) ?? ERROR.input;
      case 'P': {
        const [number = '', value = ''] = rest.split('=');
        if (!/^[0-9a-f]+$/i.test(value)) return ERROR.input;
        return this.#mayWrite(() => writeOne(this.#session, Number.parseInt(number, 16), value));
      }
      case 'm': {
        const [address, length] = addressAndLength(rest);
        const bytes = readMemory(this.#session, address, Math.min(length, PACKET_SIZE / 2));
        return bytes.length === 0 && length > 0 ? ERROR.memory : toHex(bytes);
      }
      case 'M':
        return this.#write(rest, (data) => fromHex(data));
      case 'X':
        return this.#write(rest, fromBinary);
      case 'Z':
        return this.#points.insert(rest) ? OK : '';
      case 'z':
        this.#points.remove(rest);
        return OK;
      case 'H':
        if (rest.startsWith('g')) this.#selected = pidOf(rest.slice(1));
        return OK;
      case 'T':
        return this.#session.kernel.tasks.find(pidOf(rest) ?? 0) === undefined ? ERROR.other : OK;
      case 'q':
        return this.#query(packet);
      case 'v':
        if (packet === 'vCont?') return 'vCont;c;C;s;S;r';
        return packet.startsWith('vFile:') ? this.#files.handle(packet.slice(6)) : '';
      default:
        return '';
    }
  }

  #query(packet: string): string {
    const [name = '', ...args] = packet.split(/[:,]/);
    switch (name) {
      case 'qSupported':
        return SUPPORTED;
      case 'qAttached':
        return '1';
      case 'qC':
        return `QC${threadId(this.#session.stop.task.pid)}`;
      case 'qOffsets':
        // nokaslr: everything is where its symbol says
        return 'Text=0;Data=0;Bss=0';
      case 'qSymbol':
        return OK;
      case 'qfThreadInfo':
        return `m${tasksOf(this.#session)
          .map((t) => threadId(t.pid))
          .join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo': {
        const task = tasksOf(this.#session).find((t) => t.pid === pidOf(args[0] ?? ''));
        return task === undefined ? ERROR.other : toHex(new TextEncoder().encode(`${task.comm} ${doing(task)}`));
      }
      case 'qXfer':
        return this.#transfer(packet);
      default:
        return '';
    }
  }

  /** `qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH`. */
  #transfer(packet: string): string {
    const m = /^qXfer:([a-z-]+):read:([^:]*):([0-9a-f]+),([0-9a-f]+)$/i.exec(packet);
    if (m === null) return '';
    const [, object = '', annex = '', from = '', length = ''] = m;
    const offset = Number.parseInt(from, 16);
    const key = `${object}:${annex}`;
    if (offset === 0 || !this.#documents.has(key)) {
      const made = this.#document(object, annex);
      if (made === undefined) return object === 'features' ? 'E00' : '';
      this.#documents.set(key, made);
    }
    const whole = this.#documents.get(key) as string;
    const part = whole.slice(offset, offset + Number.parseInt(length, 16));
    return `${offset + part.length < whole.length ? 'm' : 'l'}${part}`;
  }
  #document(object: string, annex: string): string | undefined {
    switch (object) {
      case 'features':
        return annex === 'target.xml' ? targetDescription() : undefined;
      case 'memory-map':
        return memoryMap();
      case 'exec-file':
        return EXEC_FILE;
      case 'threads':
        return threadList(tasksOf(this.#session));
      default:
        return undefined;
    }
  }

  get #pid(): number {
    return this.#selected ?? this.#session.stop.task.pid;
  }
  #mayWrite(write: () => boolean): string {
    if (this.#pid !== this.#session.stop.task.pid) return ERROR.other;
    return write() ? OK : ERROR.input;
  }
  /** `ADDRESS,LENGTH:DATA`. */
  #write(text: string, decode: (data: string) => Uint8Array): string {
    const colon = text.indexOf(':');
    const [address, length] = addressAndLength(text.slice(0, colon));
    const bytes = decode(text.slice(colon + 1));
    if (colon < 0 || bytes.length !== length) return ERROR.input;
    // gdb asks with no data whether X is known
    if (length > 0) writeMemory(this.#session, address, bytes);
    return OK;
  }

  /** A stop reply: why, which thread, and the registers that gdb looks at first. */
  #stopped(stop: Stop): string {
    const signal = stop.reason === 'interrupted' ? SIGINT : SIGTRAP;
    const reason =
      stop.breakpoint !== undefined
        ? this.#points.reason(stop.breakpoint)
        : stop.reason === 'end' || stop.reason === 'begin'
          ? `replaylog:${stop.reason};`
          : '';
    return `T${signal}${reason}thread:${threadId(stop.task.pid)};core:0;${expedited(this.#session)}`;
  }
}

function addressAndLength(text: string): [address: number, length: number] {
  const [address = '', length = ''] = text.split(',');
  return [addrFromBigInt(BigInt(`0x${address}`)), Number(BigInt(`0x${length}`))];
}
