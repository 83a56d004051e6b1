import { BPF_LINK_TYPE, linkTypeName } from '../../../src/uapi/index.ts';
import { KernelError } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import { Listeners } from '../../core/listeners.ts';
import { capture, reinstate } from '../../core/state.ts';
import type { ProbeLink } from '../../probe/types.ts';
import type { BpfMap } from '../maps/map.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { Attachment, LinkFields, LinkKind } from './attachment.ts';

/**
 * An attachment. It lasts as long as something refers to it: its descriptors, which count once together, and each pin
 * in a bpffs (bpf(2), BPF_OBJ_PIN).
 */
export class BpfLink implements FdObject {
  readonly fdName = 'anon_inode:bpf_link';
  id = 0;
  /** `enum bpf_link_type` */
  readonly type: number;
  readonly kind: LinkKind;
  /** nothing refers to it any more */
  readonly freed = new Listeners<[]>();
  readonly #attachment: Attachment;
  #prog: BpfProg | undefined;
  #attached = true;
  #refs = 1;
  /** @param prog undefined where it holds a map */
  constructor(kind: LinkKind, type: number, prog: BpfProg | undefined, attachment: Attachment) {
    this.kind = kind;
    this.type = type;
    this.#prog = prog?.get();
    this.#attachment = attachment;
    attachment.holds?.get?.();
  }
  save() {
    const rest = { id: this.id, attached: this.#attached, refs: this.#refs };
    const { holds, state } = this.#attachment;
    return { prog: this.#prog, freed: this.freed.save(), rest: capture({ ...rest, holds, state }) };
  }
  restore({ prog, freed, rest }: ReturnType<BpfLink['save']>): void {
    const { id, attached, refs } = reinstate(rest);
    this.#prog = prog;
    this.freed.restore(freed);
    this.id = id;
    this.#attached = attached;
    this.#refs = refs;
  }
  /** undefined of links that register a struct_ops map */
  get prog(): BpfProg | undefined {
    return this.#prog;
  }
  /** what was patched; several for a multi link, none where the place is not in kernel text */
  get probes(): readonly ProbeLink[] {
    return this.#attachment.probes ?? [];
  }
  get attached(): boolean {
    return this.#attached;
  }
  /** Whether BPF_LINK_DETACH is a command for its kind. */
  get mayDetach(): boolean {
    return this.kind.mayDetach ?? false;
  }
  /** The kind's part of `struct bpf_link_info`. */
  info(): LinkFields {
    return this.#attachment.info?.() ?? {};
  }
  /** An iterator's link: one to read from; undefined of other kinds. */
  iterator(): FdObject | undefined {
    return this.#attached ? this.#attachment.open?.() : undefined;
  }
  /** Lines of /proc/PID/fdinfo/N: `bpf_link_show_fdinfo`, then the kind's own. */
  fdinfo(): string {
    const type = this.type === BPF_LINK_TYPE.PERF_EVENT ? 'perf' : linkTypeName(this.type);
    const { id, prog } = this;
    const program = prog ? `prog_tag:\t${prog.init.tag}\nprog_id:\t${prog.id}\n` : '';
    const common = `link_type:\t${type}\nlink_id:\t${id}\n${program}`;
    return common + (this.#attachment.fdinfo?.() ?? '');
  }
  /** Takes the program out of its place: nothing runs any more, and the link is there still for those who refer to it. */
  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    this.#attachment.detach();
  }
  /** BPF_LINK_UPDATE. @throws KernelError EINVAL for kinds whose program stays, EPERM where `old` is another than its own */
  update(next: BpfProg, old?: BpfProg): void {
    if (!this.#attachment.update) throw new KernelError('EINVAL', `${this.kind.name} links keep their program`);
    if (old !== undefined && old !== this.#prog) throw new KernelError('EPERM', 'the link has another program');
    if (next === this.#prog) return;
    this.#attachment.update(next);
    const before = this.#prog;
    this.#prog = next.get();
    before?.put();
  }
  /** BPF_LINK_UPDATE of a link that registers a map. @throws KernelError */
  replaceMap(next: BpfMap, old?: BpfMap): void {
    if (!this.#attachment.replaceMap) throw new KernelError('EINVAL', `${this.kind.name} links have no map`);
    if (!this.#attached) throw new KernelError('ENOLINK', 'the link was detached');
    this.#attachment.replaceMap(next, old);
  }
  get(): this {
    this.#refs++;
    return this;
  }
  put(): void {
    if (--this.#refs > 0) return;
    this.detach();
    this.freed.tell();
    this.#attachment.holds?.put?.();
    this.#prog?.put();
  }
  release(): void {
    this.put();
  }
}
