/** The enumerations against the kernel's own BTF. */
import { describe, expect, test } from 'vitest';
import {
  ATTACH_TYPES,
  attachType,
  BPF_CMD,
  BPF_MAP_TYPE,
  BPF_PROG_TYPE,
  COMMANDS,
  commandName,
  LINK_TYPES,
  MAP_TYPES,
  mapType,
  PROG_TYPES,
  progType,
  progTypeName,
  UnknownNameError,
} from '../../src/uapi/index.ts';
import { kernelBtf } from '../support/rewrite.ts';
import { haveShared } from '../support/shared.ts';

describe.skipIf(!haveShared)('names and numbers are those of 6.12', () => {
  const enums: [string, string, readonly string[]][] = [
    ['bpf_prog_type', 'BPF_PROG_TYPE_', PROG_TYPES],
    ['bpf_attach_type', 'BPF_', ATTACH_TYPES],
    ['bpf_map_type', 'BPF_MAP_TYPE_', MAP_TYPES],
    ['bpf_link_type', 'BPF_LINK_TYPE_', LINK_TYPES],
    ['bpf_cmd', 'BPF_', COMMANDS],
  ];
  for (const [name, prefix, ours] of enums) {
    test(name, () => {
      const type = kernelBtf().typeById(kernelBtf().findByName(name, 'enum'));
      expect(type.kind).toBe('enum');
      if (type.kind !== 'enum') return;
      const theirs = type.values
        .map((v) => [v.name, Number(v.value)] as const)
        .filter(([n]) => !n.startsWith('__MAX') && !n.endsWith('_DEPRECATED') && n !== 'BPF_PROG_RUN')
        .map(([n, v]) => `${n.slice(prefix.length).toLowerCase()}=${v}`);
      expect(ours.map((n, v) => `${n}=${v}`)).toEqual(theirs);
    });
  }
});

test('names and numbers are taken alike', () => {
  expect(progType('xdp')).toBe(6);
  expect(progType(6)).toBe(6);
  expect(progType('XDP')).toBe(6);
  expect(mapType('hash')).toBe(BPF_MAP_TYPE.HASH);
  expect(attachType('trace_fentry')).toBe(24);
  expect(BPF_PROG_TYPE.SYSCALL).toBe(31);
  expect(progTypeName(99)).toBe('99');
  expect(commandName(BPF_CMD.PROG_LOAD)).toBe('BPF_PROG_LOAD');
});

test('an unknown name says what is near', () => {
  expect(() => progType('kprobes')).toThrow(UnknownNameError);
  expect(() => progType('kprobes')).toThrow("unknown program type 'kprobes'; did you mean kprobe?");
  expect(() => mapType('zzz')).toThrow("unknown map type 'zzz'");
});
