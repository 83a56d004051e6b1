/** A map as the verifier reads it. */
import type { Btf } from '../../../src/btf/index.ts';
import { addrToBigInt } from '../../../src/machine/addr.ts';
import { BPF_F_RDONLY_PROG } from '../../../src/uapi/index.ts';
import type { MapFacts } from '../../../src/verifier/kernel.ts';
import { ArrayMap, type BpfMap, ProgArrayMap } from '../maps/index.ts';

/** Reads `size` bytes of a map's values. */
function reader(map: BpfMap, base: number): (off: number, size: number) => bigint | undefined {
  return (off, size) => {
    const bytes = map.host.memory.readBytes(base + off, size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return value;
  };
}

export function mapFacts(map: BpfMap): MapFacts {
  const { attrs, directValue } = map;
  // constants are folded where neither programs nor user space can write: bpf_map_is_rdonly()
  const isConstant =
    map instanceof ArrayMap && (attrs.flags & BPF_F_RDONLY_PROG) !== 0 && map.frozen && map.writers === 0;
  return {
    id: map.id,
    type: attrs.type,
    name: attrs.name,
    keySize: attrs.keySize,
    valueSize: attrs.valueSize,
    maxEntries: attrs.maxEntries,
    flags: attrs.flags,
    mapExtra: BigInt(attrs.mapExtra),
    frozen: map.frozen,
    address: addrToBigInt(map.addr),
    bypassSpecV1: attrs.bypassSpecV1 ?? true,
    btfKeyTypeId: attrs.btfKeyTypeId,
    btfValueTypeId: attrs.btfValueTypeId,
    ...(attrs.inner ? { inner: mapFacts(attrs.inner) } : {}),
    ...(map.btf ? { btf: map.btf as Btf } : {}),
    ...(directValue === undefined ? {} : { valueAddress: addrToBigInt(directValue) }),
    ...(isConstant && directValue !== undefined ? { readConst: reader(map, directValue) } : {}),
    ...(map instanceof ProgArrayMap && map.owner ? { ownerProgType: map.owner.type } : {}),
  };
}
