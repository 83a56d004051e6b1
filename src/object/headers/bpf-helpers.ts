/** `bpf/bpf_helpers.h`: the macros and declarations that BPF programs written for libbpf use, in our own words. MIT. */
import { HELPER_PROTOTYPES } from './helper-prototypes.ts';

/** Structures that prototypes name: declared, where the program does not define them. */
function forwards(): string {
  const names = new Set([...HELPER_PROTOTYPES.matchAll(/struct (\w+)/g)].map((m) => `struct ${m[1]};`));
  return [...names].sort().join('\n');
}

/** `static void *(*const f)(...) = (void *)1;` of each helper: clang makes a call of that number of it. */
function prototypes(): string {
  return HELPER_PROTOTYPES.trim()
    .split('\n')
    .map((line) => {
      const [, number, result, name, args] = /^(\d+) (.*?)(bpf_\w+)\((.*)\)$/.exec(line) ?? [];
      return `static ${result}(*const ${name})(${args}) __attribute__((unused)) = (void *)${number};`;
    })
    .join('\n');
}

export const bpfHelpers = (): string => String.raw`#ifndef __EBPF_EMU_BPF_HELPERS_H
#define __EBPF_EMU_BPF_HELPERS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#include <linux/bpf.h>
#endif

${forwards()}

${prototypes()}

/* Sections and attributes */
#define SEC(name) \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wignored-attributes\"") \
	__attribute__((section(name), used)) _Pragma("GCC diagnostic pop")
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#define __hidden __attribute__((visibility("hidden")))
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* Maps of SEC(".maps") */
#define __uint(name, value) int (*name)[value]
#define __type(name, type) typeof(type) *name
#define __array(name, type) typeof(type) *name[]
#define __emu_paste2(a, b) a##b
#define __emu_paste(a, b) __emu_paste2(a, b)
#define __ulong(name, value) enum { __emu_paste(__unique_value, __COUNTER__) = value } name
enum libbpf_pin_type { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };
enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

/* C */
#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#endif
#ifndef container_of
#define container_of(ptr, type, member) ({ void *__member = (void *)(ptr); (type *)(__member - offsetof(type, member)); })
#endif
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif
#define __bpf_unreachable() __builtin_trap()
#define bpf_ksym_exists(sym) ({ _Static_assert(!__builtin_constant_p(!!sym), #sym " should be __weak"); !!sym; })

/* A tail call with a constant index, so that the kernel can patch it into a jump. */
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const __u32 slot)
{
	asm volatile("r1 = %[ctx]\n\tr2 = %[map]\n\tr3 = %[slot]\n\tcall 12"
		     :: [ctx] "r"(ctx), [map] "r"(map), [slot] "i"(slot)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
}

/* Printing: to trace_pipe, to strings, to sequence files */
#define __emu_nth(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, N, ...) N
#define __emu_narg(...) __emu_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define __emu_fill0(arr, p, x) do {} while (0)
#define __emu_fill1(arr, p, x) arr[p] = (unsigned long long)(x)
#define __emu_fill2(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill1(arr, p + 1, __VA_ARGS__)
#define __emu_fill3(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill2(arr, p + 1, __VA_ARGS__)
#define __emu_fill4(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill3(arr, p + 1, __VA_ARGS__)
#define __emu_fill5(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill4(arr, p + 1, __VA_ARGS__)
#define __emu_fill6(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill5(arr, p + 1, __VA_ARGS__)
#define __emu_fill7(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill6(arr, p + 1, __VA_ARGS__)
#define __emu_fill8(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill7(arr, p + 1, __VA_ARGS__)
#define __emu_fill9(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill8(arr, p + 1, __VA_ARGS__)
#define __emu_fill10(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill9(arr, p + 1, __VA_ARGS__)
#define __emu_fill11(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill10(arr, p + 1, __VA_ARGS__)
#define __emu_fill12(arr, p, x, ...) arr[p] = (unsigned long long)(x); __emu_fill11(arr, p + 1, __VA_ARGS__)
#define __emu_fill(arr, ...) __emu_paste(__emu_fill, __emu_narg(__VA_ARGS__))(arr, 0, __VA_ARGS__)
#define __emu_params(name, ...) \
	unsigned long long name[__emu_narg(__VA_ARGS__) ?: 1]; \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
	__emu_fill(name, ##__VA_ARGS__); \
	_Pragma("GCC diagnostic pop")

#ifdef BPF_NO_GLOBAL_DATA
#define __emu_fmt
#else
#define __emu_fmt static const
#endif
#define __emu_trace_printk(fmt, ...) ({ __emu_fmt char ____fmt[] = fmt; bpf_trace_printk(____fmt, sizeof(____fmt), ##__VA_ARGS__); })
#define __emu_trace_vprintk(fmt, ...) ({ \
	static const char ____fmt[] = fmt; __emu_params(____args, ##__VA_ARGS__) \
	bpf_trace_vprintk(____fmt, sizeof(____fmt), ____args, sizeof(____args)); })
#define __emu_pick_printk(...) __emu_nth(_, ##__VA_ARGS__, __emu_trace_vprintk, __emu_trace_vprintk, __emu_trace_vprintk, \
	__emu_trace_vprintk, __emu_trace_vprintk, __emu_trace_vprintk, __emu_trace_vprintk, __emu_trace_vprintk, \
	__emu_trace_vprintk, __emu_trace_printk, __emu_trace_printk, __emu_trace_printk, __emu_trace_printk)
#define bpf_printk(fmt, args...) __emu_pick_printk(args)(fmt, ##args)
#define BPF_SNPRINTF(out, out_size, fmt, args...) ({ \
	static const char ___fmt[] = fmt; __emu_params(___args, ##args) \
	bpf_snprintf(out, out_size, ___fmt, ___args, sizeof(___args)); })
#define BPF_SEQ_PRINTF(seq, fmt, args...) ({ \
	static const char ___fmt[] = fmt; __emu_params(___args, ##args) \
	bpf_seq_printf(seq, ___fmt, sizeof(___fmt), ___args, sizeof(___args)); })

/* Loops that the verifier follows without walking each round */
struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;
#ifndef bpf_for_each
#define bpf_for_each(type, cur, args...) for ( \
	struct bpf_iter_##type ___it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))), \
	*___p __attribute__((unused)) = (bpf_iter_##type##_new(&___it, ##args), (void)bpf_iter_##type##_destroy, (void *)0); \
	(((cur) = bpf_iter_##type##_next(&___it)));)
#endif
#ifndef bpf_for
#define bpf_for(i, start, end) for ( \
	struct bpf_iter_num ___it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
	*___p __attribute__((unused)) = (bpf_iter_num_new(&___it, (start), (end)), (void)bpf_iter_num_destroy, (void *)0); \
	({ int *___t = bpf_iter_num_next(&___it); (___t ? ((i) = *___t, (i) >= (start) && (i) < (end)) : 0); });)
#endif
#ifndef bpf_repeat
#define bpf_repeat(N) for ( \
	struct bpf_iter_num ___it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
	*___p __attribute__((unused)) = (bpf_iter_num_new(&___it, 0, (N)), (void)bpf_iter_num_destroy, (void *)0); \
	bpf_iter_num_next(&___it);)
#endif

#endif
`;
