/**
 * The helpers of Linux 6.12: who may call which, and with what (`get_func_proto` of each
 * program type). Rows are data; a prototype is parsed when it is first asked for.
 */

import { BPF_PROG_TYPE } from '../../../src/uapi/index.ts';
import type { HelperLookup, HelperProto } from '../../../src/verifier/kernel.ts';
import type { Caps } from '../../../src/verifier/types.ts';
import { inRelease } from '../../data/release.ts';
import { allows } from './programs.ts';
import type { HelperRow } from './row.ts';
import { parseProto } from './signature.ts';
import { CORE_HELPERS } from './table-core.ts';
import { NET_HELPERS } from './table-net.ts';
import { SOCK_HELPERS } from './table-sock.ts';
import { TRACING_HELPERS } from './table-tracing.ts';

export type { HelperRow } from './row.ts';
export { SignatureError } from './signature.ts';

/** One past the last helper's id. */
export const FUNC_MAX_ID = 212;

/** Rows by helper id; several where prototypes differ between program types. */
const rows: HelperRow[][] = [];
for (const table of [CORE_HELPERS, TRACING_HELPERS, NET_HELPERS, SOCK_HELPERS]) {
  for (const row of table) {
    if (!inRelease(row)) continue;
    const list = rows[row.id];
    if (list) list.push(row);
    else rows[row.id] = [row];
  }
}

/** All rows of a helper, first match first. */
export const helperRows = (id: number): readonly HelperRow[] => rows[id] ?? [];

/** `func_id_name()` without `bpf_`: 'unspec' for 0, 'unknown' out of range. */
export const helperName = (id: number): string => (id === 0 ? 'unspec' : (rows[id]?.[0]?.name ?? 'unknown'));

const ids = new Map<string, number>();
/** Id of a helper, with or without `bpf_`. */
export function helperId(name: string): number | undefined {
  if (ids.size === 0) for (const list of rows) if (list?.[0]) ids.set(list[0].name, list[0].id);
  return ids.get(name.replace(/^bpf_/, ''));
}

const protos = new WeakMap<HelperRow, HelperProto>();
/** The prototype of a row, parsed once. */
export function protoOf(row: HelperRow): HelperProto {
  let proto = protos.get(row);
  if (proto === undefined) {
    proto = parseProto(row);
    protos.set(row, proto);
  }
  return proto;
}

/** What of a program decides which helpers it has. */
export interface HelperCaller {
  readonly type: number;
  readonly expectedAttachType: number;
  readonly sleepable?: boolean;
  readonly caps?: Caps;
  /** kernel function it attaches to (LSM), or the structure it implements (struct_ops) */
  readonly attachName?: string;
  /** struct_ops: the function of the structure that it implements */
  readonly member?: string;
}

/** Configuration of the modelled kernel, Debian's: without lirc and without error injection. */
const CONFIG: ReadonlySet<string> = new Set();

function mayCall(row: HelperRow, by: HelperCaller): boolean {
  if (row.config !== undefined && !CONFIG.has(row.config)) return false;
  if (row.sleepable && !by.sleepable) return false;
  if (row.hooks && !row.hooks.includes(by.attachName ?? '')) return false;
  if (row.notMembers?.includes(by.member ?? '')) return false;
  if (row.cap && by.caps) {
    const { caps } = by;
    if (row.cap === 'sys_admin' ? !caps.sysAdmin : row.cap === 'bpf' ? !caps.bpf : !(caps.bpf && caps.perfmon))
      return false;
  }
  return allows(row.programs, by.type, by.expectedAttachType);
}

/** struct_ops implementations whose verifier_ops have no get_func_proto. */
const WITHOUT_HELPERS = new Set(['bpf_dummy_ops']);

/** `get_func_proto`: the row that a caller gets. */
export function helperRow(id: number, by: HelperCaller): HelperRow | undefined {
  if (by.type === BPF_PROG_TYPE.STRUCT_OPS && WITHOUT_HELPERS.has(by.attachName ?? '')) return undefined;
  return rows[id]?.find((row) => mayCall(row, by));
}

/** `get_helper_proto()`. */
export function lookupHelper(id: number, by: HelperCaller): HelperLookup {
  if (id < 0 || id >= FUNC_MAX_ID) return { ok: false, reason: 'invalid' };
  const row = helperRow(id, by);
  return row ? { ok: true, proto: protoOf(row) } : { ok: false, reason: 'unknown' };
}
