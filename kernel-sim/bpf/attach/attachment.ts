/** A program in its place, as its link holds it. */
import type { FdObject } from '../../core/fds.ts';
import type { ProbeLink } from '../../probe/types.ts';
import type { BpfMap } from '../maps/map.ts';
import type { BpfProg } from '../prog/prog.ts';

/**
 * A kind's part of `struct bpf_link_info` by the names of its members; a string or list stands for the pointer and the
 * length beside it.
 */
export interface LinkFields {
  readonly [member: string]: number | bigint | string | readonly bigint[] | LinkFields;
}

/** A program in its place. */
export interface Attachment {
  /** what was patched, where it was kernel text; several for a multi link */
  readonly probes?: readonly ProbeLink[];
  /** what must live as long as the link: its perf event */
  readonly holds?: FdObject;
  /** flags that it was made with, where information about it shows them */
  readonly flags?: number;
  /** what it keeps that may change, for marks */
  readonly state?: object;
  /** Takes the program out of its place. Called once. */
  detach(): void;
  /**
   * BPF_LINK_UPDATE: `next` runs from now on. Without it the kind's links keep their program.
   * @throws KernelError EPERM, EINVAL for a program that may not take the place
   */
  update?(next: BpfProg): void;
  /** BPF_LINK_UPDATE of a link that has a map: `next` takes its place. @throws KernelError */
  replaceMap?(next: BpfMap, old: BpfMap | undefined): void;
  /** BPF_ITER_CREATE, and open(2) of a pinned link: what is read from is another each time. */
  open?(): FdObject;
  /** What BPF_OBJ_GET_INFO_BY_FD tells of it besides type, id and program. */
  info?(): LinkFields;
  /** Lines of /proc/PID/fdinfo/N behind those of every link. */
  fdinfo?(): string;
}

/** What a link knows of its kind. */
export interface LinkKind {
  /** as libbpf's sections and the parity page call it */
  readonly name: string;
  /** BPF_LINK_DETACH is a command for its links: they are on something that may go away before them */
  readonly mayDetach?: true;
}
