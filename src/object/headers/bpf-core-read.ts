/** `bpf/bpf_core_read.h`: reads that are relocated by BTF, and questions about the kernel's types. Our own words, MIT. */

/** Steps that a chain `BPF_CORE_READ(src, a, b, ...)` may have. */
const MOST = 9;
const letters = 'abcdefghi'.split('');

/** `(s)->a->b` of n steps. */
const arrow = (n: number): string =>
  `(s)${letters
    .slice(0, n)
    .map((l) => `->${l}`)
    .join('')}`;

/** Macros that read a chain of n steps: each pointer on the way by `first`, the last value by `last`. */
function chains(): string {
  const out: string[] = [];
  for (let n = 1; n <= MOST; n++) {
    const params = letters.slice(0, n).join(', ');
    out.push(`#define __emu_arrow${n}(s, ${params}) ${arrow(n)}`);
    if (n === 1) {
      out.push('#define __emu_chain1(ptr, last, dst, s, a) last(dst, sizeof(*(dst)), &(s)->a);');
      continue;
    }
    // The pointer of each step is read into __p, whose type is that of the chain so far.
    const steps = letters.slice(0, n - 1).map((letter, k) => {
      const from = k === 0 ? '(s)' : `((typeof(${arrow(k)}))__p)`;
      return `ptr(&__p, sizeof(__p), &${from}->${letter});`;
    });
    out.push(
      `#define __emu_chain${n}(ptr, last, dst, s, ${params}) const void *__p; ${steps.join(' ')} last(dst, sizeof(*(dst)), &((typeof(${arrow(n - 1)}))__p)->${letters[n - 1]});`,
    );
  }
  return out.join('\n');
}

/** One family: INTO, STR_INTO and the value itself. */
function family(prefix: string, ptr: string, str: string): string {
  return `#define ${prefix}_INTO(dst, src, a, ...) ({ __emu_do(__emu_chain, a, ##__VA_ARGS__)(${ptr}, ${ptr}, dst, src, a, ##__VA_ARGS__) })
#define ${prefix}_STR_INTO(dst, src, a, ...) ({ __emu_do(__emu_chain, a, ##__VA_ARGS__)(${ptr}, ${str}, dst, src, a, ##__VA_ARGS__) })
#define ${prefix}(src, a, ...) ({ typeof(__emu_do(__emu_arrow, a, ##__VA_ARGS__)(src, a, ##__VA_ARGS__)) __r; ${prefix}_INTO(&__r, src, a, ##__VA_ARGS__); __r; })`;
}

export const bpfCoreRead = (): string => String.raw`#ifndef __EBPF_EMU_BPF_CORE_READ_H
#define __EBPF_EMU_BPF_CORE_READ_H

#include <bpf/bpf_helpers.h>

/* What clang's builtins are asked: numbers of enum bpf_core_relo_kind's parts */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0, BPF_FIELD_BYTE_SIZE = 1, BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3, BPF_FIELD_LSHIFT_U64 = 4, BPF_FIELD_RSHIFT_U64 = 5,
};
enum bpf_type_id_kind { BPF_TYPE_ID_LOCAL = 0, BPF_TYPE_ID_TARGET = 1 };
enum bpf_type_info_kind { BPF_TYPE_EXISTS = 0, BPF_TYPE_SIZE = 1, BPF_TYPE_MATCHES = 2 };
enum bpf_enum_value_kind { BPF_ENUMVAL_EXISTS = 0, BPF_ENUMVAL_VALUE = 1 };

#define __emu_field2(type, field) (((typeof(type) *)0)->field)
#define __emu_field1(field) field
#define __emu_core_field(...) __emu_paste(__emu_field, __emu_narg(__VA_ARGS__))(__VA_ARGS__)
#define bpf_core_field_exists(field...) __builtin_preserve_field_info(__emu_core_field(field), BPF_FIELD_EXISTS)
#define bpf_core_field_size(field...) __builtin_preserve_field_info(__emu_core_field(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) __builtin_preserve_field_info(__emu_core_field(field), BPF_FIELD_BYTE_OFFSET)
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_TARGET)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_EXISTS)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_MATCHES)
#define bpf_core_type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_SIZE)
#define bpf_core_enum_value_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_VALUE)

#define bpf_core_read(dst, size, src) bpf_probe_read_kernel((void *)(dst), size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user(dst, size, src) bpf_probe_read_user((void *)(dst), size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_str(dst, size, src) bpf_probe_read_kernel_str((void *)(dst), size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user_str(dst, size, src) bpf_probe_read_user_str((void *)(dst), size, (const void *)__builtin_preserve_access_index(src))

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define bpf_core_cast(ptr, type) ((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/* Bitfields: the word that holds one is read whole, and shifted by relocated amounts */
#define __emu_bitfield(s, field, info) __builtin_preserve_field_info((s)->field, BPF_FIELD_##info)
#define __emu_shifted(s, field, value) ({ \
	unsigned long long __v = (value); \
	__v <<= __emu_bitfield(s, field, LSHIFT_U64); \
	__emu_bitfield(s, field, SIGNED) ? (unsigned long long)((long long)__v >> __emu_bitfield(s, field, RSHIFT_U64)) \
					 : __v >> __emu_bitfield(s, field, RSHIFT_U64); })
#define BPF_CORE_READ_BITFIELD_PROBED(s, field) ({ \
	unsigned long long __word = 0; \
	bpf_probe_read_kernel(&__word, __emu_bitfield(s, field, BYTE_SIZE), (const void *)(s) + __emu_bitfield(s, field, BYTE_OFFSET)); \
	__emu_shifted(s, field, __word); })
#define BPF_CORE_READ_BITFIELD(s, field) ({ \
	const void *__at = (const void *)(s) + __emu_bitfield(s, field, BYTE_OFFSET); \
	unsigned long long __word = 0; \
	barrier_var(__at); \
	switch (__emu_bitfield(s, field, BYTE_SIZE)) { \
	case 1: __word = *(const unsigned char *)__at; break; \
	case 2: __word = *(const unsigned short *)__at; break; \
	case 4: __word = *(const unsigned int *)__at; break; \
	case 8: __word = *(const unsigned long long *)__at; break; \
	} \
	__emu_shifted(s, field, __word); })

/* Chains of pointers: BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino) */
${chains()}
#define __emu_do(macro, ...) __emu_paste(macro, __emu_narg(__VA_ARGS__))
${family('BPF_CORE_READ', 'bpf_core_read', 'bpf_core_read_str')}
${family('BPF_CORE_READ_USER', 'bpf_core_read_user', 'bpf_core_read_user_str')}
${family('BPF_PROBE_READ', 'bpf_probe_read_kernel', 'bpf_probe_read_kernel_str')}
${family('BPF_PROBE_READ_USER', 'bpf_probe_read_user', 'bpf_probe_read_user_str')}

#endif
`;
