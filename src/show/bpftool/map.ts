/** `bpftool map show` (bpftool-map(8)). */
import type { BpfMap } from '../../../kernel-sim/bpf/maps/index.ts';
import { BPF_F_RDONLY, BPF_F_WRONLY, mapTypeName, progTypeName } from '../../uapi/index.ts';
import type { Json } from '../json.ts';
import { fdinfoField } from './fdinfo.ts';

/** how a descriptor was opened is no property of the map */
const flagsOf = (map: BpfMap): number => map.attrs.flags & ~(BPF_F_RDONLY | BPF_F_WRONLY);
const isFrozen = (map: BpfMap): boolean => fdinfoField(map, 'frozen') === '1';
/** program arrays say whose they are once a program uses them */
const ownerOf = (map: BpfMap): { readonly type?: number; readonly jited?: boolean } => {
  const type = fdinfoField(map, 'owner_prog_type');
  const jited = fdinfoField(map, 'owner_jited');
  return {
    ...(type === undefined ? {} : { type: Number(type) }),
    ...(jited === undefined ? {} : { jited: jited === '1' }),
  };
};

/** The first line: `6: percpu_array  name percpu  flags 0x0` */
export const mapHead = (map: BpfMap): string =>
  `${map.id}: ${mapTypeName(map.type)}  ${map.attrs.name ? `name ${map.attrs.name}  ` : ''}flags 0x${flagsOf(map).toString(16)}\n`;

export function mapText(map: BpfMap): string {
  const { keySize, valueSize, maxEntries } = map.attrs;
  const memlock = fdinfoField(map, 'memlock');
  const owner = ownerOf(map);
  const frozen = isFrozen(map);
  const btf = map.btfObject ? `btf_id ${map.btfObject.id}` : '';
  const owned = [
    owner.type === undefined ? '' : `owner_prog_type ${progTypeName(owner.type)}  `,
    owner.jited === undefined ? '' : `owner${owner.jited ? ' jited' : ' not jited'}`,
  ].join('');
  const out = [
    mapHead(map),
    `\tkey ${keySize}B  value ${valueSize}B  max_entries ${maxEntries}${memlock === undefined ? '' : `  memlock ${memlock}B`}\n`,
    owned === '' ? '' : `\t${owned}\n`,
    btf !== '' || frozen ? `\t${btf}${frozen ? `${btf === '' ? '' : '  '}frozen` : ''}\n` : '',
  ];
  return out.join('');
}

export function mapJson(map: BpfMap): Json {
  const { keySize, valueSize, maxEntries, name } = map.attrs;
  const memlock = fdinfoField(map, 'memlock');
  const owner = ownerOf(map);
  return {
    id: map.id,
    type: mapTypeName(map.type),
    name: name || undefined,
    flags: flagsOf(map),
    bytes_key: keySize,
    bytes_value: valueSize,
    max_entries: maxEntries,
    bytes_memlock: memlock === undefined ? undefined : Number(memlock),
    owner_prog_type: owner.type === undefined ? undefined : progTypeName(owner.type),
    owner_jited: owner.jited,
    frozen: isFrozen(map) ? 1 : 0,
    btf_id: map.btfObject?.id,
  };
}
