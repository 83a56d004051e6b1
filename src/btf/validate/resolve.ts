/**
 * Types against each other: Linux's `btf_resolve`. A walk with a stack of at most 32 types follows
 * what a type needs, finds circles, and leaves for each type what it comes down to and its size.
 */
import type { Btf } from '../btf.ts';
import { type BtfType, isComposite, isModifier } from '../types.ts';
import { type BtfErrno, type BtfLog, BtfRefused, isIdentifier } from './log.ts';
import { checkMember, isRegularInt } from './member.ts';

const MAX_RESOLVE_DEPTH = 32;
const NOT_VISITED = 0;
const VISITED = 1;
const RESOLVED = 2;

type Mode = 'tbd' | 'ptr' | 'struct_or_array';
interface Frame {
  readonly type: BtfType;
  next: number;
}

const modifier = (t: BtfType): boolean => isModifier(t) || t.kind === 'typedef';
const needsResolve = (t: BtfType): boolean =>
  modifier(t) || isComposite(t) || ['ptr', 'array', 'var', 'func', 'decl_tag', 'datasec'].includes(t.kind);
const sourceOnly = (t: BtfType): boolean => t.kind === 'var' || t.kind === 'decl_tag' || t.kind === 'datasec';
const noSize = (t: BtfType | undefined): boolean =>
  t === undefined || ['void', 'fwd', 'func', 'func_proto', 'decl_tag'].includes(t.kind);
const noSizeNeeded = (t: BtfType): boolean => t.kind === 'void' || t.kind === 'fwd' || t.kind === 'func_proto';

export class TypeResolver {
  readonly #btf: Btf;
  readonly #log: BtfLog;
  readonly #state: Uint8Array;
  readonly #resolvedId: Uint32Array;
  readonly #resolvedSize: Uint32Array;
  #stack: Frame[] = [];
  #mode: Mode = 'tbd';

  constructor(btf: Btf, log: BtfLog) {
    this.#btf = btf;
    this.#log = log;
    this.#state = new Uint8Array(btf.typeCount);
    this.#state.fill(RESOLVED, 0, btf.startId === 1 ? 0 : btf.startId);
    this.#resolvedId = new Uint32Array(btf.typeCount);
    this.#resolvedSize = new Uint32Array(btf.typeCount);
  }

  /** All types of the data, in order. @throws BtfRefused */
  checkAll(): void {
    for (let id = this.#btf.startId; id < this.#btf.typeCount; id++) {
      const type = this.#btf.typeById(id);
      this.#log.typeId = id;
      if (needsResolve(type) && !this.#isResolved(id)) this.#resolve(type);
      if (type.kind === 'func_proto') this.#checkProto(type);
    }
  }

  #get(id: number): BtfType | undefined {
    return id < this.#btf.typeCount ? this.#btf.typeById(id) : undefined;
  }

  #isResolved(id: number): boolean {
    if (id < this.#btf.startId) return id !== 0;
    return this.#state[id] === RESOLVED;
  }

  #refuse(type: BtfType, message: string, errno: BtfErrno = 'EINVAL'): BtfRefused {
    this.#log.type(type, message);
    return new BtfRefused(errno);
  }

  #resolve(type: BtfType): void {
    const saved = this.#log.typeId;
    this.#mode = 'tbd';
    this.#stack = [];
    try {
      this.#push(type);
      for (let frame = this.#stack.at(-1); frame; frame = this.#stack.at(-1)) {
        this.#log.typeId = frame.type.id;
        this.#step(frame);
      }
    } catch (error) {
      this.#log.typeId = type.id;
      if (error instanceof BtfRefused && error.errno === 'E2BIG')
        this.#log.type(type, `Exceeded max resolving depth:${MAX_RESOLVE_DEPTH}`);
      else if (error instanceof BtfRefused && error.errno === 'EEXIST') this.#log.type(type, 'Loop detected');
      throw error;
    }
    this.#log.typeId = saved;
  }

  #push(type: BtfType): void {
    if (this.#stack.length === MAX_RESOLVE_DEPTH) throw new BtfRefused('E2BIG');
    if (this.#state[type.id] !== NOT_VISITED) throw new BtfRefused('EEXIST');
    this.#state[type.id] = VISITED;
    this.#stack.push({ type, next: 0 });
    if (this.#mode !== 'tbd') return;
    if (type.kind === 'ptr') this.#mode = 'ptr';
    else if (isComposite(type) || type.kind === 'array') this.#mode = 'struct_or_array';
  }

  /** Whether the walk may stop at this type. */
  #isSink(type: BtfType): boolean {
    switch (this.#mode) {
      case 'tbd':
        return !needsResolve(type);
      case 'ptr':
        return !modifier(type) && type.kind !== 'ptr';
      case 'struct_or_array':
        return !modifier(type) && type.kind !== 'array' && !isComposite(type);
    }
  }

  /** True when `type` was pushed, to be resolved first. */
  #needs(type: BtfType): boolean {
    if (this.#isSink(type) || this.#isResolved(type.id)) return false;
    this.#push(type);
    return true;
  }

  #done(id: number, resolvedId: number, size: number): void {
    this.#state[id] = RESOLVED;
    this.#resolvedId[id] = resolvedId;
    this.#resolvedSize[id] = size;
    this.#stack.pop();
  }

  /** The type with a size that `id` comes down to, and that size. */
  #sized(id: number): { type: BtfType; size: number } | undefined {
    let type = this.#get(id);
    if (!type || noSize(type)) return undefined;
    if (modifier(type) || type.kind === 'var') {
      type = id < this.#btf.startId ? this.#btf.resolve(id) : this.#get(this.#resolvedId[id] as number);
      if (!type || noSize(type)) return undefined;
    }
    switch (type.kind) {
      case 'int':
      case 'struct':
      case 'union':
      case 'enum':
      case 'enum64':
      case 'datasec':
      case 'float':
        return { type, size: type.size };
      case 'array':
        return {
          type,
          size: type.id < this.#btf.startId ? this.#btf.sizeOf(type.id) : (this.#resolvedSize[type.id] as number),
        };
      case 'ptr':
        return { type, size: 8 };
      default:
        return undefined;
    }
  }

  /** What resolved modifiers come down to, with a size or without. */
  #settled(type: BtfType): BtfType {
    let at = type;
    for (let n = 0; n < MAX_RESOLVE_DEPTH && modifier(at) && this.#isResolved(at.id); n++) {
      const next = at.id < this.#btf.startId ? this.#btf.resolve(at.id) : this.#get(this.#resolvedId[at.id] as number);
      if (!next || next === at) break;
      at = next;
    }
    return at;
  }

  #step(frame: Frame): void {
    const { type } = frame;
    switch (type.kind) {
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
      case 'typedef':
      case 'ptr':
      case 'var':
        this.#reference(type);
        return;
      case 'array':
        this.#array(type);
        return;
      case 'struct':
      case 'union':
        this.#composite(frame);
        return;
      case 'func':
        this.#func(type);
        return;
      case 'decl_tag':
        this.#declTag(type);
        return;
      case 'datasec':
        this.#datasec(frame);
        return;
      default:
        throw this.#refuse(type, 'Unsupported resolve');
    }
  }

  #reference(type: BtfType & { readonly type: number }): void {
    const next = this.#get(type.type);
    if (!next || sourceOnly(next)) throw this.#refuse(type, 'Invalid type_id');
    if (this.#needs(next)) return;
    if (type.kind === 'ptr' || type.kind === 'var') {
      // A modifier resolved inside a struct may have stopped at a pointer, which must not lead back here.
      const behind = modifier(next) ? this.#settled(next) : next;
      if (behind.kind === 'ptr' && behind !== next && this.#needs(behind)) return;
    }
    const sized = this.#sized(type.type);
    if (type.kind === 'var') {
      if (!sized) throw this.#refuse(type, 'Invalid type_id');
      this.#done(type.id, sized.type.id, sized.size);
      return;
    }
    const settled = sized?.type ?? this.#settled(next);
    if (!sized && !noSizeNeeded(settled)) throw this.#refuse(type, 'Invalid type_id');
    this.#done(type.id, settled.id, 0);
  }

  #array(type: BtfType & { kind: 'array' }): void {
    const index = this.#get(type.indexType);
    if (!index || noSize(index) || sourceOnly(index)) throw this.#refuse(type, 'Invalid index');
    if (this.#needs(index)) return;
    const indexed = this.#sized(type.indexType);
    if (indexed?.type.kind !== 'int' || !isRegularInt(indexed.type)) throw this.#refuse(type, 'Invalid index');
    const element = this.#get(type.type);
    if (!element || noSize(element) || sourceOnly(element)) throw this.#refuse(type, 'Invalid elem');
    if (this.#needs(element)) return;
    const sized = this.#sized(type.type);
    if (!sized) throw this.#refuse(type, 'Invalid elem');
    if (sized.type.kind === 'int' && !isRegularInt(sized.type)) throw this.#refuse(type, 'Invalid array of int');
    if (sized.size * type.length > 0xffff_ffff) throw this.#refuse(type, 'Array size overflows U32_MAX');
    this.#done(type.id, sized.type.id, sized.size * type.length);
  }

  #composite(frame: Frame): void {
    const type = frame.type as BtfType & { kind: 'struct' | 'union' };
    const check = (n: number): void => {
      const member = type.members[n] as (typeof type.members)[number];
      const sized = this.#sized(member.type);
      checkMember(
        this.#btf,
        this.#log,
        type,
        member,
        sized?.type ?? this.#settled(this.#btf.typeById(member.type)),
        sized?.size ?? 0,
      );
    };
    if (frame.next > 0) check(frame.next - 1);
    for (let n = frame.next; n < type.members.length; n++) {
      const member = type.members[n] as (typeof type.members)[number];
      const next = this.#get(member.type);
      if (!next || noSize(next) || sourceOnly(next)) {
        this.#log.member(type, member, 'Invalid member');
        throw new BtfRefused('EINVAL');
      }
      frame.next = n + 1;
      if (this.#needs(next)) return;
      check(n);
    }
    this.#done(type.id, 0, 0);
  }

  #func(type: BtfType & { kind: 'func' }): void {
    const proto = this.#get(type.type);
    if (proto?.kind !== 'func_proto') throw this.#refuse(type, 'Invalid type_id');
    const unnamed = proto.params.findIndex((p, n) => !this.#isNamed(proto.id, n) && p.type !== 0);
    if (unnamed >= 0) throw this.#refuse(type, `Invalid arg#${unnamed + 1}`);
    this.#done(type.id, type.type, 0);
  }

  #declTag(type: BtfType & { kind: 'decl_tag' }): void {
    const next = this.#get(type.type);
    if (!next || !(isComposite(next) || next.kind === 'func' || next.kind === 'var' || next.kind === 'typedef'))
      throw this.#refuse(type, 'Invalid type_id');
    if (this.#needs(next)) return;
    if (type.component !== -1) {
      let count = 0;
      if (isComposite(next)) count = next.members.length;
      else if (next.kind === 'func') {
        const proto = this.#get(next.type);
        count = proto?.kind === 'func_proto' ? proto.params.length : 0;
      }
      if (type.component >= count) throw this.#refuse(type, 'Invalid component_idx');
    }
    this.#done(type.id, type.type, 0);
  }

  #datasec(frame: Frame): void {
    const type = frame.type as BtfType & { kind: 'datasec' };
    this.#mode = 'tbd';
    for (let n = frame.next; n < type.vars.length; n++) {
      const secvar = type.vars[n] as (typeof type.vars)[number];
      const bad = (message: string): BtfRefused => {
        this.#log.secVar(type, secvar, message);
        return new BtfRefused('EINVAL');
      };
      const variable = this.#get(secvar.type);
      if (variable?.kind !== 'var') throw bad('Not a VAR kind member');
      if (!this.#isSink(variable) && !this.#isResolved(variable.id)) {
        // Come back to this one: its size is to be compared.
        frame.next = n;
        this.#push(variable);
        return;
      }
      const sized = this.#sized(variable.type);
      if (!sized) throw bad('Invalid type');
      if (secvar.size < sized.size) throw bad('Invalid size');
    }
    this.#done(type.id, 0, 0);
  }

  /** Whether a parameter has a name offset: an empty name by an offset that is not 0 is a wrong name. */
  #isNamed(proto: number, n: number): boolean {
    return proto < this.#btf.startId || this.#nameOffset(proto, n) !== 0;
  }
  #nameOffset(proto: number, n: number): number {
    const { bytes } = this.#btf;
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(this.#btf.offsetOfType(proto) + 12 + n * 8, true);
  }
  /** Whether a parameter's name, if it has one, is an identifier. */
  #isNameValid(proto: number, n: number): boolean {
    if (proto < this.#btf.startId || !this.#isNamed(proto, n)) return true;
    return isIdentifier(this.#btf.byteString(this.#nameOffset(proto, n)));
  }

  #checkProto(type: BtfType & { kind: 'func_proto' }): void {
    const check = (id: number, message: string): void => {
      const next = this.#get(id);
      if (!next || sourceOnly(next)) throw this.#refuse(type, message);
      if (needsResolve(next) && !this.#isResolved(id)) this.#resolve(next);
      if (!this.#sized(id)) throw this.#refuse(type, message);
    };
    if (type.type !== 0) check(type.type, 'Invalid return type');
    const last = type.params.at(-1);
    let count = type.params.length;
    if (last && last.type === 0) {
      if (this.#isNamed(type.id, count - 1)) throw this.#refuse(type, `Invalid arg#${count}`);
      count--;
    }
    for (let n = 0; n < count; n++) {
      const param = type.params[n] as (typeof type.params)[number];
      if (!this.#isNameValid(type.id, n)) throw this.#refuse(type, `Invalid arg#${n + 1}`);
      check(param.type, `Invalid arg#${n + 1}`);
    }
  }
}
