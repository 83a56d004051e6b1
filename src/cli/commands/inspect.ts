/** `ebpf-emu inspect`: everything an object file holds, for people; `--json` for machines. */
import { type Inspection, inspectObject, targetOf } from '../../object/index.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { plural } from '../style.ts';
import { table } from '../table.ts';
import { print } from '../terminal.ts';
import { valueText } from '../value.ts';

export interface InspectOptions extends KernelOptions {
  readonly json?: boolean;
}

export async function inspect(file: string, options: InspectOptions): Promise<void> {
  const kernel = await boot(options);
  const object = await openInput(file, kernel, options);
  const all = inspectObject(object.model, targetOf(kernel));
  const found =
    options.program === undefined
      ? all
      : ofPrograms(
          all,
          options.program.map((name) => object.program(name).name),
        );
  print(options.json ? `${JSON.stringify(found, null, 2)}\n` : text(found));
}

/** What of an object belongs to these programs: themselves, the functions that they call, and their relocations. */
function ofPrograms(all: Inspection, names: readonly string[]): Inspection {
  const programs = all.programs.filter((p) => names.includes(p.name));
  const functions = new Set([...names, ...programs.flatMap((p) => p.calls)]);
  const relocations = all.relocations.filter((r) => functions.has(r.function));
  const symbols = new Set(relocations.map((r) => r.symbol.replace(/\+.*$/, '')));
  return {
    ...all,
    programs,
    functions: all.functions.filter((f) => functions.has(f.name)),
    maps: all.maps.filter((m) => symbols.has(m.name)),
    globals: all.globals.filter((g) => relocations.some((r) => r.symbol.includes(`(${g.name})`))),
    externs: all.externs.filter((e) => symbols.has(e.name)),
    relocations,
    core: all.core.filter((c) => functions.has(c.function)),
  };
}

interface Part {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function text(found: Inspection): string {
  const out = [`${found.file}: licence ${found.license || 'none'}, ${plural(found.btfTypes, 'BTF type')}`];
  for (const part of parts(found)) {
    if (part.rows.length > 0) out.push('', part.title, ...table(part.head, part.rows));
  }
  if (found.warnings.length > 0) out.push('', 'Warnings', ...found.warnings.map((w) => `  ${w}`));
  return `${out.join('\n')}\n`;
}

const place = (where: string, insn: number): string => `${where}+${insn}`;

function parts(found: Inspection): Part[] {
  return [
    {
      title: 'Programs',
      head: ['name', 'section', 'type', 'instructions', 'calls', ''],
      rows: found.programs.map((p) => [
        p.name,
        p.section,
        p.type || 'unknown',
        `${p.linkedInstructions ?? p.instructions}`,
        p.calls.join(' '),
        [p.sleepable ? 'sleepable' : '', p.autoload ? '' : 'not loaded by itself', p.problem ?? '']
          .filter(Boolean)
          .join(', '),
      ]),
    },
    {
      title: 'Functions',
      head: ['name', 'section', 'instructions', 'binding'],
      rows: found.functions.map((f) => [f.name, f.section, `${f.instructions}`, f.binding]),
    },
    {
      title: 'Maps',
      head: ['name', 'type', 'key', 'value', 'entries', ''],
      rows: found.maps.map((m) => [
        m.name,
        m.type,
        m.key ?? plural(m.keySize, 'byte'),
        m.value ?? plural(m.valueSize, 'byte'),
        `${m.maxEntries}`,
        [
          m.inner ? `of ${m.inner.type}` : '',
          m.values.length > 0 ? `holds ${m.values.filter(Boolean).join(' ')}` : '',
          m.pinning === 'by_name' ? 'pinned by name' : '',
        ]
          .filter(Boolean)
          .join(', '),
      ]),
    },
    {
      title: 'Globals',
      head: ['section', 'offset', 'name', 'value'],
      rows: found.globals.map((g) => [
        g.section,
        `${g.offset}`,
        g.type.includes(g.name) ? g.type : `${g.type} ${g.name}`,
        valueText(g.value),
      ]),
    },
    {
      title: 'Externs',
      head: ['name', 'kind', 'type', 'in the kernel'],
      rows: found.externs.map((e) => [
        `${e.name}${e.weak ? ' (weak)' : ''}`,
        e.kind,
        e.type ?? '',
        e.resolved ?? 'not there',
      ]),
    },
    {
      title: 'Relocations',
      head: ['instruction', 'kind', 'of'],
      rows: found.relocations.map((r) => [place(r.function, r.insn), r.kind, r.symbol]),
    },
    {
      title: 'CO-RE relocations',
      head: ['instruction', 'kind', 'names', 'became'],
      rows: found.core.map((c) => [
        place(c.function, c.insn),
        c.kind,
        c.local,
        c.problem ??
          (c.to === null ? 'poisoned: the kernel has no such thing' : `${valueText(c.from)} -> ${valueText(c.to)}`),
      ]),
    },
  ];
}
