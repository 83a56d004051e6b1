/** `bpf/bpf_tracing.h` for x86-64: registers by meaning, and programs with typed arguments. Our own words, MIT. */

/** Registers of the six arguments of a C function and of a system call. */
const C_ARGS = ['di', 'si', 'dx', 'cx', 'r8', 'r9'];
const SYSCALL_ARGS = ['di', 'si', 'dx', 'r10', 'r8', 'r9'];
/** Most arguments of a program's prototype. */
const MOST = 12;

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

/** `NAME_ctx3(x, args...)`: the context, then one expression for each of 3 arguments. */
function spread(name: string, first: (n: number) => string, most: number): string {
  return [
    `#define ${name}0() ctx`,
    ...range(most).map(
      (n) => `#define ${name}${n}(x${n > 1 ? ', args...' : ''}) ${name}${n - 1}(${n > 1 ? 'args' : ''}), ${first(n)}`,
    ),
  ].join('\n');
}

export const bpfTracing = (): string => String.raw`#ifndef __EBPF_EMU_BPF_TRACING_H
#define __EBPF_EMU_BPF_TRACING_H

#include <bpf/bpf_helpers.h>

/* vmlinux.h names registers as the kernel does (di), linux/ptrace.h as user space does (rdi) */
#if defined(__VMLINUX_H__) || defined(__KERNEL__)
#define __emu_reg(x) x
#define __emu_reg_r10 r10
#define __emu_reg_orig orig_ax
#else
#define __emu_reg(x) r##x
#define __emu_reg_r10 r10
#define __emu_reg_orig orig_rax
#endif
#define __emu_regs(x) ((const struct pt_regs *)(x))

${C_ARGS.map((reg, n) => `#define PT_REGS_PARM${n + 1}(x) (__emu_regs(x)->${reg.startsWith('r') ? reg : `__emu_reg(${reg})`})`).join('\n')}
#define PT_REGS_RET(x) (__emu_regs(x)->__emu_reg(sp))
#define PT_REGS_FP(x) (__emu_regs(x)->__emu_reg(bp))
#define PT_REGS_RC(x) (__emu_regs(x)->__emu_reg(ax))
#define PT_REGS_SP(x) (__emu_regs(x)->__emu_reg(sp))
#define PT_REGS_IP(x) (__emu_regs(x)->__emu_reg(ip))
${SYSCALL_ARGS.map((reg, n) => `#define PT_REGS_PARM${n + 1}_SYSCALL(x) (__emu_regs(x)->${reg.startsWith('r') ? reg : `__emu_reg(${reg})`})`).join('\n')}

/* The same through a CO-RE read, for registers that a pointer leads to */
#ifdef __VMLINUX_H__
#include <bpf/bpf_core_read.h>
${C_ARGS.map((reg, n) => `#define PT_REGS_PARM${n + 1}_CORE(x) BPF_CORE_READ(__emu_regs(x), ${reg})`).join('\n')}
${SYSCALL_ARGS.map((reg, n) => `#define PT_REGS_PARM${n + 1}_CORE_SYSCALL(x) BPF_CORE_READ(__emu_regs(x), ${reg})`).join('\n')}
#define PT_REGS_RET_CORE(x) BPF_CORE_READ(__emu_regs(x), sp)
#define PT_REGS_FP_CORE(x) BPF_CORE_READ(__emu_regs(x), bp)
#define PT_REGS_RC_CORE(x) BPF_CORE_READ(__emu_regs(x), ax)
#define PT_REGS_SP_CORE(x) BPF_CORE_READ(__emu_regs(x), sp)
#define PT_REGS_IP_CORE(x) BPF_CORE_READ(__emu_regs(x), ip)
#endif
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ({ bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)PT_REGS_RET(ctx)); })
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx) ({ bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)(PT_REGS_FP(ctx) + sizeof(ip))); })

#define __emu_apply2(macro, n) macro##n
#define __emu_apply(macro, n) __emu_apply2(macro, n)

${spread('__emu_ctx', (n) => `(void *)ctx[${n - 1}]`, MOST)}

/* int BPF_PROG(name, args...): arguments of fentry, fexit, tp_btf, raw_tp, lsm and struct_ops programs */
#define BPF_PROG(name, args...) \
	name(unsigned long long *ctx); \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args); \
	typeof(name(0)) name(unsigned long long *ctx) \
	{ \
		_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(__emu_apply(__emu_ctx, __emu_narg(args))(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args)

${spread('__emu_kprobe', (n) => `(unsigned long long)PT_REGS_PARM${n}(ctx)`, 6)}

#define __emu_on_regs(macro, name, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(__emu_apply(macro, __emu_narg(args))(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)

/* int BPF_KPROBE(name, args...): arguments of the function probed */
#define BPF_KPROBE(name, args...) __emu_on_regs(__emu_kprobe, name, ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)

/* int BPF_KRETPROBE(name, ret): its result */
#define __emu_kretprobe0() ctx
#define __emu_kretprobe1(x) ctx, (unsigned long long)PT_REGS_RC(ctx)
#define BPF_KRETPROBE(name, args...) __emu_on_regs(__emu_kretprobe, name, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)

/* int BPF_KSYSCALL(name, args...): arguments of a system call, through its wrapper's registers */
${spread('__emu_ksyscall', (n) => `(unsigned long long)PT_REGS_PARM${n}_CORE_SYSCALL(regs)`, 6)}
#define BPF_KSYSCALL(name, args...) \
	name(struct pt_regs *ctx); \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		struct pt_regs *regs __attribute__((unused)) = PT_REGS_SYSCALL_REGS(ctx); \
		_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(__emu_apply(__emu_ksyscall, __emu_narg(args))(args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

#endif
`;
