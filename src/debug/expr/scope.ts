/** What names mean in a session: registers, variables, the task, maps, symbols of the kernel. */
import { type BpfMap, WalkCursor } from '../../../kernel-sim/bpf/maps/map.ts';
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { Btf } from '../../btf/index.ts';
import { type Addr, addrToBigInt } from '../../machine/addr.ts';
import type { LoadedObject } from '../../object/index.ts';
import { encodeUtf8 } from '../../platform/index.ts';
import { type Scope, valueAt } from './evaluate.ts';
import { ValueMemory } from './memory.ts';
import { S64, type Type, U32, U64, type Value } from './value.ts';

const SECTIONS = ['.data', '.bss', '.rodata', '.kconfig'];

export interface Moment {
  readonly count: number;
  readonly calls: number;
  /** a register of the selected frame. @throws NoValue where nothing kept it */
  register(name: string): Value | undefined;
  /** a variable of the function that runs. @throws DebugError where it is kept nowhere */
  local(name: string): Value | undefined;
  /** names of those that there are here */
  locals(): readonly string[];
  /** reads what is not the guest's to see, and leaves everything as it was */
  peek<T>(read: () => T): T;
}

export class SessionScope implements Scope {
  readonly memory: ValueMemory;
  readonly #kernel: Kernel;
  readonly #loaded: LoadedObject<Kernel>;
  readonly #moment: Moment;
  #variables: Map<string, { readonly address: Addr; readonly type: Type }> | undefined;

  constructor(kernel: Kernel, loaded: LoadedObject<Kernel>, moment: Moment) {
    this.#kernel = kernel;
    this.#loaded = loaded;
    this.#moment = moment;
    this.memory = new ValueMemory(kernel.memory);
  }

  get btfs(): readonly Btf[] {
    const own = this.#loaded.object.model.btf;
    return own === undefined ? [this.#kernel.btf] : [own, this.#kernel.btf];
  }

  name(name: string): Value | undefined {
    const { tasks, clock, context, symbols } = this.#kernel;
    const register = this.#moment.register(name);
    if (register !== undefined) return register;
    const variable = this.#moment.local(name) ?? this.#variable(name);
    if (variable !== undefined) return variable;
    switch (name) {
      case 'task':
      case 'current':
        return this.#pointer('task_struct', tasks.current.address);
      case 'pid':
        return { type: S64, bits: BigInt(tasks.current.pid) };
      case 'tgid':
        return { type: S64, bits: BigInt(tasks.current.tgid) };
      case 'comm':
        return { type: { kind: 'string' }, bits: 0n, bytes: encodeUtf8(`${tasks.current.comm}\0`) };
      case 'cpu':
        return { type: U32, bits: BigInt(context.cpu) };
      case 'time':
        return { type: U64, bits: BigInt(clock.now) };
      case 'count':
        return { type: U64, bits: BigInt(this.#moment.count) };
      case 'calls':
        return { type: U64, bits: BigInt(this.#moment.calls) };
    }
    const map = this.#loaded.maps[name];
    if (map !== undefined) return this.#pointer('bpf_map', map.handle.map.addr);
    const symbol = symbols.get(name);
    return symbol && { type: { kind: 'pointer', to: { kind: 'void' } }, bits: addrToBigInt(symbol.address) };
  }
  near(name: string): readonly string[] {
    return this.#kernel.symbols.near(name);
  }
  /** Global variables of the object. */
  get globals(): string[] {
    return [...this.#known.keys()];
  }
  /** Names that a prompt completes, kernel symbols aside. */
  get names(): string[] {
    return [
      ...this.#moment.locals(),
      ...this.#known.keys(),
      ...Object.keys(this.#loaded.maps),
      'task',
      'pid',
      'tgid',
      'comm',
      'cpu',
      'time',
      'count',
      'calls',
    ];
  }

  isMap(name: string): boolean {
    return this.#loaded.maps[name] !== undefined && !SECTIONS.includes(name);
  }
  element(name: string, key: Value): Value | undefined {
    const map = this.#loaded.maps[name];
    if (map === undefined) return undefined;
    const { keySize, valueSize } = map.handle;
    const given = key.bytes ?? (key.address === undefined ? undefined : this.memory.read(key.address, keySize));
    const bytes = given?.length === keySize ? given : toBytes(key.bits, keySize);
    const { btfValue } = map.definition;
    const { btf } = this.#loaded.object.model;
    const type: Type = btf !== undefined && btfValue > 0 ? { kind: 'btf', btf, id: btfValue } : sized(valueSize);
    const at = this.#elementAt(map.handle.map, bytes);
    if (at !== undefined) return at === 0 ? undefined : valueAt(this, type, at);
    return this.#moment.peek(() => {
      const found = map.handle.lookup(bytes);
      return found && { type, bits: toBits(found), bytes: found };
    });
  }
  /** Address of the value for a key, 0 where it is not in the map; undefined: this kind does not tell without being asked as a program does. */
  #elementAt(map: BpfMap, key: Uint8Array): Addr | undefined {
    const cursor = new WalkCursor();
    for (;;) {
      if (map.walkNext(cursor) !== 0) return undefined;
      if (cursor.key === 0) return 0;
      if (equal(this.memory.read(cursor.key, key.length), key)) return cursor.value;
    }
  }

  #pointer(struct: string, at: Addr): Value {
    const { btf } = this.#kernel;
    const id = btf.findByName(struct, 'struct');
    const to: Type = id > 0 ? { kind: 'btf', btf, id } : { kind: 'void' };
    return { type: { kind: 'pointer', to }, bits: addrToBigInt(at) };
  }

  #variable(name: string): Value | undefined {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    const { address, type } = known;
    const size = type.kind === 'btf' ? type.btf.sizeOf(type.id) : 8;
    const t = type.kind === 'btf' ? type.btf.resolve(type.id) : undefined;
    if (t?.kind === 'struct' || t?.kind === 'union' || t?.kind === 'array')
      return { type, bits: BigInt(address), address };
    const signed = (t?.kind === 'int' || t?.kind === 'enum') && t.signed;
    return { type, bits: this.memory.integer(address, Math.min(8, size), signed) ?? 0n, address };
  }
  /** Global variables of the object: where their section's map has them. */
  get #known(): Map<string, { readonly address: Addr; readonly type: Type }> {
    if (this.#variables !== undefined) return this.#variables;
    const all = new Map<string, { readonly address: Addr; readonly type: Type }>();
    const { btf } = this.#loaded.object.model;
    for (const map of Object.values(this.#loaded.maps)) {
      const base = map.handle.map.directValue;
      if (btf === undefined || base === undefined) continue;
      const id = btf.findByName(map.name, 'datasec');
      const section = id > 0 ? btf.typeById(id) : undefined;
      if (section?.kind !== 'datasec') continue;
      for (const entry of section.vars) {
        const variable = btf.typeById(entry.type);
        if (variable.kind === 'var')
          all.set(variable.name, { address: base + entry.offset, type: { kind: 'btf', btf, id: variable.type } });
      }
    }
    this.#variables = all;
    return all;
  }
}

const equal = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && b.every((byte, n) => a[n] === byte);
function toBytes(bits: bigint, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let rest = BigInt.asUintN(64, bits);
  for (let n = 0; n < size; n++, rest >>= 8n) out[n] = Number(rest & 0xffn);
  return out;
}
function toBits(bytes: Uint8Array): bigint {
  let bits = 0n;
  for (let n = Math.min(8, bytes.length) - 1; n >= 0; n--) bits = (bits << 8n) | BigInt(bytes[n] as number);
  return bits;
}
const sized = (bytes: number): Type => ({ kind: 'int', size: Math.min(bytes, 8), signed: false });
