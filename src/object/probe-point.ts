/** `function+0x10`: a function and an offset in it, in C's notations. */
export function parseProbePoint(text: string): { func: string; offset: number } | undefined {
  const match = /^([A-Za-z0-9_.$@]+)(?:\+(0[xX][0-9a-fA-F]+|\d+))?$/.exec(text);
  if (!match) return undefined;
  const offset = match[2] ?? '0';
  return { func: match[1] as string, offset: /^0\d/.test(offset) ? Number.parseInt(offset, 8) : Number(offset) };
}
