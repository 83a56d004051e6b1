/**
 * Writes docs/parity.md from the tables that the code runs on, so that it cannot claim what is not
 * there. `npm run docs` writes it; a test says when it is stale.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ATTACH_KINDS, kindsOf } from '../../kernel-sim/bpf/attach/table.ts';
import { isModelled } from '../../kernel-sim/bpf/helpers/bodies/index.ts';
import { FUNC_MAX_ID, helperName, helperRows } from '../../kernel-sim/bpf/helpers/index.ts';
import { kfuncNames } from '../../kernel-sim/bpf/kfuncs/index.ts';
import { MAP_KINDS } from '../../kernel-sim/bpf/maps/table.ts';
import { progTypeRow } from '../../kernel-sim/bpf/prog/types.ts';
import { TRACEPOINTS } from '../../kernel-sim/data/tracepoints.ts';
import { Kernel, syscalls } from '../../kernel-sim/index.ts';
import { SECTION_RULES } from '../../src/object/index.ts';
import { ATTACH_KIND_ROWS, MAP_TYPES, PROG_TYPES } from '../../src/uapi/index.ts';
import { heldAgainst } from './held-against.ts';

export const parityPath = new URL('../../docs/parity.md', import.meta.url);

const yes = (condition: boolean): string => (condition ? 'yes' : 'no');
const rows = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function maps(): string {
  return rows(
    ['map type', 'here'],
    MAP_TYPES.slice(1).map((name, n) => {
      const kind = MAP_KINDS.get(n + 1);
      return [`\`${name}\``, kind ? (kind.note ?? 'yes') : 'no'];
    }),
  );
}

/** The verifier or the JIT puts instructions in their place. */
const INLINE = new Set(['tail_call']);

/** Every function that calls of a helper may reach has a body. */
const modelled = (id: number): boolean =>
  INLINE.has(helperName(id)) ||
  helperRows(id).every((row) => row.symbol === null || isModelled(row.symbol ?? `bpf_${row.name}`));

/** Why a helper has no body: a load that calls it is refused by name. */
const REFUSED: Readonly<Record<string, string>> = {
  rc_repeat: 'CONFIG_BPF_LIRC_MODE2 is off in this configuration, so Linux refuses it too',
  rc_keydown: 'as rc_repeat',
  rc_pointer_rel: 'as rc_repeat',
};

const GOLDENS = new URL('../kernel-sim/bpf/', import.meta.url);
const golden = (path: string): string => readFileSync(new URL(path, GOLDENS), 'utf8');

/** Names of helpers that calls recorded on Linux reach: in scripts by name, in programs by number. */
function recorded(): ReadonlySet<string> {
  const scripts = readdirSync(new URL('calls', GOLDENS)).filter((file) => file.endsWith('.golden.txt'));
  const named = scripts.flatMap((file) => [...golden(`calls/${file}`).matchAll(/\b([a-z0-9_]+)\(/g)].map((m) => m[1]));
  const programs = golden('golden/helpers.golden.jsonl').matchAll(/"((?:[0-9a-f]{16})+)"/g);
  const insns = [...programs].flatMap((m) => m[1]?.match(/.{16}/g) ?? []);
  const ids = insns.filter((insn) => insn.startsWith('85000000')).map((insn) => Number.parseInt(insn.slice(8, 10), 16));
  return new Set([...named.filter((name) => name !== undefined), ...ids.map(helperName)]);
}

function helpers(): string {
  const ids = Array.from({ length: FUNC_MAX_ID - 1 }, (_, n) => n + 1);
  const lacking = ids.filter((id) => !modelled(id)).map(helperName);
  const isRecorded = recorded();
  const unrecorded = ids.map(helperName).filter((name) => !isRecorded.has(name));
  return [
    `All ${ids.length} prototypes are known to the verifier, for the program types that Linux allows them.`,
    `${ids.length - lacking.length} of ${ids.length} have bodies; calls of ${ids.length - unrecorded.length} are held against Linux's recorded answers by`,
    '`test/kernel-sim/bpf/calls` and `test/kernel-sim/bpf/helper-bodies.test.ts`. The others without a body:',
    '',
    ...lacking.map((name) => `- \`${name}\`: ${REFUSED[name] ?? 'a program that reaches it stops, and says so'}`),
    '',
    `Without recorded calls in these two (recorded sequences, objects and fixtures run some of them): ${unrecorded
      .filter((name) => !lacking.includes(name))
      .map((name) => `\`${name}\``)
      .join(' ')}.`,
  ].join('\n');
}

/** Kernel functions by BTF id. */
function kfuncs(): string {
  const names = kfuncNames();
  const lacking = names.filter((name) => !isModelled(name));
  const rest =
    lacking.length === 0
      ? ''
      : ` The others stop a program that reaches them: ${lacking.map((n) => `\`${n}\``).join(' ')}.`;
  return `${names.length - lacking.length} of ${names.length} functions of vmlinux's BTF sets have bodies (\`test/kernel-sim/bpf/kfunc-bodies.test.ts\`).${rest}`;
}

function programs(): string {
  return rows(
    ['program type', 'verified', 'test run', 'attached to the model'],
    PROG_TYPES.slice(1).map((name, n) => [
      `\`${name}\``,
      yes(progTypeRow(n + 1) !== undefined),
      yes(progTypeRow(n + 1)?.testRun !== undefined),
      kindsOf(n + 1)
        .map((kind) => kind.name)
        .join(', ') || 'no',
    ]),
  );
}

function kinds(): string {
  const here = new Set(ATTACH_KINDS.map(({ name }) => name));
  return rows(
    ['kind', 'since Linux', 'link', 'here'],
    ATTACH_KIND_ROWS.map(({ name, since, link }) => [
      `\`${name}\``,
      since ?? '',
      link === undefined ? 'none' : `\`${link}\``,
      yes(here.has(name)),
    ]),
  );
}

const kernel = await Kernel.boot();
/** Tracepoints that some kernel text has a site of. */
const events = (): string =>
  Object.keys(TRACEPOINTS)
    .filter((event) => kernel.text.maker.fires(event))
    .map((event) => `\`${event}\``)
    .join(' ');

/** The whole document. */
export function parityText(): string {
  return `# Parity with Linux 6.12

What Linux 6.12 (x86-64, Debian's configuration) has, and what works here. Made from the code's own
tables by \`npm run docs\`. What is missing fails by name.

## Held against the real thing

${rows(['what', 'against', 'result', 'test'], heldAgainst)}

## Program types

${programs()}

## Ways to attach

${kinds()}

## Maps

${maps()}

## Helpers

${helpers()}

## Kernel functions

${kfuncs()}

## Sections

All ${SECTION_RULES.length} section names of libbpf 1.5 are recognised; those whose program type cannot be attached
to the model say so when they are attached.

## The kernel

| | |
| --- | --- |
| system calls | ${syscalls.length} entries, each reached through \`entry_SYSCALL_64\` and \`do_syscall_64\` |
| symbols | of Linux 6.12.117, at its addresses; every function that ftrace can hook can be probed. Of one that no modelled path calls, attaching says that it is never hit |
| tracepoints | fire: ${events()} |
| | any other of Linux's attaches, and says that only lines of a recording make it happen (\`perf script\`, ftrace, trace-cmd), with the fields that they print |
| other kernels | symbols by \`--kallsyms\`, types by \`--btf\` |

## Hosts

| host | |
| --- | --- |
| Linux, x86-64 | \`.ci/run\`, Node 20 and later |
| browsers | the bundle gives Node's bytes in a context without Node's globals (\`test/platform/browser.test.ts\`); in the browsers themselves untested |
| macOS, Windows, Linux on ARM | a workflow for macOS and Windows is there (\`.github/workflows/ci.yml\`) and has not run yet: untested |

## Not modelled

Socket attachment from a process (its programs run by
\`prog run\`, or where \`kernel.net.socketFilters\` hangs them), struct_ops in action, perf events from hardware
counters, interrupts other than those that the modelled paths raise, constant blinding
(\`bpf_jit_harden\`), call-depth accounting and FineIBT in the JIT.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(parityPath, parityText());
