export { checkClassic } from './check.ts';
export { type Converted, convertClassic } from './convert.ts';
export {
  ClassicError,
  looksLikeFilters,
  parseFilters,
  parseTcpdump,
  readFilters,
  type SockFilter,
  writeFilters,
} from './filter.ts';
export type { ClassicKernel } from './registers.ts';
