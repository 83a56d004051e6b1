/** `ebpf-emu prog show`, `map dump`, ...: objects are loaded and attached, then shown as bpftool shows them. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { bpftool, type JsonStyle } from '../../show/index.ts';
import { readMaybeGzip } from '../files.ts';
import { loadOptions } from '../loading.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { warn } from '../style.ts';
import { print } from '../terminal.ts';
import { openReplay } from './load-run.ts';

export interface BpftoolOptions extends KernelOptions {
  readonly json?: boolean;
  readonly pretty?: boolean;
  readonly replay?: string;
}

/** Objects stand among bpftool's words; not behind `file`, which names something to read. */
const isObject = (word: string, before: string | undefined): boolean =>
  /\.(?:o|c)$/.test(word) && !['file', 'name', 'pinned'].includes(before ?? '');

export async function show(
  command: readonly string[],
  words: readonly string[],
  options: BpftoolOptions,
): Promise<void> {
  const files = words.filter((word, n) => isObject(word, words[n - 1]));
  const rest = words.filter((word, n) => !isObject(word, words[n - 1]));
  const kernel = await boot(options);
  for (const file of files) await loadInto(kernel, file, options);
  if (options.replay !== undefined) {
    const recording = await openReplay({ replay: options.replay }, []);
    await kernel.replay(recording.open());
  }
  const style: JsonStyle = options.pretty ? 'pretty' : options.json ? 'plain' : 'text';
  print(bpftool(kernel, [...command, ...rest], { style, readFile: readMaybeGzip }));
}

async function loadInto(kernel: Kernel, file: string, options: KernelOptions): Promise<void> {
  const object = await openInput(file, kernel, options);
  const loaded = object.load(kernel, loadOptions(object, options));
  loaded.attach({ keepGoing: true, ifindex: kernel.net.devices.lo.index });
  for (const { why } of loaded.skipped) warn(`passed over: ${why}`);
}
