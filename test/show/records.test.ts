/** Records by the structures of their programs: which structure, and how it is shown. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../kernel-sim/index.ts';
import { Btf, BtfBuilder, type NewBtfType } from '../../src/btf/index.ts';
import { BpfObject } from '../../src/object/index.ts';
import { jsonText, type Names, RecordPrinter, readable } from '../../src/show/index.ts';
import { RecordTypes } from '../../src/show/records/guess.ts';
import { haveShared, sharedPath } from '../support/shared.ts';

const open = (path: string): BpfObject => BpfObject.open(readFileSync(path), { name: path });
const fixture = (name: string): BpfObject => open(fileURLToPath(new URL(`../../fixtures/${name}.o`, import.meta.url)));
const NO_NAMES: Names = { symbol: () => undefined, stack: () => undefined };

/** One record of opensnoop's: pid, uid, ns, comm[16], filename[256] */
function record(): Uint8Array {
  const bytes = new Uint8Array(96);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 42, true);
  view.setUint32(4, 1000, true);
  view.setBigUint64(8, 5n, true);
  bytes.set(Buffer.from('cat\0rest'), 16);
  bytes.set(Buffer.from('/etc/passwd'), 32);
  return bytes;
}

describe('printing', () => {
  const { model } = fixture('opensnoop');
  const printer = (options: ConstructorParameters<typeof RecordPrinter>[2]) =>
    new RecordPrinter(model, NO_NAMES, options);

  it('a table has its head once', () => {
    const table = printer({ as: 'table' });
    const row = '     42    1000               5 cat              /etc/passwd\n';
    expect(table.print('events', record(), false)).toBe(
      `    PID     UID              NS COMM             FILENAME\n${row}`,
    );
    expect(table.print('events', record(), false)).toBe(row);
  });

  it('JSON, a line a record', () => {
    const text = printer({ as: 'json' }).print('events', record(), false);
    expect(text).toBe('{"pid":42,"uid":1000,"ns":5,"comm":"cat","filename":"/etc/passwd"}\n');
  });

  it('as a format says', () => {
    const print = (format: string): string => printer({ as: 'table', format }).print('events', record(), false);
    expect(print('{comm} {pid}')).toBe('cat 42\n');
    expect(print('{comm:6}|{pid:>6}|{uid:x}|{{}}\\t.')).toBe('cat   |    42|0x3e8|{}\t.\n');
    expect(() => print('{com}')).toThrow(/no 'com'; near it: comm/);
    expect(() => print('{comm')).toThrow(/not closed/);
    expect(() => print('{a b}')).toThrow(/is no field/);
  });

  it('members that the program stores together, in bitfields and in arrays', () => {
    const bytes = new Uint8Array(48);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, 7n, true);
    view.setUint32(12, 7, true);
    bytes.set(Buffer.from('cat'), 16);
    view.setUint32(32, 0x4_0003, true);
    bytes[36] = 0b1011;
    bytes.set([0xfd, 1, 0, 0, 0xab], 40);
    const { model: merged } = fixture('merged');
    expect(new RecordPrinter(merged, NO_NAMES, { as: 'json' }).print('events', bytes, false)).toBe(
      '{"ts":7,"pid":0,"kind":"K_CLOSE","comm":"cat","in":{"u":{"word":262147,"lo":3,"hi":4},"flag":1,"mode":5,"rest":0},' +
        '"neg":-3,"ok":true,"raw":[0,0,171,0,0]}\n',
    );
  });

  it('a structure that only debug information has, under the name of its typedef', () => {
    const bytes = new Uint8Array(40);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, 9n, true);
    view.setInt32(12, -1, true);
    bytes.set(Buffer.from('sh'), 16);
    view.setUint32(32, 2, true);
    view.setUint16(38, 7, true);
    const { model: sent } = fixture('sent');
    expect([...sent.btf!.types()].map((t) => t.name)).not.toContain('sent_t');
    const text = '{"ts":9,"pid":0,"ret":-1,"fd":4294967295,"comm":"sh","way":"WAY_OUT","in":{"a":0,"b":7}}\n';
    expect(new RecordPrinter(sent, NO_NAMES, { as: 'json' }).print('events', bytes, false)).toBe(text);
    const types = new Map([['events', 'sent_t']]);
    expect(new RecordPrinter(sent, NO_NAMES, { as: 'json', types }).print('events', bytes, false)).toBe(text);
  });

  it('a structure that is named, and bytes where none fits', () => {
    const named = printer({ as: 'json', types: new Map([['events', 'struct event']]) });
    expect(named.print('events', record().subarray(0, 24), false)).toContain('"comm":"cat","filename":""');
    expect(printer({ as: 'json' }).print('events', new Uint8Array(3), false)).toBe('{"bytes":"00 00 00"}\n');
  });
});

describe.skipIf(!haveShared)('the structure is guessed', () => {
  if (!haveShared) console.log('skipped: no objects of others');
  it.each([
    // of all the kernel's structures in its BTF: the one that its stores fill, in part
    ['execsnoop', 'events', 100, true, 'event'],
    ['solisten', 'events', 52, true, 'event'],
    ['filelife', 'events', 76, true, 'event'],
    // not in its BTF: members by the C lines that store
    ['tcplife', 'events', 100, true, ' saddr,daddr,ts_us,span_us,rx_b,at_56,pid,sport,dport,family,comm'],
  ])('%s', (tool, map, length, isPerf, type) => {
    const { model } = open(sharedPath(`conformance/objects/libbpf-tools/${tool}-libbpf.bpf.o`));
    const types = new RecordTypes(model, model.btf as Btf);
    const found = types.of(map, length, isPerf)?.type;
    const members = found?.name === '' ? ` ${found.members.map((m) => m.name).join(',')}` : '';
    expect(`${found?.name}${members}`).toBe(type);
  });
});

it('addresses are shown by name, and ids of stacks as their frames', async () => {
  const kernel = await Kernel.boot();
  const builder = new BtfBuilder();
  const int = (size: number): NewBtfType => ({
    kind: 'int',
    name: `u${size * 8}`,
    size,
    bits: size * 8,
    bitOffset: 0,
    signed: false,
    char: false,
    bool: false,
    encoding: 0,
  });
  const u64 = builder.add(int(8));
  const u32 = builder.add(int(4));
  const list = builder.add({ kind: 'array', name: '', type: u64, indexType: u32, length: 4 });
  const id = builder.add({
    kind: 'struct',
    name: 'event',
    size: 48,
    kindFlag: false,
    members: [
      { name: 'ip', type: u64, bitOffset: 0, bitfieldSize: 0 },
      { name: 'kern_stack_id', type: u32, bitOffset: 64, bitfieldSize: 0 },
      { name: 'stack', type: list, bitOffset: 128, bitfieldSize: 0 },
    ],
  });
  const bytes = new Uint8Array(48);
  const view = new DataView(bytes.buffer);
  const at = BigInt.asUintN(64, BigInt(kernel.symbols.address('vfs_read') as number));
  view.setBigUint64(0, at + 4n, true);
  view.setUint32(8, 7, true);
  view.setBigUint64(16, at, true);
  view.setBigUint64(24, 0x401000n, true);
  const { namesOf } = await import('../../src/show/index.ts');
  const names: Names = { ...namesOf(kernel), stack: (n) => (n === 7 ? ['vfs_read', 'ksys_read'] : undefined) };
  const value = readable(Btf.parse(builder.bytes()), id, bytes, names);
  expect(jsonText(value, 'plain')).toBe(
    '{"ip":"vfs_read+0x4","kern_stack_id":["vfs_read","ksys_read"],"stack":["vfs_read","0x401000"]}',
  );
});
