/** Where the kernel's heap puts things is no matter of a transcript; in packets addresses are little-endian. */
export const maskHeap = (text: string): string =>
  text.replace(/ffff8880[0-9a-f]{8}/g, 'ffff8880········').replace(/[0-9a-f]{8}8088ffff/g, '········8088ffff');
