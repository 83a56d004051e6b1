/** `bpftool prog show`: programs, a paragraph each, or JSON (bpftool-prog(8)). */
import type { BpfProg } from '../../../kernel-sim/bpf/prog/prog.ts';
import { progTypeName } from '../../uapi/index.ts';
import type { Json } from '../json.ts';
import { fdinfoField } from './fdinfo.ts';
import { timeText } from './time.ts';

/** names that the kernel keeps whole */
const NAME_LENGTH = 15;

/** The program's name; where the kernel had to cut it, that of its function. */
export function fullName(prog: BpfProg): string {
  const { name, btfObject } = prog;
  const info = prog.init.funcInfo[0];
  if (name.length < NAME_LENGTH || !btfObject || !info) return name;
  const func = btfObject.btf.typeById(info.typeId);
  return func.kind === 'func' && func.name.startsWith(name) ? func.name : name;
}

interface Shown {
  readonly prog: BpfProg;
  /** bytes after the verifier's rewrites */
  readonly xlated: number;
  /** wall clock at boot, s since 1970 */
  readonly bootTime: number;
}

const jitedBytes = (prog: BpfProg): number =>
  prog.jited ? prog.placed.reduce((sum, f) => sum + f.bytes.length, 0) : 0;
const loadedAt = ({ prog, bootTime }: Shown): number => bootTime + Math.trunc(Number(prog.init.loadTime) / 1e9);

/** The first line: `6: xdp  name count  tag fd6adf6a66c67fa8  gpl` */
export function progHead(prog: BpfProg): string {
  const name = fullName(prog);
  const { init } = prog;
  return [
    `${prog.id}: ${progTypeName(prog.type)}  ${name ? `name ${name}  ` : ''}tag ${init.tag}`,
    init.gpl ? '  gpl' : '',
    prog.runTime > 0n ? ` run_time_ns ${prog.runTime} run_cnt ${prog.runCount}` : '',
    prog.recursionMisses > 0 ? ` recursion_misses ${prog.recursionMisses}` : '',
  ].join('');
}

/** The same for JSON. */
export function progHeadJson(prog: BpfProg): { readonly [name: string]: Json | undefined } {
  return {
    id: prog.id,
    type: progTypeName(prog.type),
    name: fullName(prog) || undefined,
    tag: prog.init.tag,
    gpl_compatible: prog.init.gpl,
    run_time_ns: prog.runTime > 0n ? prog.runTime : undefined,
    run_cnt: prog.runTime > 0n ? prog.runCount : undefined,
    recursion_misses: prog.recursionMisses > 0 ? prog.recursionMisses : undefined,
  };
}

export function progText(shown: Shown): string {
  const { prog, xlated } = shown;
  const { init } = prog;
  const jited = jitedBytes(prog);
  const memlock = fdinfoField(prog, 'memlock');
  const maps = prog.usedMaps.map((m) => m.id);
  const out = [
    progHead(prog),
    `\n\tloaded_at ${timeText(loadedAt(shown))}  uid ${init.uid}`,
    `\n\txlated ${xlated}B${jited > 0 ? `  jited ${jited}B` : '  not jited'}`,
    memlock === undefined ? '' : `  memlock ${memlock}B`,
    maps.length > 0 ? `  map_ids ${maps.join(',')}` : '',
    prog.btfObject ? `\n\tbtf_id ${prog.btfObject.id}` : '',
  ];
  return `${out.join('')}\n`;
}

export function progJson(shown: Shown): Json {
  const { prog, xlated } = shown;
  const { init } = prog;
  const jited = jitedBytes(prog);
  const memlock = fdinfoField(prog, 'memlock');
  const maps = prog.usedMaps.map((m) => m.id);
  return {
    ...progHeadJson(prog),
    loaded_at: loadedAt(shown),
    uid: init.uid,
    bytes_xlated: xlated,
    jited: jited > 0,
    bytes_jited: jited > 0 ? jited : undefined,
    bytes_memlock: memlock === undefined ? undefined : Number(memlock),
    map_ids: maps.length > 0 ? maps : undefined,
    btf_id: prog.btfObject?.id,
  };
}
