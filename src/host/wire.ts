/**
 * Messages between the supervisor and this side of the door: native/wire.h is the other half. A header of two u32 (length
 * of what follows, type), then the fields, little endian.
 */

/** What the supervisor tells. */
export type Told =
  | { readonly kind: 'call'; readonly call: HostCall }
  | { readonly kind: 'done'; readonly tid: number; readonly results: readonly bigint[] }
  /** `parent` of the first process is the supervisor, and its `base` the first number of the model's descriptors */
  | { readonly kind: 'child'; readonly parent: number; readonly tid: number; readonly tgid: number }
  | { readonly kind: 'exec'; readonly tgid: number }
  | { readonly kind: 'exit'; readonly tid: number; readonly tgid: number; readonly status: number }
  | { readonly kind: 'idle'; readonly tid: number; readonly tgid: number; readonly nr: number }
  | { readonly kind: 'own'; readonly tag: number; readonly fd: number }
  | { readonly kind: 'failed'; readonly text: string };

/** A system call that is stopped at its entry. */
export interface HostCall {
  readonly tid: number;
  readonly tgid: number;
  /** number of x86-64 */
  readonly nr: number;
  readonly args: readonly bigint[];
  /** the path that it names, where the filter looked at one */
  readonly path: string;
}

/** Where an argument of a step comes from: itself, the script's bytes at this offset, or the result of a step before. */
export type StepArg = number | bigint | { readonly data: number } | { readonly step: number };
export interface Step {
  readonly nr: number;
  readonly args: readonly StepArg[];
}
/** System calls that the stopped thread makes in place of its own. */
export interface Script {
  readonly steps: readonly Step[];
  /** which step's result the caller sees; a failed step's first */
  readonly result: number;
  /** the thread stays stopped afterwards */
  readonly hold?: boolean;
  readonly data?: Uint8Array;
}

const ASK = {
  go: 1,
  return: 2,
  script: 3,
  grab: 4,
  memfd: 5,
  fifo: 6,
  signal: 7,
  clear: 8,
  ring: 9,
  drop: 10,
  kill: 11,
  pending: 12,
  clock: 13,
} as const;
const HEAD = 8;
const STEP_BYTES = 8 + 6 * 8 + 6 * 4;
const REF_NONE = -1;
const REF_DATA = -2;

const message = (type: number, bytes: number): Buffer => {
  const out = Buffer.alloc(HEAD + bytes);
  out.writeUInt32LE(bytes, 0);
  out.writeUInt32LE(type, 4);
  return out;
};
const words = (type: number, ...values: readonly number[]): Buffer => {
  const out = message(type, 4 * values.length);
  for (const [n, value] of values.entries()) out.writeInt32LE(value | 0, HEAD + 4 * n);
  return out;
};

const path = (type: number, at: string): Buffer => {
  const bytes = Buffer.from(at);
  const out = message(type, bytes.length);
  out.set(bytes, HEAD);
  return out;
};

const named = (type: number, tag: number, path: string): Buffer => {
  const bytes = Buffer.from(path);
  const out = message(type, 4 + bytes.length);
  out.writeInt32LE(tag, HEAD);
  out.set(bytes, HEAD + 4);
  return out;
};

export const ask = {
  go: (tid: number): Buffer => words(ASK.go, tid),
  return: (tid: number, value: number | bigint): Buffer => {
    const out = message(ASK.return, 12);
    out.writeInt32LE(tid, HEAD);
    out.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), HEAD + 4);
    return out;
  },
  script: (tid: number, script: Script): Buffer => {
    const { steps, data = new Uint8Array() } = script;
    const out = message(ASK.script, 16 + steps.length * STEP_BYTES + data.length);
    out.writeInt32LE(tid, HEAD);
    out.writeUInt32LE(script.hold ? 1 : 0, HEAD + 4);
    out.writeUInt32LE(script.result, HEAD + 8);
    out.writeUInt32LE(steps.length, HEAD + 12);
    for (const [n, step] of steps.entries()) writeStep(out, HEAD + 16 + n * STEP_BYTES, step);
    out.set(data, HEAD + 16 + steps.length * STEP_BYTES);
    return out;
  },
  grab: (tag: number, tgid: number, fd: number): Buffer => words(ASK.grab, tag, tgid, fd),
  memfd: (tag: number, size: number): Buffer => {
    const out = message(ASK.memfd, 12);
    out.writeInt32LE(tag, HEAD);
    out.writeBigUInt64LE(BigInt(size), HEAD + 4);
    return out;
  },
  signal: (own: number): Buffer => words(ASK.signal, own),
  clear: (own: number): Buffer => words(ASK.clear, own),
  ring: (tgid: number, event: number, memory: number, consumer: number, producer: number): Buffer => {
    const out = message(ASK.ring, 28);
    out.writeInt32LE(tgid, HEAD);
    out.writeInt32LE(event, HEAD + 4);
    out.writeInt32LE(memory, HEAD + 8);
    out.writeBigUInt64LE(BigInt(consumer), HEAD + 12);
    out.writeBigUInt64LE(BigInt(producer), HEAD + 20);
    return out;
  },
  fifo: (tag: number, path: string): Buffer => named(ASK.fifo, tag, path),
  pending: (tag: number, path: string): Buffer => named(ASK.pending, tag, path),
  drop: (own: number): Buffer => words(ASK.drop, own),
  clock: (at: string): Buffer => path(ASK.clock, at),
  kill: (signal: number): Buffer => words(ASK.kill, signal),
};

function writeStep(out: Buffer, at: number, step: Step): void {
  out.writeBigUInt64LE(BigInt(step.nr), at);
  for (let n = 0; n < 6; n++) {
    const arg = step.args[n] ?? 0;
    const value = typeof arg === 'object' ? ('data' in arg ? arg.data : 0) : arg;
    out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at + 8 + 8 * n);
    const ref = typeof arg !== 'object' ? REF_NONE : 'data' in arg ? REF_DATA : arg.step;
    out.writeInt32LE(ref, at + 56 + 4 * n);
  }
}

const TELL = ['', 'call', 'done', 'child', 'exec', 'exit', 'idle', 'own', 'failed'] as const;

function decode(type: number, p: Buffer): Told | undefined {
  const u32 = (n: number): number => p.readUInt32LE(4 * n);
  switch (TELL[type]) {
    case 'call': {
      const args = Array.from({ length: 6 }, (_, n) => p.readBigUInt64LE(16 + 8 * n));
      const call = { tid: u32(0), tgid: u32(1), nr: Number(p.readBigInt64LE(8)), args, path: p.toString('utf8', 64) };
      return { kind: 'call', call };
    }
    case 'done':
      return {
        kind: 'done',
        tid: u32(0),
        results: Array.from({ length: u32(1) }, (_, n) => p.readBigInt64LE(8 + 8 * n)),
      };
    case 'child':
      return { kind: 'child', parent: u32(0), tid: u32(1), tgid: u32(2) };
    case 'exec':
      return { kind: 'exec', tgid: u32(0) };
    case 'exit':
      return { kind: 'exit', tid: u32(0), tgid: u32(1), status: u32(2) };
    case 'idle':
      return { kind: 'idle', tid: u32(0), tgid: u32(1), nr: Number(p.readBigInt64LE(8)) };
    case 'own':
      return { kind: 'own', tag: u32(0), fd: p.readInt32LE(4) };
    case 'failed':
      return { kind: 'failed', text: p.toString('utf8') };
    default:
      return undefined;
  }
}

/** Takes bytes as they come, gives messages as they are whole. */
export class Decoder {
  #rest: Buffer = Buffer.alloc(0);
  *feed(bytes: Buffer): Generator<Told> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (this.#rest.length - at >= HEAD) {
      const length = this.#rest.readUInt32LE(at);
      if (this.#rest.length - at - HEAD < length) break;
      const told = decode(this.#rest.readUInt32LE(at + 4), this.#rest.subarray(at + HEAD, at + HEAD + length));
      at += HEAD + length;
      if (told) yield told;
    }
    this.#rest = this.#rest.subarray(at);
  }
}
