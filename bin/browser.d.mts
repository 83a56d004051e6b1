import type { BuildOptions } from 'esbuild';

/** Packed data files and the folder that holds them. */
export const DATA: string;
export const dataFiles: readonly string[];
/** Options that make the library's bundle for browsers. */
export const browserBundle: BuildOptions;
