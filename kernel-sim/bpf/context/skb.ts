/**
 * `struct __sk_buff`, the context of socket filters, tc, cgroup_skb, lwt and sk_skb programs: who may
 * touch which field, by the is_valid_access functions of net/core/filter.c, Linux 6.12.
 */

import { ldx, storeAs } from '../../../src/isa/build.ts';
import { BPF_LDX } from '../../../src/isa/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import { type ContextEnv, capable } from './env.ts';
import { type Field, type PlacedField, place, tableAccess, tableConvert } from './fields.ts';
import { genLdAbs, unclonePrologue } from './skb-code.ts';
import { controlBlock, offsetOf, SKB_FIELDS, skSkbDataEnd, word } from './skb-fields.ts';

interface SkbRules {
  /** fields that the program type does not have */
  readonly hidden: readonly string[];
  readonly writes: readonly string[];
  readonly replace?: readonly Field[];
  /** drop_verdict of the prologue, where there is one */
  readonly drop?: number;
  readonly ldAbs?: boolean;
}

const SOCK_FIELDS = ['family', 'remote_ip4', 'local_ip4', 'remote_ip6', 'local_ip6', 'remote_port', 'local_port'];
const TC_ACT_SHOT = 2;
const SK_DROP = 0;

function fieldsOf({ hidden, writes, replace = [] }: SkbRules): PlacedField[] {
  const replaced = new Map(replace.map((f) => [f.name, f]));
  return place(
    SKB_FIELDS.map((row) => {
      const f = replaced.get(row.name) ?? row;
      return hidden.includes(f.name) ? { ...f, read: 'none', write: false } : { ...f, write: writes.includes(f.name) };
    }),
  );
}

const RULES = {
  socketFilter: {
    hidden: [
      'tc_classid',
      'data',
      'data_end',
      ...SOCK_FIELDS,
      'data_meta',
      'tstamp',
      'wire_len',
      'tstamp_type',
      'hwtstamp',
    ],
    writes: ['cb'],
    ldAbs: true,
  },
  tc: {
    hidden: SOCK_FIELDS,
    writes: ['mark', 'queue_mapping', 'priority', 'tc_index', 'cb', 'tc_classid', 'tstamp'],
    replace: [word('ifindex', 'sk_buff.dev->net_device.ifindex')],
    drop: TC_ACT_SHOT,
    ldAbs: true,
  },
  cgroupSkb: {
    hidden: ['tc_classid', 'data_meta', 'wire_len', 'tstamp_type'],
    writes: ['mark', 'priority', 'cb', 'tstamp'],
  },
  lwt: {
    hidden: ['tc_classid', ...SOCK_FIELDS, 'data_meta', 'tstamp', 'wire_len', 'tstamp_type', 'hwtstamp'],
    writes: ['mark', 'priority', 'cb'],
  },
  lwtXmit: {
    hidden: ['tc_classid', ...SOCK_FIELDS, 'data_meta', 'tstamp', 'wire_len', 'tstamp_type', 'hwtstamp'],
    writes: ['mark', 'priority', 'cb'],
    drop: TC_ACT_SHOT,
  },
  skSkb: {
    hidden: ['mark', 'tc_classid', 'data_meta', 'tstamp', 'wire_len', 'tstamp_type', 'hwtstamp'],
    writes: ['priority', 'tc_index'],
    replace: [
      { name: 'cb', size: 20, read: 'any', load: controlBlock('sk_skb_cb') },
      { name: 'data_end', size: 4, read: 'full', regType: 'PTR_TO_PACKET_END', load: skSkbDataEnd },
    ],
    drop: SK_DROP,
  },
} satisfies Record<string, SkbRules>;

export type SkbKind = keyof typeof RULES;

const placed = new Map<SkbKind, PlacedField[]>();
const TSTAMP_AT = offsetOf('tstamp');
const TSTAMP_TYPE_AT = offsetOf('tstamp_type');

/** The context of a program that sees a packet as `struct __sk_buff`. */
export function skbContext(env: ContextEnv, kind: SkbKind): ContextModel {
  const rules: SkbRules = RULES[kind];
  let fields = placed.get(kind);
  if (fields === undefined) {
    fields = fieldsOf(rules);
    placed.set(kind, fields);
  }
  const table = fields;
  const { layout, attach } = env;
  // Direct packet access of cgroup_skb is for those with CAP_BPF (or its token).
  const bare = kind === 'cgroupSkb' && !capable(env, 'bpf');
  const guarded = bare
    ? new Map([
        [offsetOf('data'), true],
        [offsetOf('data_end'), true],
        [TSTAMP_AT, false],
      ])
    : undefined;
  let tstampTypeAccess = false;
  const model: ContextModel = {
    size: 192,
    userType: '__sk_buff',
    access(off, size, write) {
      const reads = guarded?.get(off);
      if (reads === true || (reads === false && write)) return undefined;
      const access = tableAccess(table, off, size, write, attach);
      if (access && off === TSTAMP_TYPE_AT) tstampTypeAccess = true;
      return access;
    },
    convert(i, target) {
      if (tstampTypeAccess && i.off === TSTAMP_AT) {
        const { offset } = layout.field('sk_buff', 'tstamp');
        return (i.code & 7) === BPF_LDX ? [ldx(8, i.dst, i.src, offset)] : [storeAs(i, 8, i.dst, offset)];
      }
      return tableConvert(layout, table, i, target);
    },
  };
  const { drop } = rules;
  if (drop !== undefined) model.prologue = (directWrite, first) => unclonePrologue(layout, directWrite, drop, first);
  if (rules.ldAbs) model.genLdAbs = (i) => genLdAbs(env, i);
  return model;
}

/** `struct bpf_flow_dissector` behind the same `struct __sk_buff`. */
export function flowDissectorContext(env: ContextEnv): ContextModel {
  const visible: Readonly<Record<string, Field>> = {
    data: { name: 'data', size: 4, read: 'full', regType: 'PTR_TO_PACKET', path: 'bpf_flow_dissector.data' },
    data_end: {
      name: 'data_end',
      size: 4,
      read: 'full',
      regType: 'PTR_TO_PACKET_END',
      path: 'bpf_flow_dissector.data_end',
    },
    flow_keys: {
      name: 'flow_keys',
      size: 8,
      read: 'full',
      regType: 'PTR_TO_FLOW_KEYS',
      path: 'bpf_flow_dissector.flow_keys',
    },
  };
  const fields = place(SKB_FIELDS.map((row) => visible[row.name] ?? { name: row.name, size: row.size, read: 'none' }));
  return {
    size: 192,
    userType: '__sk_buff',
    access: (off, size, write) => tableAccess(fields, off, size, write, env.attach),
    convert: (i, target) => tableConvert(env.layout, fields, i, target),
  };
}
