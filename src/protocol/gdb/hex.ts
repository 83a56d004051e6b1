/** Numbers and binary data as gdb's packets write them; bytes in hexadecimal are the platform's. */

/** Little-endian, as the target has it. */
export function hexLittle(value: bigint, bytes: number): string {
  let out = '';
  let rest = BigInt.asUintN(8 * bytes, value);
  for (let n = 0; n < bytes; n++, rest >>= 8n) out += (rest & 0xffn).toString(16).padStart(2, '0');
  return out;
}
export function fromHexLittle(hex: string): bigint {
  const pairs = hex.match(/../g) ?? [];
  return BigInt(`0x${pairs.reverse().join('') || '0'}`);
}
/** One character a byte. */
export const binary = (bytes: Uint8Array): string => {
  let out = '';
  for (const byte of bytes) out += String.fromCharCode(byte);
  return out;
};
export const fromBinary = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
