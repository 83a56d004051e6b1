/** The supervisor as an object: what it tells as calls, what it is asked as methods. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { ask, Decoder, type HostCall, type Script, type Told } from './wire.ts';

/** number of its descriptor to us */
const SOCKET = 3;

export interface CommandOptions {
  /** path of the supervisor's executable */
  readonly path: string;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** beginnings of the paths that are shown */
  readonly prefixes: readonly string[];
  /** folder that goes with the supervisor, whatever ends this side */
  readonly dir: string;
  /** sleeps are shown too */
  readonly seesSleeps: boolean;
}

/** Starts a supervisor whose other end is `socket`: 'pipe' for one of ours, or a connection to another emulator. */
export function startSupervisor(
  { path, command, env, prefixes, dir, seesSleeps }: CommandOptions,
  socket: 'pipe' | Duplex,
): { readonly process: ChildProcess; readonly exited: Promise<number> } {
  const process = spawn(path, [String(SOCKET), seesSleeps ? '1' : '0', prefixes.join(':'), dir, ...command], {
    stdio: ['inherit', 'inherit', 'inherit', socket],
    env,
  });
  const exited = new Promise<number>((resolve, reject) => {
    process.on('error', reject);
    process.on('exit', (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
  return { process, exited };
}

export interface Listener {
  call(call: HostCall): void;
  /** the first process; `base`: lowest number of a descriptor of the model's */
  start(tgid: number, base: number): void;
  child(parent: number, tid: number, tgid: number): void;
  exec(tgid: number): void;
  exit(tid: number, tgid: number, status: number): void;
  idle(tid: number, tgid: number, nr: number): void;
  /** COMMAND could not be started */
  failed(text: string): void;
  /** the supervisor has ended */
  gone(): void;
}

export class Supervisor {
  /** process id, once it has told of its first process */
  pid = 0;
  readonly #socket: Duplex;
  readonly #decoder = new Decoder();
  readonly #listener: Listener;
  readonly #scripts = new Map<number, (results: readonly bigint[]) => void>();
  readonly #owns = new Map<number, (fd: number) => void>();
  #tag = 0;

  constructor(socket: Duplex, listener: Listener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('data', (bytes: Buffer) => {
      for (const told of this.#decoder.feed(bytes)) this.#hear(told);
    });
    socket.on('error', () => {}); // it has ended, which its exit tells
    socket.on('close', () => listener.gone());
  }

  go(tid: number): void {
    this.#send(ask.go(tid));
  }
  return(tid: number, value: number | bigint): void {
    this.#send(ask.return(tid, value));
  }
  /** The results of the steps that ran: fewer than there are where one failed. */
  script(tid: number, script: Script): Promise<readonly bigint[]> {
    return new Promise((resolve) => {
      this.#scripts.set(tid, resolve);
      this.#send(ask.script(tid, script));
    });
  }
  /** A descriptor of the supervisor's own that is the same file as a tracee's; -errno. */
  grab(tgid: number, fd: number): Promise<number> {
    return this.#own((tag) => ask.grab(tag, tgid, fd));
  }
  /** Memory that processes can map; a descriptor of the supervisor's, or -errno. */
  memfd(bytes: number): Promise<number> {
    return this.#own((tag) => ask.memfd(tag, bytes));
  }
  fifo(path: string): Promise<number> {
    return this.#own((tag) => ask.fifo(tag, path));
  }
  /** Bytes that wait in a named pipe, or -errno. */
  pending(path: string): Promise<number> {
    return this.#own((tag) => ask.pending(tag, path));
  }
  ring(tgid: number, event: number, memory: number, consumer: number, producer: number): void {
    this.#send(ask.ring(tgid, event, memory, consumer, producer));
  }
  setReadable(own: number, readable: boolean): void {
    this.#send(readable ? ask.signal(own) : ask.clear(own));
  }
  drop(own: number): void {
    this.#send(ask.drop(own));
  }
  /** Where the page of the clock is; the command begins with it. */
  clock(path: string): void {
    this.#send(ask.clock(path));
  }
  kill(signal: number): void {
    this.#send(ask.kill(signal));
  }
  /** Where a descriptor of its own can be opened from here. */
  pathOf(own: number): string {
    return `/proc/${this.pid}/fd/${own}`;
  }
  /** Ends it and everything that it runs. */
  end(): void {
    this.#socket.destroy();
  }

  /** The first is told with the first number of the model's descriptors in place of a group, and the supervisor as its parent. */
  #child(parent: number, tid: number, tgid: number): void {
    if (this.pid !== 0) this.#listener.child(parent, tid, tgid);
    else {
      this.pid = parent;
      this.#listener.start(tid, tgid);
    }
  }
  #own(message: (tag: number) => Buffer): Promise<number> {
    const tag = ++this.#tag;
    return new Promise((resolve) => {
      this.#owns.set(tag, resolve);
      this.#send(message(tag));
    });
  }
  #send(message: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(message);
  }
  #hear(told: Told): void {
    const listener = this.#listener;
    if (told.kind === 'call') listener.call(told.call);
    else if (told.kind === 'done') take(this.#scripts, told.tid)?.(told.results);
    else if (told.kind === 'own') take(this.#owns, told.tag)?.(told.fd);
    else if (told.kind === 'child') this.#child(told.parent, told.tid, told.tgid);
    else if (told.kind === 'exec') listener.exec(told.tgid);
    else if (told.kind === 'idle') listener.idle(told.tid, told.tgid, told.nr);
    else if (told.kind === 'failed') listener.failed(told.text);
    else {
      // a script that it was in has no end
      this.#scripts.delete(told.tid);
      listener.exit(told.tid, told.tgid, told.status);
    }
  }
}

function take<T>(from: Map<number, T>, key: number): T | undefined {
  const value = from.get(key);
  from.delete(key);
  return value;
}
