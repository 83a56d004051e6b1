/** What a structure of functions that programs may fill is to the kernel (`struct bpf_struct_ops`, include/linux/bpf.h, Linux 6.12). */
import type { Addr } from '../../../src/machine/addr.ts';
import type { PlacesFloor } from '../../floors/places.ts';

/** What keeps a structure's programs while somebody uses them. */
export interface OpsOwner {
  get(): unknown;
  put(): void;
}

/** Where filled structures are registered. Each may throw a KernelError. */
export interface OpsRegistry {
  validate(ops: Addr): void;
  add(ops: Addr, owner: OpsOwner): void;
  remove(ops: Addr): void;
  replace(ops: Addr, old: Addr, owner: OpsOwner): void;
}

export interface StructOpsRow {
  /** members that the kernel has no stub for, and so refuses programs */
  readonly unsupported: readonly string[];
  /** members that are no functions, and yet may be set: what the kernel takes of the bytes; undefined refuses them */
  readonly values: { readonly [member: string]: (given: Uint8Array) => Uint8Array | undefined };
  /** none: it is for test runs alone, and registering answers EOPNOTSUPP */
  readonly registry?: (kernel: PlacesFloor) => OpsRegistry;
}
