/** What the verifier's rewrites put in the place of map operations. */
export { mapGenLookup } from './lookup.ts';
export { type MapOp, mapOpSymbol, mapOpsSymbol } from './ops.ts';
