/**
 * Calls of helpers as text, made into a program that both the real kernel and the model run:
 *
 *     sched_cls tcp4: skb_vlan_push(ctx, 0x0081, 5); skb_store_bytes(ctx, 0, mem:0a0b, 2, 0)
 *
 * `ctx` is the context, `map` the array map, `null` a null pointer, `mem:HEX` 64 and `room:HEX` 512 bytes of memory that begin with
 * these (their contents after the calls are part of the answer), `btf:ID:HEX` a `struct btf_ptr` to such memory of this type. The program leaves each result, then fields of the context, in the map.
 */
import { helperId } from '../../../../kernel-sim/bpf/helpers/index.ts';
import { ldx, movImm, movReg, stx } from '../../../../src/isa/build.ts';
import { BPF_ALU64, BPF_JMP, type Insn, insn, ldImm64, writeInsns } from '../../../../src/isa/index.ts';

/** results, 8 bytes each */
const RESULTS = 0;
/** fields of the context, 4 bytes each */
const FIELDS = 64;
/** memory of arguments, in pieces */
const MEMORY = 128;
const PIECE = 64;
/** the larger kind of them */
const ROOM = 512;
/** sizeof(struct btf_ptr) */
const POINTEE = 16;
export const VALUE_SIZE = 1024;
const BPF_EXIT_INSN = insn(BPF_JMP | 0x90, 0, 0, 0, 0);
const MAP_VALUE = 2;
const MAP_FD = 1;

/** Of struct __sk_buff: what helpers change. */
const SKB_FIELDS = { len: 0, pkt_type: 4, mark: 8, queue: 12, protocol: 16, vlan: 20, tci: 24, vproto: 28 } as const;
const TC_FIELDS = { ...SKB_FIELDS, hash: 44, gso_segs: 164, gso_size: 176 } as const;
const FIELDS_OF: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  sched_cls: TC_FIELDS,
  cgroup_skb: SKB_FIELDS,
  lwt_in: SKB_FIELDS,
  lwt_out: SKB_FIELDS,
  lwt_xmit: SKB_FIELDS,
  lwt_seg6local: SKB_FIELDS,
};

export interface Script {
  readonly type: string;
  readonly packet: string;
  readonly text: string;
}
export interface Compiled {
  /** a wide load with source 1 or 2 has 0 where the map belongs */
  readonly insns: Uint8Array;
  readonly before: Uint8Array;
  readonly calls: number;
  /** where memory of arguments begins and ends */
  readonly pieces: readonly (readonly [from: number, to: number])[];
  readonly fields: readonly string[];
}

export function parseScript(line: string): Script {
  const found = /^(\w+) (\w+): (.+)$/.exec(line);
  if (found === null) throw new Error(`no call script: ${line}`);
  return { type: found[1]!, packet: found[2]!, text: found[3]! };
}

const number = (dst: number, text: string): Insn[] => {
  const value = BigInt(text.startsWith('-') ? -BigInt(text.slice(1)) : text);
  if (value >= -0x8000_0000n && value < 0x8000_0000n) return [movImm(dst, Number(value))];
  return ldImm64(dst, BigInt.asUintN(64, value));
};
const mapValue = (dst: number, offset: number): Insn[] => [insn(0x18, dst, MAP_VALUE, 0, 0), insn(0, 0, 0, 0, offset)];

export function compile(script: Script): Compiled {
  const before = new Uint8Array(VALUE_SIZE);
  const pieces: [number, number][] = [];
  let end = MEMORY;
  const out: Insn[] = [movReg(6, 1), ...mapValue(7, 0)];
  const calls = script.text.split(';').map((call) => call.trim());
  calls.forEach((call, n) => {
    const found = /^(\w+)\((.*)\)$/.exec(call);
    const id = found === null ? undefined : helperId(found[1]!);
    if (found === null || id === undefined) throw new Error(`no call: ${call}`);
    const args = found[2]!
      .split(',')
      .map((a) => a.trim())
      .filter((a) => a !== '');
    args.forEach((arg, i) => {
      const dst = i + 1;
      if (arg === 'ctx') out.push(movReg(dst, 6));
      else if (arg === 'map') out.push(insn(0x18, dst, MAP_FD, 0, 0), insn(0, 0, 0, 0, 0));
      else if (arg === 'null') out.push(movImm(dst, 0));
      else if (arg.startsWith('mem:') || arg.startsWith('room:')) {
        const bytes = Buffer.from(arg.slice(arg.indexOf(':') + 1), 'hex');
        const at = end;
        end += arg.startsWith('room:') ? ROOM : PIECE;
        pieces.push([at, end]);
        before.set(bytes, at);
        out.push(movReg(dst, 7), insn(BPF_ALU64, dst, 0, 0, at));
      } else if (arg.startsWith('btf:')) {
        const [, id = '', hex = ''] = arg.split(':');
        const at = end;
        end += PIECE;
        // struct btf_ptr, and what it points to behind it
        pieces.push([at + POINTEE, end]);
        before.set(Buffer.from(hex, 'hex'), at + POINTEE);
        new DataView(before.buffer).setUint32(at + 8, Number(id), true);
        out.push(movReg(dst, 7), insn(BPF_ALU64, dst, 0, 0, at + POINTEE), stx(8, 7, dst, at));
        out.push(insn(BPF_ALU64, dst, 0, 0, -POINTEE));
      } else out.push(...number(dst, arg));
    });
    out.push(insn(BPF_JMP | 0x80, 0, 0, 0, id), stx(8, 7, 0, RESULTS + 8 * n));
  });
  const fields = FIELDS_OF[script.type] ?? {};
  Object.values(fields).forEach((offset, n) => {
    out.push(ldx(4, 1, 6, offset), stx(4, 7, 1, FIELDS + 4 * n));
  });
  out.push(movImm(0, 0), BPF_EXIT_INSN);
  return { insns: writeInsns(out), before, calls: calls.length, pieces, fields: Object.keys(fields) };
}

/** Zeroes at the end say nothing; text is shown as text. */
function trimmed(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes)
    .toString('hex')
    .replace(/(00)+$/, '');
  const text = Buffer.from(hex, 'hex').toString('latin1');
  return /^[\n\t -~]{6,}$/.test(text) ? JSON.stringify(text) : hex;
}
/** The answer as a line: results, fields that are not 0, memory, the packet where it changed. */
export function answer(made: Compiled, value: Uint8Array, packet: string, after: string): string {
  const view = new DataView(value.buffer, value.byteOffset);
  const results = Array.from({ length: made.calls }, (_, n) => view.getBigInt64(RESULTS + 8 * n, true));
  const fields = made.fields.map((name, n) => [name, view.getUint32(FIELDS + 4 * n, true)] as const);
  const parts = [
    results.join(' '),
    fields
      .filter(([, v]) => v !== 0)
      .map(([name, v]) => `${name}=${v.toString(16)}`)
      .join(' '),
  ];
  for (const [at, end] of made.pieces) parts.push(`mem ${trimmed(value.subarray(at, end))}`);
  if (after !== packet) parts.push(`packet ${after}`);
  return parts
    .filter((p) => p !== '')
    .join(' | ')
    .trimEnd();
}
