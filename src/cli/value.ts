/** Values of maps and variables as text: numbers, structures by field, bytes in hexadecimal. */
import { hexBytes } from '../platform/index.ts';

export function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return hexBytes(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${valueText(field)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return String(value);
}
