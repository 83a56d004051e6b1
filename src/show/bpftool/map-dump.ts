/** `bpftool map dump` and `lookup`: entries by their BTF types where the map has them, else as bytes (bpftool-map(8)). */
import { KernelError, type MapHandle } from '../../../kernel-sim/index.ts';
import { type Btf, BtfError } from '../../btf/index.ts';
import { type Json, type JsonStyle, jsonText } from '../json.ts';
import { strerror } from './strerror.ts';
import { shownValue } from './value.ts';

/** Value of all CPUs in a row. */
const PER_CPU = new Set(['percpu_hash', 'percpu_array', 'lru_percpu_hash', 'percpu_cgroup_storage']);
const OF_OBJECTS = new Set(['prog_array', 'array_of_maps', 'hash_of_maps']);

export interface Entry {
  readonly key: Uint8Array;
  /** the value of each CPU, of one where the map has one for all; why there is none */
  readonly values: readonly Uint8Array[] | KernelError;
}

export interface Types {
  readonly btf: Btf;
  /** 0 where the map does not say, as for global data */
  readonly key: number;
  readonly value: number;
}

/** The map's types, where it has any for its values. */
export function typesOf({ map }: MapHandle): Types | undefined {
  const { btfKeyTypeId: key, btfValueTypeId: value } = map.attrs;
  return map.btfObject && value !== 0 ? { btf: map.btfObject.btf, key, value } : undefined;
}

const isPerCpu = (handle: MapHandle): boolean => PER_CPU.has(handle.type);

export function split(handle: MapHandle, bytes: Uint8Array): Uint8Array[] {
  if (!isPerCpu(handle)) return [bytes];
  const stride = Math.ceil(handle.valueSize / 8) * 8;
  return Array.from({ length: bytes.length / stride }, (_, cpu) =>
    bytes.subarray(cpu * stride, cpu * stride + handle.valueSize),
  );
}

/** Entries in the kernel's order; those that cannot be read have their error, empty slots of arrays of objects are left out. */
export function* entriesOf(handle: MapHandle): Generator<Entry> {
  if (handle.keySize === 0) return;
  for (let key = handle.nextKey(); key !== undefined; key = handle.nextKey(key)) {
    try {
      const bytes = handle.lookup(key);
      if (bytes) yield { key, values: split(handle, bytes) };
      else if (!OF_OBJECTS.has(handle.type)) yield { key, values: new KernelError('ENOENT', 'no entry') };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      yield { key, values: error };
    }
  }
}

export function dumpMap(handle: MapHandle, style: JsonStyle): string {
  const types = typesOf(handle);
  const entries = [...entriesOf(handle)];
  if (style !== 'text')
    return `${jsonText(
      entries.map((e) => entryJson(handle, e, types)),
      style,
    )}\n`;
  if (types)
    return `${jsonText(
      entries.map((e) => formatted(handle, e, types)),
      'text',
    )}\n`;
  // what could not be read is shown, but not counted
  const found = entries.filter((e) => !(e.values instanceof KernelError)).length;
  return `${entries.map((e) => plainEntry(handle, e)).join('')}Found ${found} element${found === 1 ? '' : 's'}\n`;
}

/** One entry as `map lookup` shows it. */
export function lookupText(handle: MapHandle, entry: Entry, style: JsonStyle): string {
  const types = typesOf(handle);
  if (style !== 'text') return `${jsonText(entryJson(handle, entry, types), style)}\n`;
  return types ? `${jsonText(formatted(handle, entry, types), 'text')}\n` : plainEntry(handle, entry);
}

const bytesJson = (bytes: Uint8Array): Json => Array.from(bytes, (b) => `0x${b.toString(16).padStart(2, '0')}`);

function entryJson(handle: MapHandle, entry: Entry, types: Types | undefined): Json {
  const { key, values } = entry;
  if (values instanceof KernelError) return { key: bytesJson(key), value: { error: errorText(values) } };
  const raw = isPerCpu(handle)
    ? { values: values.map((v, cpu) => ({ cpu, value: bytesJson(v) })) }
    : { value: bytesJson(values[0] ?? new Uint8Array()) };
  return { key: bytesJson(key), ...raw, ...(types ? { formatted: formatted(handle, entry, types) } : {}) };
}

function formatted(handle: MapHandle, { key, values }: Entry, types: Types): Json {
  const shown = (id: number, bytes: Uint8Array): Json => {
    try {
      return shownValue(types.btf, id, bytes);
    } catch (error) {
      if (error instanceof BtfError) return bytesJson(bytes);
      throw error;
    }
  };
  const head = types.key === 0 ? {} : { key: shown(types.key, key) };
  if (values instanceof KernelError) return { ...head, value: { error: errorText(values) } };
  if (isPerCpu(handle)) return { ...head, values: values.map((v, cpu) => ({ cpu, value: shown(types.value, v) })) };
  return { ...head, value: shown(types.value, values[0] ?? new Uint8Array()) };
}

const errorText = (error: KernelError): string => strerror(error.errno);

const GROUP = 8;
const ROW = 16;
/** bytes of a key or value that stand on the line of its name, and of both together */
const BESIDE = 16;
const ONE_LINE = 24;

function hexText(bytes: Uint8Array): string {
  let out = '';
  bytes.forEach((b, n) => {
    const gap = n === 0 ? '' : n % ROW === 0 ? '\n' : n % GROUP === 0 ? '  ' : ' ';
    out += gap + b.toString(16).padStart(2, '0');
  });
  return out;
}

function plainEntry(handle: MapHandle, { key, values }: Entry): string {
  if (values instanceof KernelError) {
    const text = values.errno === 'ENOENT' ? '<no entry>' : errorText(values);
    const breaks = key.length > BESIDE || text.length > BESIDE;
    const gap = key.length + text.length <= ONE_LINE && !breaks ? '  ' : '\n';
    return `key:${breaks ? '\n' : ' '}${hexText(key)}${gap}value:${breaks ? '\n' : ' '}${text}\n`;
  }
  if (isPerCpu(handle)) {
    const rows = values.map(
      (v, cpu) => `value (CPU ${String(cpu).padStart(2, '0')}):${v.length > BESIDE ? '\n' : ' '}${hexText(v)}\n`,
    );
    return `key:\n${hexText(key)}\n${rows.join('')}`;
  }
  const value = values[0] ?? new Uint8Array();
  const breaks = key.length > BESIDE || value.length > BESIDE;
  const gap = key.length + value.length <= ONE_LINE && !breaks ? '  ' : '\n';
  const sep = breaks ? '\n' : ' ';
  const first = key.length === 0 ? '' : `key:${sep}${hexText(key)}${gap}`;
  return `${first}${value.length === 0 ? '' : `value:${sep}${hexText(value)}`}\n`;
}
