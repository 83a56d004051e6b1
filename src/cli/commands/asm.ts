/** `ebpf-emu asm`: BPF text to instructions. */

import { writeObject } from '../../elf/index.ts';
import { AsmError, type Assembled, assemble, writeInsns } from '../../isa/index.ts';
import { UserError } from '../errors.ts';
import { readInput, writeOutput } from '../files.ts';
import { helperCall } from '../names.ts';
import { print } from '../terminal.ts';

export interface AsmCommandOptions {
  readonly output?: string;
  readonly section?: string;
  readonly license: string;
}

export function asm(file: string, options: AsmCommandOptions): void {
  const source = readInput(file).toString('utf8');
  const program = assembleFile(file, source);
  const insns = writeInsns(program.insns);
  const bytes = options.section === undefined ? insns : object(insns, program, options.section, options.license);
  if (options.output !== undefined) writeOutput(options.output, bytes);
  else if (options.section !== undefined) throw new UserError('an object is binary: say where it goes with -o FILE');
  else print(Buffer.from(insns).toString('hex').replace(/.{16}/g, '$&\n'));
}

function assembleFile(file: string, source: string): Assembled {
  try {
    return assemble(source, { call: helperCall });
  } catch (error) {
    if (error instanceof AsmError) throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
}

/** An object of one program; a label in front of the first instruction names it. */
function object(insns: Uint8Array, program: Assembled, section: string, license: string): Uint8Array {
  const name = [...program.labels].find(([, slot]) => slot === 0)?.[0] ?? 'main';
  const text = Buffer.from(`${license}\0`);
  return writeObject([
    { name: section, data: insns, exec: true, symbols: [{ name, value: 0, size: insns.length }] },
    { name: 'license', data: text, exec: false, symbols: [{ name: 'LICENSE', value: 0, size: text.length }] },
  ]);
}
