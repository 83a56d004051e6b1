/**
 * The 19 kinds of BTF type and void, `BTF_KIND_*` of include/uapi/linux/btf.h
 * (Linux 6.12 Documentation/bpf/btf.rst, "2.2 Type Encoding").
 *
 *     struct btf_type { u32 name_off; u32 info; union { u32 size; u32 type; }; }
 *     info   bits 0..15 vlen   bits 24..28 kind   bit 31 kind_flag
 */
export const BTF_KINDS = [
  'void',
  'int',
  'ptr',
  'array',
  'struct',
  'union',
  'enum',
  'fwd',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'func_proto',
  'var',
  'datasec',
  'float',
  'decl_tag',
  'type_tag',
  'enum64',
] as const;

/** Name of a kind, as the kernel's names in lower case. */
export type BtfKind = (typeof BTF_KINDS)[number];

/** Number of a kind, `BTF_KIND_*`. */
export const BTF_KIND = Object.fromEntries(BTF_KINDS.map((name, n) => [name, n])) as Record<BtfKind, number>;

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;
/** Bytes of `struct btf_header`. */
export const BTF_HEADER_SIZE = 24;
/** Bytes of `struct btf_type`, before what its kind appends. */
export const BTF_TYPE_SIZE = 12;

/** Bytes that each element of a kind (vlen of them) takes after `struct btf_type`. */
export const BYTES_PER_ELEMENT: readonly number[] = BTF_KINDS.map((kind) => {
  switch (kind) {
    case 'struct':
    case 'union':
    case 'datasec':
    case 'enum64':
      return 12;
    case 'enum':
    case 'func_proto':
      return 8;
    default:
      return 0;
  }
});

/** Bytes that a kind takes after `struct btf_type` whatever its vlen. */
export const FIXED_EXTRA: readonly number[] = BTF_KINDS.map((kind) => {
  switch (kind) {
    case 'array':
      return 12;
    case 'int':
    case 'var':
    case 'decl_tag':
      return 4;
    default:
      return 0;
  }
});

/** `BTF_INT_*` encodings of an integer. */
export const BTF_INT_SIGNED = 1;
export const BTF_INT_CHAR = 2;
export const BTF_INT_BOOL = 4;

/** Linkage of functions and variables, `enum btf_func_linkage`, `BTF_VAR_*`. */
export const BTF_LINKAGES = ['static', 'global', 'extern'] as const;
export type BtfLinkage = (typeof BTF_LINKAGES)[number];
