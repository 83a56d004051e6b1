/** Values of maps and variables as text: numbers, structures by field, bytes in hexadecimal. */
export function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return Array.from(value, (b) => b.toString(16).padStart(2, '0')).join(' ');
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, field]) => `${name}: ${valueText(field)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return String(value);
}
