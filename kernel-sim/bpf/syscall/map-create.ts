/** MAP_CREATE: the attributes, the order of the checks and the errors of Linux 6.12's kernel/bpf/syscall.c. */

import { checkOptions, required, type Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import {
  BPF_F_NUMA_NODE,
  BPF_F_RDONLY,
  BPF_F_TOKEN_FD,
  BPF_F_WRONLY,
  BPF_OBJ_NAME_LEN,
  mapType,
  mapTypeName,
  BPF_MAP_TYPE as T,
  UnknownNameError,
} from '../../../src/uapi/index.ts';
import { Records } from '../../../src/verifier/access/record.ts';
import { KernelError } from '../../core/errno.ts';
import { bpfCapable, capable, netCapable } from '../../core/process.ts';
import { BpfError } from '../errors.ts';
import { type BpfMap, CHECKS_LATE, MAP_KINDS, MapCreateError, mayBeInner, TAKES_NO_BTF } from '../maps/index.ts';
import { mapOpsTable } from '../maps/ops-table.ts';
import { ValueFields } from '../maps/value-fields.ts';
import { BtfObject } from '../objects/btf-object.ts';
import type { BpfState } from '../objects/state.ts';
import { tokenByFd } from '../objects/token.ts';

export interface MapCreateAttrs {
  /** `enum bpf_map_type` by name or number */
  readonly type: string | number;
  /** bytes */
  readonly keySize?: number;
  /** bytes; of one CPU for per-CPU kinds */
  readonly valueSize?: number;
  readonly maxEntries?: number;
  readonly flags?: number;
  readonly mapExtra?: number | bigint;
  readonly numaNode?: number;
  readonly name?: string;
  /** map-in-map: a map like those it will hold, or its descriptor */
  readonly innerMap?: { readonly fd: number } | number;
  /** BTF of key and value: descriptor or object */
  readonly btf?: number | { readonly fd: number } | undefined;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
  readonly btfVmlinuxValueTypeId?: number;
  /** as a user without capabilities, where unprivileged_bpf_disabled is 0 */
  readonly unpriv?: boolean;
  /** index of the device that is to hold the map */
  readonly ifindex?: number;
  /** descriptor of a token, with BPF_F_TOKEN_FD */
  readonly tokenFd?: number;
}

const COMMAND = 'BPF_MAP_CREATE';
const LOOPBACK = 1;
const NOBODY = { caps: 0n };

const ATTRS: Schema<MapCreateAttrs> = {
  type: required(is.nameOrNumber),
  keySize: is.bits32,
  valueSize: is.bits32,
  maxEntries: is.bits32,
  flags: is.bits32,
  mapExtra: is.u64,
  numaNode: is.bits32,
  name: is.text,
  innerMap: is.fdOrHandle,
  btf: is.fdOrHandle,
  btfKeyTypeId: is.bits32,
  btfValueTypeId: is.bits32,
  btfVmlinuxValueTypeId: is.bits32,
  ifindex: is.u32,
  tokenFd: is.bits32,
  unpriv: is.bool,
};

/** @throws BpfError, ArgumentError */
export function createMap(state: BpfState, attrs: MapCreateAttrs): BpfMap {
  checkOptions('attrs', attrs, ATTRS);
  state.takesRoom.tell(COMMAND, undefined);
  const fail = (errno: ConstructorParameters<typeof BpfError>[1], message: string): never => {
    throw new BpfError(COMMAND, errno, message);
  };
  const who = attrs.unpriv ? NOBODY : state.process;
  const type = typeNumber(attrs.type);
  const u32 = (n: number | undefined): number => (n ?? 0) >>> 0;
  const [keySize, valueSize, maxEntries] = [u32(attrs.keySize), u32(attrs.valueSize), u32(attrs.maxEntries)];
  if ((attrs.flags ?? 0) & BPF_F_TOKEN_FD) tokenByFd(state, COMMAND, attrs.tokenFd ?? 0);
  const flags = (attrs.flags ?? 0) & ~BPF_F_TOKEN_FD;
  const mapExtra = Number(attrs.mapExtra ?? 0);
  const vmlinuxValueType = attrs.btfVmlinuxValueTypeId ?? 0;
  const [keyType, valueType] = [attrs.btfKeyTypeId ?? 0, attrs.btfValueTypeId ?? 0];

  if (vmlinuxValueType !== 0) {
    if (type !== T.STRUCT_OPS || keyType !== 0 || valueType !== 0)
      fail('EINVAL', 'a value type of the kernel is for struct_ops maps');
  } else if (keyType !== 0 && valueType === 0) fail('EINVAL', 'a key type without a value type');
  if (type !== T.BLOOM_FILTER && type !== T.ARENA && mapExtra !== 0)
    fail('EINVAL', `${mapTypeName(type)} maps take no map_extra`);
  if (flags & BPF_F_RDONLY && flags & BPF_F_WRONLY) fail('EINVAL', 'read-only and write-only at once');
  const hasNumaNode = (flags & BPF_F_NUMA_NODE) !== 0;
  if (hasNumaNode && u32(attrs.numaNode) > 0) fail('EINVAL', `no NUMA node ${attrs.numaNode}`);
  const kind = MAP_KINDS.get(type);
  if (kind === undefined) return fail('EINVAL', `no map type ${type}`);
  const checked = kind.check({
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
    mapExtra,
    hasNumaNode,
    hasBtf: keyType !== 0 && valueType !== 0,
    vmlinuxValueType,
    sysAdmin: capable(who, 'SYS_ADMIN'),
  });
  const described = `${mapTypeName(type)} map '${attrs.name ?? ''}'`;
  const shape = `key ${keySize}, value ${valueSize}, entries ${maxEntries}, flags 0x${flags.toString(16)}`;
  // of a Bloom filter the size of the value is looked at first, and the rest where it is allocated
  const isEarly = type === T.BLOOM_FILTER && checked === 'E2BIG';
  const isLate = CHECKS_LATE.includes(type) && !isEarly;
  // too much is told where a map is allocated, which for a device's map is the device's business
  const isOffloaded = (attrs.ifindex ?? 0) !== 0 && checked === 'E2BIG' && !isEarly;
  if (checked !== undefined && !isLate && !isOffloaded) fail(checked, `${described} may not have ${shape}`);
  if (!attrs.unpriv && state.kernel.sysctl.unprivilegedBpfDisabled !== 0 && !bpfCapable(who))
    fail('EPERM', 'kernel.unprivileged_bpf_disabled is set, and CAP_BPF is lacking');
  if (kind.cap !== undefined && !(kind.cap === 'bpf' ? bpfCapable(who) : netCapable(who)))
    fail('EPERM', `${described} needs ${kind.cap === 'bpf' ? 'CAP_BPF' : 'CAP_NET_ADMIN'}`);

  if (checked !== undefined && !isOffloaded) fail(checked, `${described} may not have ${shape}`);
  if ((attrs.ifindex ?? 0) !== 0) return offloaded(state, type, attrs);
  const inner = kind.outer ? innerTemplate(state, attrs) : undefined;
  const name = attrs.name ?? '';
  let map: BpfMap;
  try {
    map = new kind.make(state.mapContext('BPF_MAP_UPDATE_ELEM'), {
      type,
      keySize,
      valueSize,
      maxEntries,
      flags,
      mapExtra,
      bypassSpecV1: !(attrs.unpriv && state.kernel.mitigations),
      numaNode: hasNumaNode ? u32(attrs.numaNode) : -1,
      name,
      btfKeyTypeId: keyType,
      btfValueTypeId: valueType,
      btfVmlinuxValueTypeId: vmlinuxValueType,
      ...(inner ? { inner: inner.get() } : {}),
    });
  } catch (error) {
    if (error instanceof MapCreateError) return fail(error.errno, error.message);
    if (error instanceof BpfError) throw error;
    if (error instanceof KernelError) return fail(error.errno, error.message);
    return fail('ENOMEM', `${described} of ${shape}: ${error instanceof Error ? error.message : 'no memory'}`);
  }
  let btf: BtfObject | undefined;
  try {
    if (!isObjectName(name))
      fail('EINVAL', `'${name}' is no name for an object: at most 15 of letters, digits, _ and .`);
    btf = attachBtf(state, map, attrs, keyType, valueType);
  } catch (error) {
    map.put();
    throw error;
  }
  state.kernel.memory.writeAddr(map.addr + state.layout.bpf_map.ops, mapOpsTable(state, type));
  state.addMap(map, btf);
  return map;
}

/** `bpf_map_offload_map_alloc`: no device of the model's takes programs or maps. */
function offloaded(state: BpfState, type: number, { ifindex }: MapCreateAttrs): never {
  if (!capable(state.process, 'SYS_ADMIN')) throw new BpfError(COMMAND, 'EPERM', 'CAP_SYS_ADMIN is needed');
  if (type !== T.ARRAY && type !== T.HASH)
    throw new BpfError(COMMAND, 'EINVAL', 'only arrays and hash maps go to devices');
  if (ifindex !== LOOPBACK) throw new BpfError(COMMAND, 'EINVAL', `no network device ${ifindex}`);
  throw new BpfError(COMMAND, 'EOPNOTSUPP', 'the loopback device takes no maps');
}

function typeNumber(given: string | number): number {
  try {
    return mapType(given);
  } catch (error) {
    if (error instanceof UnknownNameError) throw new BpfError(COMMAND, 'EINVAL', error.message);
    throw error;
  }
}

/** `bpf_obj_name_cpy`: letters, digits, underscore and dot, with room for the end. */
export const isObjectName = (name: string): boolean => name.length < BPF_OBJ_NAME_LEN && /^[A-Za-z0-9_.]*$/.test(name);

function innerTemplate(state: BpfState, attrs: MapCreateAttrs): BpfMap {
  const { innerMap } = attrs;
  const fd = typeof innerMap === 'object' ? innerMap.fd : (innerMap ?? 0);
  const map = state.mapByFd(COMMAND, fd);
  if (map.attrs.inner) throw new BpfError(COMMAND, 'EINVAL', 'maps nest no deeper than map in map');
  if (!mayBeInner(map)) throw new BpfError(COMMAND, 'ENOTSUPP', `${map.describe()} cannot be an inner map`);
  return map;
}

/** The map's BTF, where it has any. */
function attachBtf(
  state: BpfState,
  map: BpfMap,
  attrs: MapCreateAttrs,
  keyType: number,
  valueType: number,
): BtfObject | undefined {
  if (keyType === 0 && valueType === 0) return undefined;
  const fd = typeof attrs.btf === 'object' ? attrs.btf.fd : (attrs.btf ?? 0);
  const object = state.fdObject(COMMAND, fd);
  if (!(object instanceof BtfObject)) throw new BpfError(COMMAND, 'EINVAL', `file descriptor ${fd} is no BTF`);
  const { btf } = object;
  const sizeOf = (id: number): number => {
    try {
      return btf.sizeOf(id);
    } catch {
      throw new BpfError(COMMAND, 'EINVAL', `BTF type ${id} has no size`);
    }
  };
  if (keyType !== 0 && sizeOf(keyType) !== map.keySize)
    throw new BpfError(COMMAND, 'EINVAL', `BTF type ${keyType} is not ${map.keySize} bytes, the key's size`);
  if (valueType !== 0 && sizeOf(valueType) !== map.valueSize)
    throw new BpfError(COMMAND, 'EINVAL', `BTF type ${valueType} is not ${map.valueSize} bytes, the value's size`);
  if (TAKES_NO_BTF.includes(map.type)) throw new BpfError(COMMAND, 'ENOTSUPP', `${map.describe()} takes no BTF`);
  map.btf = btf;
  map.btfObject = object;
  const fields = valueType === 0 ? [] : new Records(() => state.kernel.btf).ofType(btf, valueType);
  if (fields.length > 0 && !bpfCapable(attrs.unpriv ? NOBODY : state.process))
    throw new BpfError(COMMAND, 'EPERM', `fields like ${fields[0]?.kind} in values need CAP_BPF`);
  map.spinLockOffset = fields.find(({ kind }) => kind === 'bpf_spin_lock')?.offset ?? -1;
  if (fields.length > 0)
    map.setFields(new ValueFields(fields, (value, which) => state.helpers.freeFields(value, which)));
  return object;
}
