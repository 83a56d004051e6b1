/** Headers for C programs, as files below an include directory. `vmlinux.h` is made from the active BTF. */
import { type Btf, dumpC } from '../../btf/index.ts';
import { bpfCoreRead } from './bpf-core-read.ts';
import { bpfHelpers } from './bpf-helpers.ts';
import { bpfTracing } from './bpf-tracing.ts';
import { missingUapi } from './uapi.ts';

const bpfEndian = (): string => `#ifndef __EBPF_EMU_BPF_ENDIAN_H
#define __EBPF_EMU_BPF_ENDIAN_H
/* A little-endian machine: network order is the other one */
#define bpf_htons(x) __builtin_bswap16(x)
#define bpf_ntohs(x) __builtin_bswap16(x)
#define bpf_htonl(x) __builtin_bswap32(x)
#define bpf_ntohl(x) __builtin_bswap32(x)
#define bpf_cpu_to_be64(x) __builtin_bswap64(x)
#define bpf_be64_to_cpu(x) __builtin_bswap64(x)
#endif
`;

const END = '#endif /* __VMLINUX_H__ */\n';

/** The kernel's types, and the constants of bpf.h that they may lack. */
function vmlinux(btf: Btf): string {
  const text = dumpC(btf, undefined, { byteEnums: true });
  const missing = missingUapi(btf);
  return missing === '' ? text : `${text.slice(0, -END.length)}${missing}\n${END}`;
}

/** Path below the include directory, and what makes the file's text. */
export function headerFiles(btf: () => Btf): { readonly path: string; readonly text: () => string }[] {
  return [
    { path: 'vmlinux.h', text: () => vmlinux(btf()) },
    { path: 'bpf/bpf_helpers.h', text: bpfHelpers },
    { path: 'bpf/bpf_helper_defs.h', text: () => '#include <bpf/bpf_helpers.h>\n' },
    { path: 'bpf/bpf_tracing.h', text: bpfTracing },
    { path: 'bpf/bpf_core_read.h', text: bpfCoreRead },
    { path: 'bpf/bpf_endian.h', text: bpfEndian },
  ];
}
