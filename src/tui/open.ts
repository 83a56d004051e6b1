/** From an object file and a recording to what the screens show: a session, or the story of a refusal. */
import type { Kernel } from '../../kernel-sim/index.ts';
import { logView, openOrRefused, Refused, type SessionOptions } from '../debug/index.ts';
import { SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE } from '../elf/index.ts';
import { BpfObject, inspectObject, type ObjectModel, targetOf } from '../object/index.ts';
import { lazy } from './lazy.ts';
import type { SectionRow, Story, Verdict } from './story.ts';
import { Tui } from './tui.ts';

/** @throws errors of opening and loading, but for the verifier's refusal: that is shown */
export async function openTui(options: SessionOptions): Promise<Tui> {
  const opened = await openOrRefused(options);
  if (opened instanceof Refused) {
    const { program, message, meaning, text, kernel } = opened;
    const object = BpfObject.open(options.object, { name: options.name });
    return new Tui(storyOf(options, kernel, object, text, { program, accepted: false, message, meaning }), undefined);
  }
  const [program] = opened.programs.list;
  const log = program?.loaded.handle.log ?? '';
  const verdict = { program: program?.name ?? '', accepted: true, message: '', meaning: undefined };
  return new Tui(storyOf(options, opened.kernel, opened.loaded.object, log, verdict), opened);
}

function storyOf(
  options: SessionOptions,
  kernel: Kernel,
  object: { readonly model: ObjectModel },
  log: string,
  verdict: Verdict,
): Story {
  const story = lazy<Story>({
    name: () => options.name,
    sections: () => sectionsOf(object),
    inspection: () => inspectObject(object.model, targetOf(kernel)),
    verdict: () => verdict,
    log: () => logView(log, verdict.accepted),
    source: () => options.source ?? (() => undefined),
    step: () => 0,
  });
  // where one stands, which is set: at what was refused first
  const step = verdict.accepted ? 0 : Math.max(0, story.log.steps.length - 1);
  return Object.defineProperty(story, 'step', { value: step, writable: true });
}

/** sh_type by its name (ELF-64 object file format, table 8; LLVM's own). */
const TYPES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'PROGBITS',
  2: 'SYMTAB',
  3: 'STRTAB',
  4: 'RELA',
  8: 'NOBITS',
  9: 'REL',
  1879002115: 'LLVM_ADDRSIG',
};

function sectionsOf(object: { readonly model: ObjectModel }): SectionRow[] {
  return object.model.elf.sections.slice(1).map((s): SectionRow => {
    const flag = (bit: number, letter: string): string => ((s.flags & bit) === 0 ? '' : letter);
    return {
      index: s.index,
      name: s.name,
      type: TYPES[s.type] ?? `0x${s.type.toString(16)}`,
      flags: flag(SHF_WRITE, 'W') + flag(SHF_ALLOC, 'A') + flag(SHF_EXECINSTR, 'X'),
      offset: s.offset,
      size: s.size,
    };
  });
}
