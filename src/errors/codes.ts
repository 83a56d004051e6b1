/** Codes of the typed errors. They stay the same from version to version; docs/errors.md is written from here. */

export interface ErrorRow {
  /** the class that carries the code */
  readonly thrown: string;
  readonly meaning: string;
  /** what to do next, where the error itself cannot say more */
  readonly hint: string;
}

const row = (thrown: string, meaning: string, hint: string): ErrorRow => ({ thrown, meaning, hint });

export const ERROR_CODES = {
  ERR_ARGUMENT: row(
    'ArgumentError',
    'an argument of the API is missing, of the wrong type, out of its range, or an option that does not exist',
    'see the type of the function that was called, or docs/api.md',
  ),
  ERR_ASM: row('AsmError', 'BPF assembly text cannot be assembled', 'correct the line that the message names'),
  ERR_BOOT: row(
    'BootError',
    'a kernel cannot be booted from what was given: symbols or types of another kernel, or a package without its data',
    'take the files from one and the same kernel, as root (/proc/kallsyms, /sys/kernel/btf/vmlinux)',
  ),
  ERR_BPF: row(
    'BpfError',
    'a bpf(2) command failed as it fails on Linux; `errno` has the error number, `log` what the verifier or BTF parser wrote',
    'see what `errno` means for the command; where a program was refused, read the log: logLevel 2 has every instruction',
  ),
  ERR_BTF: row('BtfError', 'BTF data is malformed', 'compile again with clang -g, or strip .BTF from the object'),
  ERR_CAPTURE: row(
    'CaptureError',
    'a file of packets is neither pcap nor pcapng, or damaged',
    'give what tcpdump -w or wireshark wrote',
  ),
  ERR_CLANG: row(
    'ClangError',
    'clang is missing, or refused the source; `diagnostics` has its words',
    'correct the source where clang points, or install clang',
  ),
  ERR_CORE: row(
    'CoreError',
    'a CO-RE relocation cannot be made for the active kernel',
    'give the BTF of the kernel that the program is for, or guard the access with bpf_core_field_exists()',
  ),
  ERR_DEBUG: row(
    'DebugError',
    'the debugger was asked for what is not there',
    'look at what there is: info breakpoints, info maps, list; names are completed at the prompt',
  ),
  ERR_ELF: row(
    'ElfError',
    'an object file is not ELF for BPF, or damaged; `section` and `offset` say where',
    'give what clang -target bpf -c wrote',
  ),
  ERR_FILE: row(
    'FileError',
    "a file cannot be read or written; `errno` has the host's error number",
    'check the path, and who may read or write there',
  ),
  ERR_GUEST_FAULT: row(
    'GuestFault',
    'guest memory was read or written at an address that the page table does not allow; `address` says which',
    'take addresses from the kernel model: symbols, maps, tasks',
  ),
  ERR_GUEST_MEMORY: row(
    'OutOfMemory',
    "the guest's memory is used up, or of a size that a kernel cannot have",
    'boot with more: the option memory, --memory on the command line',
  ),
  ERR_GZIP: row(
    'GzipError',
    'gzip data is damaged, or unpacks to more than is taken',
    'give the file unpacked, or fetch it again',
  ),
  ERR_HOST: row(
    'HostError',
    'this system cannot do what running programs of the host needs',
    'run it on Linux, or replay a recording',
  ),
  ERR_JIT: row(
    'JitError',
    'the JIT cannot translate an instruction, which the verifier would have refused',
    'load the program with the verifier',
  ),
  ERR_KERNEL: row(
    'KernelError',
    'an operation of the kernel other than bpf(2) failed; `errno` has the error number',
    'the message names what was asked for, and what is near where a name is unknown',
  ),
  ERR_MACHINE_BUSY: row(
    'MachineBusy',
    'a kernel was to be saved, restored or called in the middle of something else that it does',
    'wait for the run to end, or to pause between two slices',
  ),
  ERR_NAME: row(
    'UnknownNameError',
    'a name is none of a list that is known: program types, map types, attach types',
    'take a name that the message offers, or the number',
  ),
  ERR_NOT_MODELLED: row(
    'NotModelledError',
    'Linux has it, and this model does not; `what` names it',
    'docs/parity.md lists what is modelled',
  ),
  ERR_OBJECT: row(
    'ObjectError',
    'an object cannot be opened, relocated, loaded or attached; `object` and `part` say where',
    'correct the part that the message names, and compile again',
  ),
  ERR_TEST: row(
    'TestFailure',
    'what a test asserts of a program does not hold',
    'the message says what is there; docs/testing.md has recipes',
  ),
  ERR_USAGE: row(
    'UserError',
    'what a command was given cannot be used (command line only)',
    'ebpf-emu COMMAND --help tells what it takes',
  ),
  ERR_X86: row(
    'X86EncodeError',
    'x86 assembly text cannot be encoded',
    'correct the instruction that the message names',
  ),
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type ErrorCode = keyof typeof ERROR_CODES;
