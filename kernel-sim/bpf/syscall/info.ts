/** OBJ_GET_INFO_BY_FD: `struct bpf_prog_info`, `bpf_map_info`, `bpf_btf_info`, `bpf_link_info` as objects (include/uapi/linux/bpf.h). */
import type { FdObject } from '../../core/fds.ts';
import type { LinkFields } from '../attach/attachment.ts';
import { BpfLink } from '../attach/link.ts';
import { BpfError } from '../errors.ts';
import { BpfMap } from '../maps/index.ts';
import { BtfObject } from '../objects/btf-object.ts';
import { BpfProg } from '../prog/prog.ts';

export interface ProgInfo {
  readonly kind: 'prog';
  readonly type: number;
  readonly id: number;
  readonly tag: string;
  readonly name: string;
  readonly jitedProgLen: number;
  readonly xlatedProgLen: number;
  /** ns since boot */
  readonly loadTime: bigint;
  readonly mapIds: readonly number[];
  readonly gplCompatible: boolean;
  readonly verifiedInsns: number;
  readonly attachBtfId: number;
}
export interface MapInfo {
  readonly kind: 'map';
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly mapFlags: number;
  readonly name: string;
  readonly mapExtra: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
}
export interface BtfInfo {
  readonly kind: 'btf';
  readonly id: number;
  readonly size: number;
  readonly name: string;
}
export interface LinkInfo {
  readonly kind: 'link';
  /** `enum bpf_link_type` */
  readonly type: number;
  readonly id: number;
  readonly progId: number;
  /** what its kind tells besides, by the members of `struct bpf_link_info` */
  readonly fields: LinkFields;
}

export function infoOf(
  object: FdObject,
  xlatedLength: (prog: BpfProg) => number,
): ProgInfo | MapInfo | BtfInfo | LinkInfo {
  if (object instanceof BpfProg) {
    const { init } = object;
    return {
      kind: 'prog',
      type: object.type,
      id: object.id,
      tag: init.tag,
      name: object.name,
      jitedProgLen: object.jited ? object.shown.reduce((sum, f) => sum + f.bytes.length, 0) : 0,
      xlatedProgLen: xlatedLength(object),
      loadTime: init.loadTime,
      mapIds: init.code.maps.map((m) => m.id),
      gplCompatible: init.gpl,
      verifiedInsns: init.verifiedInsns,
      attachBtfId: init.attachBtfId,
    };
  }
  if (object instanceof BpfMap) {
    const { attrs } = object;
    return {
      kind: 'map',
      type: attrs.type,
      id: object.id,
      keySize: attrs.keySize,
      valueSize: attrs.valueSize,
      maxEntries: attrs.maxEntries,
      mapFlags: attrs.flags,
      name: attrs.name,
      mapExtra: attrs.mapExtra,
      btfKeyTypeId: attrs.btfKeyTypeId,
      btfValueTypeId: attrs.btfValueTypeId,
    };
  }
  if (object instanceof BtfObject) return { kind: 'btf', id: object.id, size: object.bytes.length, name: object.name };
  if (object instanceof BpfLink)
    return { kind: 'link', type: object.type, id: object.id, progId: object.prog?.id ?? 0, fields: object.info() };
  throw new BpfError('BPF_OBJ_GET_INFO_BY_FD', 'EINVAL', `${object.fdName} has no information to give`);
}
