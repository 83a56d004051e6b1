/** WebAssembly Core Specification 2.0, chapter 5: what the encoder writes, the engine reads. */
import { describe, expect, it } from 'vitest';
import { Bytes, FunctionBody, I32, I64, ModuleBuilder, OP } from '../../src/machine/wasm/encoder.ts';
import { printBody } from '../../src/machine/wasm/print.ts';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

function instantiate(
  module: ModuleBuilder,
  imports: Record<string, unknown> = {},
): Record<string, (...a: never[]) => unknown> {
  const compiled = new WebAssembly.Module(module.encode());
  return new WebAssembly.Instance(compiled, { m: { memory, ...imports } }).exports as Record<string, () => unknown>;
}

const bytesOf = (f: (b: Bytes) => Bytes): number[] => [...f(new Bytes()).view()];

describe('LEB128', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffffffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('unsigned %i', (n, bytes) => expect(bytesOf((b) => b.u32(n))).toEqual(bytes));

  it.each([
    0n,
    1n,
    -1n,
    63n,
    64n,
    -64n,
    -65n,
    1n << 31n,
    -(1n << 31n),
    (1n << 62n) + 5n,
    -(1n << 63n),
    (1n << 63n) - 1n,
    -0x7780_0000_0000n,
  ])('signed 64-bit %i reaches the engine unchanged', (value) => {
    const module = new ModuleBuilder(1);
    module.add(
      new FunctionBody([], [I64]).i64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))),
      'f',
    );
    expect(instantiate(module)['f']!()).toBe(value);
  });
});

describe('modules', () => {
  it('have imports, shared functions, locals and blocks', () => {
    const module = new ModuleBuilder(1);
    const twice = module.import('twice', [I32], [I32]);
    const make = (): FunctionBody => new FunctionBody([I32], [I32]).get(0).i32(1).op(OP['i32.add']);
    const inc = module.shared('inc', make());
    expect(module.shared('inc', make())).toBe(inc);
    const f = new FunctionBody([I32], [I32]);
    const sum = f.local(I64);
    f.open('loop').get(sum).get(0).op(OP['i64.extend_i32_u']).op(OP['i64.add']).set(sum);
    f.get(0).i32(1).op(OP['i32.sub']).tee(0).brIf(0).end();
    f.get(sum).op(OP['i32.wrap_i64']).call(inc).call(twice);
    module.add(f, 'f');
    expect(instantiate(module, { twice: (n: number) => 2 * n })['f']!(100 as never)).toBe(2 * 5051);
    expect(printBody(f, (n) => ['n', 'sum'][n]!)).toBe(
      [
        'loop',
        '  local.get sum',
        '  local.get n',
        '  i64.extend_i32_u',
        '  i64.add',
        '  local.set sum',
        '  local.get n',
        '  i32.const 1',
        '  i32.sub',
        '  local.tee n',
        '  br_if 0',
        'end',
        'local.get sum',
        'i32.wrap_i64',
        'call 1',
        'call 0',
        '',
      ].join('\n'),
    );
  });

  it('branch by table and load with offsets', () => {
    const module = new ModuleBuilder(1);
    const f = new FunctionBody([I32], [I32]);
    f.open('block').open('block').open('block').get(0).brTable([0, 1], 2).end();
    f.i32(10).op(OP.return).end();
    f.i32(11).op(OP.return).end();
    f.i32(0).mem(OP['i32.load'], 300);
    module.add(f, 'f');
    new Int32Array(memory.buffer)[75] = 77;
    const exports = instantiate(module);
    expect([0, 1, 2, 9].map((n) => exports['f']!(n as never))).toEqual([10, 11, 77, 77]);
  });
});
