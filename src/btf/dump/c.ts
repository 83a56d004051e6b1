/**
 * BTF as a C header that compiles: what `bpftool btf dump file F format c` prints. Types come in an
 * order in which each is declared before its use, with forward declarations where they form circles
 * (libbpf's btf_dump; Linux 6.12 Documentation/bpf/btf.rst, section 5.2).
 */
import type { Btf } from '../btf.ts';
import { BtfError } from '../error.ts';
import { type BtfType, isComposite, isEnum } from '../types.ts';
import { type DeclarationOptions, Declarations, type Names } from './declaration.ts';

/** Calls that may be under way at once: a circle of types that C cannot have ends here. */
const MAX_DEPTH = 2000;
/** Steps of ordering and writing: prototypes and anonymous types inside each other multiply. */
const MAX_WORK = 20_000_000;

/** Types that compilers of other machines have built in. */
const BUILTIN_ALIASES: Readonly<Record<string, string>> = {
  __Poly8_t: 'unsigned char',
  __Poly16_t: 'unsigned short',
  __Poly64_t: 'unsigned long long',
  __Poly128_t: 'unsigned __int128',
};

/** A second type of a name gets `___2`, and so on: structs, unions and enums among themselves, typedefs and enumerators too. */
class UniqueNames implements Names {
  readonly #btf: Btf;
  readonly #resolved = new Map<number, string>();
  readonly #types = new Map<string, number>();
  readonly #idents = new Map<string, number>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  #unique(seen: Map<string, number>, name: string): string {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count > 1 ? `${name}___${count}` : name;
  }

  #resolve(id: number, seen: Map<string, number>): string {
    const type = this.#btf.typeById(id);
    if (type.name === '') return '';
    const known = this.#resolved.get(id);
    if (known !== undefined) return known;
    const forward = type.kind === 'fwd' || (isEnum(type) && type.values.length === 0);
    const name = forward ? type.name : this.#unique(seen, type.name);
    this.#resolved.set(id, name);
    return name;
  }

  type(id: number): string {
    return this.#resolve(id, this.#types);
  }
  ident(id: number): string {
    return this.#resolve(id, this.#idents);
  }
  enumerator(name: string): string {
    return this.#unique(this.#idents, name);
  }
}

const State = { none: 0, active: 1, done: 2 } as const;

class CDump {
  readonly #btf: Btf;
  readonly #names: UniqueNames;
  readonly #declarations: Declarations;
  readonly #ordered: Uint8Array;
  readonly #emitted: Uint8Array;
  readonly #forwarded: Uint8Array;
  readonly #referenced: Uint8Array;
  readonly #out: string[] = [];
  #queue: number[] = [];
  #work = MAX_WORK;

  constructor(btf: Btf, options: DeclarationOptions) {
    this.#btf = btf;
    this.#names = new UniqueNames(btf);
    this.#declarations = new Declarations(btf, this.#names, options);
    this.#ordered = new Uint8Array(btf.typeCount);
    this.#emitted = new Uint8Array(btf.typeCount);
    this.#forwarded = new Uint8Array(btf.typeCount);
    this.#referenced = new Uint8Array(btf.typeCount);
    for (let id = 1; id < btf.typeCount; id++) this.#markReferenced(btf.typeById(id));
  }

  dump(ids: Iterable<number>): string {
    for (const id of ids) {
      this.#queue = [];
      this.#order(id, false, 0);
      for (const queued of this.#queue) this.#emit(queued, 0, 0);
    }
    return this.#out.join('');
  }

  #step(id: number, depth: number): void {
    if (depth > MAX_DEPTH || this.#work-- <= 0) throw new BtfError('types nest too deeply to print', { typeId: id });
  }

  #mark(id: number): void {
    this.#referenced[id] = 1;
  }

  #markReferenced(type: BtfType): void {
    switch (type.kind) {
      case 'ptr':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
      case 'typedef':
      case 'func':
      case 'var':
      case 'decl_tag':
        this.#mark(type.type);
        break;
      case 'array':
        this.#mark(type.type);
        this.#mark(type.indexType);
        break;
      case 'struct':
      case 'union':
        for (const member of type.members) this.#mark(member.type);
        break;
      case 'func_proto':
        for (const param of type.params) this.#mark(param.type);
        break;
      case 'datasec':
        for (const variable of type.vars) this.#mark(variable.type);
        break;
      default:
    }
  }

  /** Queues what must be defined before type `id` and itself. Returns whether whoever refers to it needs its definition. */
  #order(id: number, throughPointer: boolean, depth: number): boolean {
    this.#step(id, depth);
    if (this.#ordered[id] === State.done) return true;
    const type = this.#btf.typeById(id);
    if (this.#ordered[id] === State.active) {
      if (isComposite(type) && throughPointer && type.name !== '') return false;
      throw new BtfError('types form a circle that C cannot express', { typeId: id });
    }
    switch (type.kind) {
      case 'ptr': {
        const strong = this.#order(type.type, true, depth + 1);
        this.#ordered[id] = State.done;
        return strong;
      }
      case 'array':
        return this.#order(type.type, false, depth + 1);
      case 'struct':
      case 'union':
        if (throughPointer && type.name !== '') return false;
        this.#ordered[id] = State.active;
        for (const member of type.members) this.#order(member.type, false, depth + 1);
        if (type.name !== '') this.#queue.push(id);
        this.#ordered[id] = State.done;
        return true;
      case 'enum':
      case 'enum64':
      case 'fwd':
        if (type.name !== '' || !this.#referenced[id]) this.#queue.push(id);
        this.#ordered[id] = State.done;
        return true;
      case 'typedef': {
        const strong = this.#order(type.type, throughPointer, depth + 1);
        if (throughPointer && !strong) return false;
        this.#queue.push(id);
        this.#ordered[id] = State.done;
        return true;
      }
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        return this.#order(type.type, throughPointer, depth + 1);
      case 'func_proto': {
        let strong = this.#order(type.type, throughPointer, depth + 1);
        for (const param of type.params) if (this.#order(param.type, throughPointer, depth + 1)) strong = true;
        return strong;
      }
      default:
        this.#ordered[id] = State.done;
        return false;
    }
  }

  #line(text: string): void {
    this.#out.push(text, ';\n\n');
  }

  /** Writes type `id` for `holder` (0: for itself), or what `holder` needs of it. */
  #emit(id: number, holder: number, depth: number): void {
    this.#step(id, depth);
    const type = this.#btf.typeById(id);
    if (this.#emitted[id] === State.done) return;
    if (this.#emitted[id] === State.active) {
      this.#emitForward(type, holder);
      return;
    }
    const top = holder === 0;
    switch (type.kind) {
      case 'int': {
        const alias = BUILTIN_ALIASES[type.name];
        if (alias) this.#line(`typedef ${alias} ${type.name}`);
        this.#emitted[id] = State.done;
        break;
      }
      case 'enum':
      case 'enum64':
        if (top) this.#line(this.#declarations.enumeration(type, 0));
        this.#emitted[id] = State.done;
        break;
      case 'ptr':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
      case 'array':
        this.#emit(type.type, holder, depth + 1);
        break;
      case 'fwd':
        this.#line(this.#declarations.reference(id));
        this.#emitted[id] = State.done;
        break;
      case 'typedef':
        this.#emitted[id] = State.active;
        this.#emit(type.type, id, depth + 1);
        if (!this.#forwarded[id]) this.#emitTypedef(type);
        this.#emitted[id] = State.done;
        break;
      case 'struct':
      case 'union':
        this.#emitted[id] = State.active;
        if (top || type.name === '') {
          for (const member of type.members) this.#emit(member.type, type.name === '' ? holder : id, depth + 1);
        } else if (!this.#forwarded[id] && id !== holder) {
          this.#line(this.#declarations.reference(id));
          this.#forwarded[id] = 1;
        }
        if (top) this.#line(this.#declarations.composite(type, 0));
        this.#emitted[id] = top ? State.done : State.none;
        break;
      case 'func_proto':
        this.#emit(type.type, holder, depth + 1);
        for (const param of type.params) this.#emit(param.type, holder, depth + 1);
        break;
      default:
    }
  }

  #emitForward(type: BtfType, holder: number): void {
    if (this.#forwarded[type.id]) return;
    if (isComposite(type)) {
      // A struct that refers to itself needs no forward declaration.
      if (type.id === holder) return;
      if (type.name === '') throw new BtfError('an anonymous type contains itself', { typeId: type.id });
      this.#line(this.#declarations.reference(type.id));
    } else if (type.kind === 'typedef') this.#emitTypedef(type);
    else return;
    this.#forwarded[type.id] = 1;
  }

  #emitTypedef(type: BtfType & { kind: 'typedef' }): void {
    // Every compiler has its own, and refuses another.
    if (type.name === '__builtin_va_list') return;
    const name = this.#names.ident(type.id);
    // Old gcc described this as a typedef of nothing.
    if (type.type === 0 && name === '__gnuc_va_list') this.#line('typedef __builtin_va_list __gnuc_va_list');
    else this.#line(`typedef ${this.#declarations.declare(type.type, name)}`);
  }
}

/** C definitions of these types (default: all) and of all that they need, each followed by an empty line. @throws BtfError */
export function dumpCTypes(btf: Btf, ids?: Iterable<number>, options: DeclarationOptions = {}): string {
  const all = function* (): Generator<number> {
    for (let id = btf.startId; id < btf.typeCount; id++) yield id;
  };
  return new CDump(btf, options).dump(ids ?? all());
}

/** A whole header, as bpftool frames it. */
export function dumpC(btf: Btf, ids?: Iterable<number>, options: DeclarationOptions = {}): string {
  return `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

${dumpCTypes(btf, ids, options)}#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;
}
