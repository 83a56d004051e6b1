/** How translated code gets at guest memory. */

/** How an address is turned into an offset in WebAssembly memory. */
export type AddressClass =
  /** the window of the direct map that is always readable and writable */
  | 'direct'
  /** the run of pages that holds the current stack */
  | 'stack'
  /** another run of pages that the host put into this slot: a vmalloc area, per-CPU data */
  | 'run1'
  | 'run2'
  | 'run3'
  | 'run4'
  | 'run5'
  | 'run6'
  | 'run7'
  /** anything that the software TLB has */
  | 'tlb';

/** Slot of a class that is a run of pages, -1 for the others. */
export const runSlot = (cls: AddressClass): number => {
  const c = cls.charCodeAt(cls.length - 1);
  return cls === 'stack' ? 0 : c < 0x3a ? c - 0x30 : -1;
};
/** Slots, the stack's included. */
export const RUN_SLOTS = 8;
