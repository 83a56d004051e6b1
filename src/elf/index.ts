export * from './constants.ts';
export { ElfError } from './error.ts';
export { Executable, type ExecutableSymbol, PF_R, PF_W, PF_X, PT_LOAD, type Segment } from './executable.ts';
export { ElfFile, type ElfRelocation, type ElfSymbol } from './file.ts';
export { sectionBytes } from './find-section.ts';
export type { ElfSection } from './header.ts';
export { type UsdtNote, usdtNotes } from './stapsdt.ts';
export { type SectionInput, writeObject } from './write.ts';
export { type ImageSection, type ImageSymbol, writeImage } from './write-image.ts';
