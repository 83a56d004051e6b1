/** `ebpf-emu dump xlated --annotate`: C, BPF, the verifier's states and x86 beside each other, as text, HTML or JSON. */
import { basename } from 'node:path';
import { encodeUtf8 } from '../../platform/index.ts';
import { annotate, annotatedHtml, annotatedText } from '../../show/index.ts';
import { writeOutput } from '../files.ts';
import { loadOptions } from '../loading.ts';
import { boot, openInput } from '../session.ts';
import { stage } from '../style.ts';
import { print } from '../terminal.ts';
import type { DumpOptions } from './dump-options.ts';

/** the verifier's log with its states */
const STATES = 2;

export async function dumpAnnotated(file: string, options: DumpOptions): Promise<void> {
  const kernel = await boot({ ...options, engine: 'jit' });
  const object = await openInput(file, kernel, options);
  const loaded = object.load(kernel, { ...loadOptions(object, options), logLevel: STATES });
  const programs = Object.values(loaded.programs).map((p) => annotate(kernel, p, object.model.btf));
  if (options.html !== undefined) {
    writeOutput(options.html, encodeUtf8(annotatedHtml(basename(file), programs)));
    stage('html', `${file} to ${options.html}`);
  } else if (options.json) print(`${JSON.stringify(programs, null, 2)}\n`);
  else print(programs.map(annotatedText).join('\n'));
}
