/**
 * What `vmlinux.h` of a whole kernel has beside structures, for a BTF that has only part of them:
 * enumerations of include/uapi/linux/bpf.h, as programs name their values.
 */

import type { Btf } from '../../btf/index.ts';
import * as uapi from '../../uapi/index.ts';

const numbered = (prefix: string, names: readonly string[]): [string, number | bigint][] =>
  names.map((name, value) => [`${prefix}${name.toUpperCase()}`, value]);

/** Named enumerations that programs use. */
const NAMED: Readonly<Record<string, readonly (readonly [string, number | bigint])[]>> = {
  bpf_map_type: numbered('BPF_MAP_TYPE_', uapi.MAP_TYPES),
  bpf_prog_type: numbered('BPF_PROG_TYPE_', uapi.PROG_TYPES),
  bpf_attach_type: numbered('BPF_', uapi.ATTACH_TYPES),
  xdp_action: numbered('XDP_', ['aborted', 'drop', 'pass', 'tx', 'redirect']),
  sk_action: numbered('SK_', ['drop', 'pass']),
  bpf_ret_code: [
    ['BPF_OK', 0],
    ['BPF_DROP', 2],
    ['BPF_REDIRECT', 7],
    ['BPF_LWT_REROUTE', 128],
    ['BPF_FLOW_DISSECTOR_CONTINUE', 129],
  ],
  tcx_action_base: [
    ['TCX_NEXT', -1],
    ['TCX_PASS', 0],
    ['TCX_DROP', 2],
    ['TCX_REDIRECT', 7],
  ],
  bpf_adj_room_mode: numbered('BPF_ADJ_ROOM_', ['net', 'mac']),
  bpf_hdr_start_off: numbered('BPF_HDR_START_', ['mac', 'net']),
};

/** Flags and other numbers by name: every such constant of the table. */
const FLAGS = Object.entries(uapi).filter(
  (entry): entry is [string, number | bigint] =>
    /^BPF_(F|RB|ANY|NOEXIST|EXIST|LOCAL_STORAGE)/.test(entry[0]) &&
    (typeof entry[1] === 'number' || typeof entry[1] === 'bigint'),
);

const literal = (value: number | bigint): string => {
  if (value < 0) return String(value);
  return value > 0x7fff_ffff ? `0x${value.toString(16)}ULL` : String(value);
};

/** C text of what the BTF lacks; '' where it lacks nothing. */
export function missingUapi(btf: Btf): string {
  const known = new Set<string>();
  for (const type of btf.types())
    if (type.kind === 'enum' || type.kind === 'enum64') for (const value of type.values) known.add(value.name);
  const out: string[] = [];
  const add = (name: string, values: readonly (readonly [string, number | bigint])[]): void => {
    const missing = values.filter(([value]) => !known.has(value));
    if (missing.length === 0) return;
    out.push(`enum ${name}{`, ...missing.map(([value, number]) => `\t${value} = ${literal(number)},`), '};', '');
  };
  for (const [name, values] of Object.entries(NAMED)) {
    // A second enumeration of a name would not compile: what it lacks stays without one.
    add(btf.findByName(name, 'enum') === 0 ? `${name} ` : '', values);
  }
  add('', FLAGS);
  return out.join('\n');
}
