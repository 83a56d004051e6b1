/** Numbers of the ELF-64 object file format (System V gABI, chapter 4; Linux Documentation/bpf/standardization) that BPF objects use. */

export const ELF_HEADER_SIZE = 64;
export const SECTION_HEADER_SIZE = 64;
export const SYMBOL_SIZE = 24;
export const REL_SIZE = 16;
export const RELA_SIZE = 24;

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const ET_REL = 1;
export const ET_EXEC = 2;
export const EM_X86_64 = 62;
export const EM_BPF = 247;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;

export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;

/** Reserved section indices of symbols. */
export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
export const SHN_XINDEX = 0xffff;

export const SYMBOL_BINDINGS = ['local', 'global', 'weak'] as const;
export const SYMBOL_TYPES = ['notype', 'object', 'func', 'section', 'file', 'common', 'tls'] as const;
export const SYMBOL_VISIBILITIES = ['default', 'internal', 'hidden', 'protected'] as const;

/** Relocation types of machine 247 (LLVM `ELFRelocs/BPF.def`; Documentation/bpf/llvm_reloc.rst). */
export const R_BPF_64_64 = 1;
export const R_BPF_64_ABS64 = 2;
export const R_BPF_64_ABS32 = 3;
export const R_BPF_64_NODYLD32 = 4;
export const R_BPF_64_32 = 10;

/** Names of the types above, for listings. */
export const SECTION_TYPE_NAMES: Readonly<Record<number, string>> = {
  [SHT_NULL]: 'NULL',
  [SHT_PROGBITS]: 'PROGBITS',
  [SHT_SYMTAB]: 'SYMTAB',
  [SHT_STRTAB]: 'STRTAB',
  [SHT_RELA]: 'RELA',
  [SHT_NOBITS]: 'NOBITS',
  [SHT_REL]: 'REL',
  1879002115: 'LLVM_ADDRSIG',
};

export const R_BPF_NAMES: Readonly<Record<number, string>> = {
  [R_BPF_64_64]: 'R_BPF_64_64',
  [R_BPF_64_ABS64]: 'R_BPF_64_ABS64',
  [R_BPF_64_ABS32]: 'R_BPF_64_ABS32',
  [R_BPF_64_NODYLD32]: 'R_BPF_64_NODYLD32',
  [R_BPF_64_32]: 'R_BPF_64_32',
};
