/** Documents that gdb reads with qXfer: the target's description, its memory and its threads (GDB manual, appendices E.13 to E.15, G). */
import { TARGET_REGISTERS, type TargetRegister, type TargetTask } from '../../debug/index.ts';
import { threadId } from './threads.ts';

/** The bits of eflags by their names. */
const EFLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0, 'CF'],
  [1, ''],
  [2, 'PF'],
  [4, 'AF'],
  [6, 'ZF'],
  [7, 'SF'],
  [8, 'TF'],
  [9, 'IF'],
  [10, 'DF'],
  [11, 'OF'],
  [14, 'NT'],
  [16, 'RF'],
  [17, 'VM'],
  [18, 'AC'],
  [19, 'VIF'],
  [20, 'VIP'],
  [21, 'ID'],
];

const FLAGS_TYPE = [
  '<flags id="i386_eflags" size="4">',
  ...EFLAGS.map(([bit, name]) => `<field name="${name}" start="${bit}" end="${bit}"/>`),
  '</flags>',
].join('');

const VECTOR_TYPES = [
  ...(
    [
      ['v4f', 'ieee_single', 4],
      ['v2d', 'ieee_double', 2],
      ['v16i8', 'int8', 16],
      ['v8i16', 'int16', 8],
      ['v4i32', 'int32', 4],
      ['v2i64', 'int64', 2],
    ] as const
  ).map(([id, type, count]) => `<vector id="${id}" type="${type}" count="${count}"/>`),
  '<union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/>',
  '<field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/>',
  '<field name="v2_int64" type="v2i64"/><field name="uint128" type="uint128"/></union>',
  '<flags id="i386_mxcsr" size="4">',
  ...['IE', 'DE', 'ZE', 'OE', 'UE', 'PE', 'DAZ', 'IM', 'DM', 'ZM', 'OM', 'UM', 'PM'].map(
    (name, bit) => `<field name="${name}" start="${bit}" end="${bit}"/>`,
  ),
  '<field name="FZ" start="15" end="15"/></flags>',
].join('');

const register = (r: TargetRegister): string =>
  `<reg name="${r.name}" bitsize="${r.bits}" type="${r.type}"${r.group === undefined ? '' : ` group="${r.group}"`}/>`;

const feature = (name: TargetRegister['feature'], types = ''): string =>
  `<feature name="org.gnu.gdb.i386.${name}">${types}${TARGET_REGISTERS.filter((r) => r.feature === name)
    .map(register)
    .join('')}</feature>`;

export const targetDescription = (): string =>
  [
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0"><architecture>i386:x86-64</architecture>',
    feature('core', FLAGS_TYPE),
    feature('sse', VECTOR_TYPES),
    feature('segments'),
    '</target>',
  ].join('\n');

/** Either half of the canonical addresses; what of it is mapped changes with time, and a read tells. */
export const memoryMap = (): string =>
  [
    '<?xml version="1.0"?><!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">',
    '<memory-map>',
    '<memory type="ram" start="0x0" length="0x800000000000"/>',
    '<memory type="ram" start="0xffff800000000000" length="0x800000000000"/>',
    '</memory-map>',
  ].join('\n');

const escaped = (text: string): string =>
  text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[^\x20-\x7e]/g, '?');

export const threadList = (tasks: readonly TargetTask[]): string =>
  [
    '<?xml version="1.0"?>',
    '<threads>',
    ...tasks.map((t) => `<thread id="${threadId(t.pid)}" name="${escaped(t.comm)}">${escaped(doing(t))}</thread>`),
    '</threads>',
  ].join('\n');

export const doing = (task: TargetTask): string =>
  task.runs
    ? task.call === undefined
      ? 'runs'
      : `runs, in ${task.call}`
    : task.call === undefined
      ? 'waits'
      : `in ${task.call}`;
