/**
 * Events that happen because a recording tells of them: the record that programs of type tracepoint get has the fields of
 * the line, and the tracepoint's arguments are those fields that are arguments, and the task that a pid names. Of other
 * arguments nothing is known; they are 0.
 */
import { type Addr, addrFromBigInt } from '../../src/machine/addr.ts';
import { encodeUtf8, fromHex } from '../../src/platform/index.ts';
import { tracepointRow } from '../data/tracepoints.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Fill } from '../trace/record.ts';
import { numberBytes, type RecordField, recordFields, writeField } from '../trace/record-fields.ts';

type Fields = Readonly<Record<string, string>>;

const NUMBER = /^-?\d{1,20}$/;
const BYTES = /^bytes:([0-9a-f]*)$/;
/** `do_sys_openat2+0x10/0x80`, perhaps with its module */
const SYMBOL = /^([\w.]+)(?:\+0x([0-9a-f]+))?(?:\/0x[0-9a-f]+)?/;

/** A number, or the address that a symbol stands for; 0 where there is none. */
function number(kernel: ObjectFloor, text: string): bigint {
  if (NUMBER.test(text)) return BigInt(text);
  const [, name = '', offset = '0'] = SYMBOL.exec(text) ?? [];
  const at = kernel.symbols.find(name)?.address;
  return at === undefined ? 0n : BigInt(at) + BigInt(`0x${offset}`);
}

/** The arguments of an event's tracepoint, in their order. */
export function recordedArgs(kernel: ObjectFloor, event: string, fields: Fields): Addr[] {
  const out: Addr[] = [];
  const take = (n: number, text: string | undefined): void => {
    if (text !== undefined) out[n] = addrFromBigInt(BigInt.asUintN(64, number(kernel, text)));
  };
  const row = tracepointRow(event);
  if (row === undefined) for (const [n, name] of argumentNames(kernel, event).entries()) take(n, fields[name]);
  for (const [name, source] of Object.entries(row?.fields ?? {})) {
    const [word = '', arg = ''] = source.split(' ');
    if (word === 'int' || word === 'u64') take(Number(arg) - 1, fields[name]);
    else if (word === 'pid') out[Number(arg) - 1] = kernel.tasks.find(Number(fields[name]))?.address ?? 0;
  }
  return Array.from(out, (value) => value ?? 0);
}
/** As the kernel's BTF has them, without the private first one. */
function argumentNames({ btf }: ObjectFloor, event: string): readonly string[] {
  const id = btf.findByName(`__traceiter_${event}`, 'func');
  const func = id === 0 ? undefined : btf.typeById(id);
  const proto = func?.kind === 'func' ? btf.typeById(func.type) : undefined;
  return proto?.kind === 'func_proto' ? proto.params.slice(1).map((param) => param.name) : [];
}

/** Writes the fields of the line into the event's record. */
export function recordedFill(kernel: ObjectFloor, event: string, fields: Fields): Fill {
  const rows = recordFields(event).flatMap((field) => {
    const text = fields[field.name];
    return text === undefined ? [] : [{ field, bytes: fieldBytes(kernel, field, text) }];
  });
  return (record) => {
    for (const { field, bytes } of rows) writeField(kernel.memory, record, field, bytes);
  };
}
function fieldBytes(kernel: ObjectFloor, { size, isLocation, isText }: RecordField, text: string): Uint8Array {
  const hex = BYTES.exec(text)?.[1];
  if (hex !== undefined) return fromHex(hex);
  return isText || isLocation ? encodeUtf8(`${text}\0`) : numberBytes(number(kernel, text), size);
}
