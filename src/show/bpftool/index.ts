/**
 * What bpftool shows, in its grammar, its text and its JSON, of what is in a kernel model: `prog show`, `prog dump`,
 * `map show`, `map dump`, `map lookup`, `link show`, `btf show`, `btf dump`.
 */

import type { Kernel } from '../../../kernel-sim/index.ts';
import { ArgumentError, checkArgument, checkOptions, type Schema } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { hexBytes } from '../../platform/index.ts';
import { type Json, type JsonStyle, jsonText } from '../json.ts';
import { Words } from './args.ts';
import { dumpBtf, showBtf } from './btf-commands.ts';
import { dumpPrograms } from './dump.ts';
import { linkJson, linkText } from './link.ts';
import { mapHead, mapJson, mapText } from './map.ts';
import { dumpMap, lookupText, split } from './map-dump.ts';
import { progJson, progText } from './prog.ts';
import { selectLink, selectMaps, selectProgs, single, withMap, withProg } from './select.ts';

export interface ShowOptions {
  /** default: text for people */
  readonly style?: JsonStyle;
  /** reads a file that a command names (`btf dump file vmlinux`) */
  readonly readFile?: (path: string) => Uint8Array;
}

const OPTIONS: Schema<ShowOptions> = { style: is.oneOf('text', 'plain', 'pretty'), readFile: is.callback };

interface Command {
  readonly kernel: Kernel;
  readonly words: Words;
  readonly style: JsonStyle;
  readonly readFile: ((path: string) => Uint8Array) | undefined;
}

const NS = 1_000_000_000n;

/** One, or all in a list. */
function listing(
  style: JsonStyle,
  all: readonly { readonly text: () => string; readonly json: () => Json }[],
  one: boolean,
): string {
  if (style === 'text') return all.map((a) => a.text()).join('');
  const values = all.map((a) => a.json());
  return `${jsonText(one && values.length === 1 ? (values[0] ?? null) : values, style)}\n`;
}

function showProgs({ kernel, words, style }: Command): string {
  const one = !words.isEnd;
  const ids = one ? selectProgs(kernel, words) : [...kernel.bpf.state.progs.all()].map((p) => p.id);
  words.end();
  const bootTime = Number(kernel.clock.bootRealtime / NS);
  const items = ids.map((id) =>
    withProg(kernel, id, ({ prog, xlated }) => {
      const shown = { prog, xlated: xlated.length, bootTime };
      return { text: () => progText(shown), json: () => progJson(shown) };
    }),
  );
  return listing(style, items, one);
}

function dumpProg({ kernel, words, style }: Command): string {
  const what = words.takeIf('xlated') ? 'xlated' : words.takeIf('jited') ? 'jited' : undefined;
  if (what === undefined)
    throw new ArgumentError('command', `expected xlated or jited, not '${words.peek ?? 'the end'}'`);
  const ids = selectProgs(kernel, words);
  const flags = { opcodes: false, linum: false, visual: false };
  while (!words.isEnd) {
    const flag = (['opcodes', 'linum', 'visual'] as const).find((f) => words.takeIf(f));
    if (flag === undefined)
      throw new ArgumentError('command', `expected opcodes, linum or visual, not '${words.peek}'`);
    flags[flag] = true;
  }
  return dumpPrograms(kernel, ids, { ...flags, what }, style);
}

function showMaps({ kernel, words, style }: Command): string {
  const one = !words.isEnd;
  const ids = one ? selectMaps(kernel, words) : [...kernel.bpf.state.maps.all()].map((m) => m.id);
  words.end();
  const items = ids.map((id) =>
    withMap(kernel, id, ({ map }) => ({ text: () => mapText(map), json: () => mapJson(map) })),
  );
  return listing(style, items, one);
}

function dumpMaps({ kernel, words, style }: Command): string {
  const ids = selectMaps(kernel, words);
  words.end();
  const [only, ...more] = ids;
  if (only !== undefined && more.length === 0) return withMap(kernel, only, (handle) => dumpMap(handle, style));
  // several of a name: each with its head
  return ids.map((id) => withMap(kernel, id, (handle) => mapHead(handle.map) + dumpMap(handle, style))).join('');
}

/** `map lookup MAP key DATA`: DATA is bytes as `[hex] B0 B1 ...` */
function lookup({ kernel, words, style }: Command): string {
  const id = single('map', selectMaps(kernel, words));
  if (!words.takeIf('key')) throw new ArgumentError('command', `expected key, not '${words.peek ?? 'the end'}'`);
  const base = words.takeIf('hex') ? 16 : 0;
  return withMap(kernel, id, (handle) => {
    const key = Uint8Array.from({ length: handle.keySize }, () => byteOf(words.take('a byte of the key'), base));
    words.end();
    const bytes = handle.lookup(key);
    if (!bytes) return style === 'text' ? `key:\n${hexBytes(key)}\n\nNot found\n` : 'null\n';
    return lookupText(handle, { key, values: split(handle, bytes) }, style);
  });
}

function byteOf(text: string, base: number): number {
  const digits = base === 16 && !/^0x/i.test(text) ? `0x${text}` : text;
  const n = /^(0x[0-9a-f]+|\d+)$/i.test(digits) ? Number(digits) : Number.NaN;
  if (!(n >= 0 && n < 256)) throw new ArgumentError('command', `'${text}' is no byte`);
  return n;
}

function showLinks({ kernel, words, style }: Command): string {
  const one = !words.isEnd;
  const links = kernel.bpf.state.links;
  const only = one ? links.get(selectLink(kernel, words)) : undefined;
  const all = one ? (only ? [only] : []) : [...links.all()];
  words.end();
  return listing(
    style,
    all.map((link) => ({ text: () => linkText(link), json: () => linkJson(link) })),
    one,
  );
}

const COMMANDS: Readonly<Record<string, (command: Command) => string>> = {
  'prog show': showProgs,
  'prog list': showProgs,
  'prog dump': dumpProg,
  'map show': showMaps,
  'map list': showMaps,
  'map dump': dumpMaps,
  'map lookup': lookup,
  'link show': showLinks,
  'link list': showLinks,
  'btf show': ({ kernel, words, style }) => showBtf(kernel, words, style),
  'btf list': ({ kernel, words, style }) => showBtf(kernel, words, style),
  'btf dump': ({ kernel, words, style, readFile }) => dumpBtf(kernel, words, style, readFile),
};

/**
 * What `bpftool WORDS` prints of this kernel, with a newline at its end. Options `-j`, `--json`, `-p`, `--pretty` may
 * stand in front.
 *
 * @throws ArgumentError for words that are no command or mean nothing, BpfError as bpf(2) fails
 */
export function bpftool(kernel: Kernel, command: readonly string[], options: ShowOptions = {}): string {
  checkArgument('kernel', kernel, is.holding('kernel: Kernel.boot() gives one', 'bpf', 'memory'));
  checkArgument('command', command, is.listOf(is.text));
  checkOptions('options', options, OPTIONS);
  let style = options.style ?? 'text';
  const words: string[] = [];
  for (const word of command) {
    if (word === '-j' || word === '--json') style = style === 'pretty' ? 'pretty' : 'plain';
    else if (word === '-p' || word === '--pretty') style = 'pretty';
    else words.push(word);
  }
  const [object = '', verb = 'show', ...rest] = words;
  const run = COMMANDS[`${object} ${verb}`];
  if (!run)
    throw new ArgumentError(
      'command',
      `'${words.join(' ')}' is none that is shown here; there are: ${Object.keys(COMMANDS).join(', ')}`,
    );
  return run({ kernel, words: new Words(rest), style, readFile: options.readFile });
}
