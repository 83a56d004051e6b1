/** Register types and the flags that Linux ORs into them (`enum bpf_reg_type`, `enum bpf_type_flag`), and their names. */
import type { TypeFlag } from '../kernel.ts';

export const NOT_INIT = 0;
export const SCALAR_VALUE = 1;
export const PTR_TO_CTX = 2;
export const CONST_PTR_TO_MAP = 3;
export const PTR_TO_MAP_VALUE = 4;
export const PTR_TO_MAP_KEY = 5;
export const PTR_TO_STACK = 6;
export const PTR_TO_PACKET_META = 7;
export const PTR_TO_PACKET = 8;
export const PTR_TO_PACKET_END = 9;
export const PTR_TO_FLOW_KEYS = 10;
export const PTR_TO_SOCKET = 11;
export const PTR_TO_SOCK_COMMON = 12;
export const PTR_TO_TCP_SOCK = 13;
export const PTR_TO_TP_BUFFER = 14;
export const PTR_TO_XDP_SOCK = 15;
export const PTR_TO_BTF_ID = 16;
export const PTR_TO_MEM = 17;
export const PTR_TO_ARENA = 18;
export const PTR_TO_BUF = 19;
export const PTR_TO_FUNC = 20;
export const CONST_PTR_TO_DYNPTR = 21;

export const PTR_MAYBE_NULL = 1 << 8;
export const MEM_RDONLY = 1 << 9;
export const MEM_RINGBUF = 1 << 10;
export const MEM_USER = 1 << 11;
export const MEM_PERCPU = 1 << 12;
export const OBJ_RELEASE = 1 << 13;
export const PTR_UNTRUSTED = 1 << 14;
export const MEM_UNINIT = 1 << 15;
export const DYNPTR_TYPE_LOCAL = 1 << 16;
export const DYNPTR_TYPE_RINGBUF = 1 << 17;
export const MEM_FIXED_SIZE = 1 << 18;
export const MEM_ALLOC = 1 << 19;
export const PTR_TRUSTED = 1 << 20;
export const MEM_RCU = 1 << 21;
export const NON_OWN_REF = 1 << 22;
export const DYNPTR_TYPE_SKB = 1 << 23;
export const DYNPTR_TYPE_XDP = 1 << 24;
export const MEM_ALIGNED = 1 << 25;
export const MEM_WRITE = 1 << 26;
export const DYNPTR_TYPE_MASK = DYNPTR_TYPE_LOCAL | DYNPTR_TYPE_RINGBUF | DYNPTR_TYPE_SKB | DYNPTR_TYPE_XDP;

export const baseType = (type: number): number => type & 0xff;
export const typeFlags = (type: number): number => type & ~0xff;
export const mayBeNull = (type: number): boolean => (type & PTR_MAYBE_NULL) !== 0;

const flagBits: Readonly<Record<TypeFlag, number>> = {
  PTR_MAYBE_NULL,
  MEM_RDONLY,
  MEM_RINGBUF,
  MEM_USER,
  MEM_PERCPU,
  OBJ_RELEASE,
  PTR_UNTRUSTED,
  MEM_UNINIT,
  DYNPTR_TYPE_LOCAL,
  DYNPTR_TYPE_RINGBUF,
  MEM_FIXED_SIZE,
  MEM_ALLOC,
  PTR_TRUSTED,
  MEM_RCU,
  NON_OWN_REF,
  DYNPTR_TYPE_SKB,
  DYNPTR_TYPE_XDP,
  MEM_ALIGNED,
  MEM_WRITE,
};
const flagNames = Object.entries(flagBits).sort(([, a], [, b]) => a - b);

/** Bits of flags given by name. */
export const flagsOf = (names: readonly TypeFlag[] | undefined): number =>
  (names ?? []).reduce((bits, name) => bits | flagBits[name], 0);

/** index = base type: Linux's name and the word in the log */
const names: readonly (readonly [string, string])[] = [
  ['NOT_INIT', '?'],
  ['SCALAR_VALUE', 'scalar'],
  ['PTR_TO_CTX', 'ctx'],
  ['CONST_PTR_TO_MAP', 'map_ptr'],
  ['PTR_TO_MAP_VALUE', 'map_value'],
  ['PTR_TO_MAP_KEY', 'map_key'],
  ['PTR_TO_STACK', 'fp'],
  ['PTR_TO_PACKET_META', 'pkt_meta'],
  ['PTR_TO_PACKET', 'pkt'],
  ['PTR_TO_PACKET_END', 'pkt_end'],
  ['PTR_TO_FLOW_KEYS', 'flow_keys'],
  ['PTR_TO_SOCKET', 'sock'],
  ['PTR_TO_SOCK_COMMON', 'sock_common'],
  ['PTR_TO_TCP_SOCK', 'tcp_sock'],
  ['PTR_TO_TP_BUFFER', 'tp_buffer'],
  ['PTR_TO_XDP_SOCK', 'xdp_sock'],
  ['PTR_TO_BTF_ID', 'ptr_'],
  ['PTR_TO_MEM', 'mem'],
  ['PTR_TO_ARENA', 'arena'],
  ['PTR_TO_BUF', 'buf'],
  ['PTR_TO_FUNC', 'func'],
  ['CONST_PTR_TO_DYNPTR', 'dynptr_ptr'],
];
const byName = new Map(names.map(([name], type) => [name, type]));

/** `PTR_TO_BTF_ID|PTR_UNTRUSTED`: a type by Linux's names, for what leaves the verifier. */
export function typeName(type: number): string {
  const flags = flagNames.filter(([, bit]) => type & bit).map(([name]) => name);
  return [names[baseType(type)]?.[0] ?? `type ${baseType(type)}`, ...flags].join('|');
}

/** The inverse for base types; undefined for a name that Linux has not. */
export const typeByName = (name: string): number | undefined => byName.get(name);

const prefixes: readonly (readonly [number, string])[] = [
  [MEM_RDONLY, 'rdonly_'],
  [MEM_RINGBUF, 'ringbuf_'],
  [MEM_USER, 'user_'],
  [MEM_PERCPU, 'percpu_'],
  [MEM_RCU, 'rcu_'],
  [PTR_UNTRUSTED, 'untrusted_'],
  [PTR_TRUSTED, 'trusted_'],
];

/** `reg_type_str`: a type as the log has it. */
export function typeText(type: number): string {
  const base = baseType(type);
  const prefix = prefixes.map(([bit, text]) => (type & bit ? text : '')).join('');
  const postfix = mayBeNull(type) ? (base === PTR_TO_BTF_ID ? 'or_null_' : '_or_null') : '';
  return `${prefix}${names[base]?.[1] ?? '?'}${postfix}`;
}

export const isPacketPointer = (type: number): boolean =>
  baseType(type) === PTR_TO_PACKET || baseType(type) === PTR_TO_PACKET_META;
export const isPacketPointerOrEnd = (type: number): boolean =>
  isPacketPointer(type) || baseType(type) === PTR_TO_PACKET_END;
export const isSockPointer = (type: number): boolean =>
  type === PTR_TO_SOCKET || type === PTR_TO_SOCK_COMMON || type === PTR_TO_TCP_SOCK || type === PTR_TO_XDP_SOCK;
export const isMapPointer = (type: number): boolean => {
  const base = baseType(type);
  return base === CONST_PTR_TO_MAP || base === PTR_TO_MAP_VALUE || base === PTR_TO_MAP_KEY;
};
export const isNonOwningRef = (type: number): boolean => (type & NON_OWN_REF) !== 0;
export const isPtrToAllocObject = (type: number): boolean =>
  baseType(type) === PTR_TO_BTF_ID && (typeFlags(type) & MEM_ALLOC) !== 0;
