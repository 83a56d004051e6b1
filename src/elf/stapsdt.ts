/**
 * USDT probes of an executable: the notes that systemtap's `sys/sdt.h` leaves in `.note.stapsdt`
 * (https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation):
 *
 *     namesz descsz type=3 "stapsdt\0"   pc base semaphore (8 bytes each)   provider\0 name\0 arguments\0
 */
import { ElfError } from './error.ts';
import type { Executable } from './executable.ts';
import { stringAt } from './strings.ts';

const NT_STAPSDT = 3;
const OWNER = 'stapsdt';
const HEADER = 12;

export interface UsdtNote {
  readonly provider: string;
  readonly name: string;
  /** as the assembler wrote them: `-4@%edi 8@-8(%rbp)` */
  readonly args: string;
  /** address as linked of the nop */
  readonly address: number;
  /** address as linked of the counter of those who look, 0 where it has none */
  readonly semaphore: number;
}

const aligned = (bytes: number): number => (bytes + 3) & ~3;

/** Its notes, in the file's order. @throws ElfError where a note lies beyond the section's end */
export function usdtNotes(file: Executable): UsdtNote[] {
  const section = file.section('.note.stapsdt');
  if (section === undefined) return [];
  const view = new DataView(section.buffer, section.byteOffset, section.length);
  const base = file.sectionAddress('.stapsdt.base');
  const notes: UsdtNote[] = [];
  for (let at = 0; at + HEADER <= section.length; ) {
    const [nameSize, size, type] = [0, 4, 8].map((o) => view.getUint32(at + o, true)) as [number, number, number];
    const desc = at + HEADER + aligned(nameSize);
    const next = desc + aligned(size);
    if (next > section.length || next <= at)
      throw new ElfError(file.name, 'a note lies beyond the end', { section: '.note.stapsdt', offset: at });
    if (type === NT_STAPSDT && stringAt(section, at + HEADER) === OWNER && size >= 24) {
      const word = (n: number): number => Number(view.getBigUint64(desc + 8 * n, true));
      const strings = section.subarray(desc + 24, desc + size);
      const provider = stringAt(strings, 0);
      const name = provider === undefined ? undefined : stringAt(strings, provider.length + 1);
      if (provider === undefined || name === undefined)
        throw new ElfError(file.name, 'a note without provider and name', { section: '.note.stapsdt', offset: at });
      const args = stringAt(strings, provider.length + name.length + 2) ?? '';
      // what moved the file after linking moved the base too
      const moved = base === undefined || word(1) === 0 ? 0 : base - word(1);
      const semaphore = word(2);
      notes.push({
        provider,
        name,
        args,
        address: word(0) + moved,
        semaphore: semaphore === 0 ? 0 : semaphore + moved,
      });
    }
    at = next;
  }
  return notes;
}
