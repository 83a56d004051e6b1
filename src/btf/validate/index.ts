/** BPF_BTF_LOAD's checks of BTF data, in Linux 6.12's order, with its log and errors. */
import { Btf } from '../btf.ts';
import { BtfError } from '../error.ts';
import { BTF_HEADER_SIZE } from '../kinds.ts';
import { type BtfType, isModifier } from '../types.ts';
import { checkHeader } from './header.ts';
import { type BtfErrno, BtfLog, BtfRefused } from './log.ts';
import { checkMeta } from './meta.ts';
import { TypeResolver } from './resolve.ts';

export type { BtfErrno };

export type BtfVerdict =
  | { readonly ok: true; readonly btf: Btf; readonly log: string }
  | { readonly ok: false; readonly errno: BtfErrno; readonly log: string };

/** A BTF of no types over the same strings, to read names with before the types are known to be sound. */
function namesOnly(bytes: Uint8Array, base: Btf | undefined): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const strings = bytes.subarray(view.getUint32(4, true) + view.getUint32(16, true));
  const header = new Uint8Array(BTF_HEADER_SIZE + strings.length);
  header.set(bytes.subarray(0, 4));
  const out = new DataView(header.buffer);
  out.setUint32(4, BTF_HEADER_SIZE, true);
  out.setUint32(20, strings.length, true);
  header.set(strings, BTF_HEADER_SIZE);
  return Btf.parse(header, base);
}

/** Tags come before other modifiers. */
function checkTypeTags(btf: Btf, log: BtfLog): void {
  for (const first of btf.types()) {
    if (!modifier(first)) continue;
    let inTags = first.kind === 'type_tag';
    let type: BtfType = first;
    for (let left = 20; modifier(type); left--) {
      if (left === 0) {
        log.write('Max chain length or cycle detected');
        throw new BtfRefused('ELOOP');
      }
      if (type.kind === 'type_tag') {
        if (!inTags) {
          log.write("Type tags don't precede modifiers");
          throw new BtfRefused('EINVAL');
        }
      } else inTags = false;
      type = btf.typeById((type as BtfType & { type: number }).type);
    }
  }
}

const modifier = (t: BtfType): boolean => isModifier(t) || t.kind === 'typedef';

/**
 * Checks BTF as the kernel does when it is loaded.
 *
 * @param options.log whether a log is wanted (log_level is not 0)
 */
export function validateBtf(
  bytes: Uint8Array,
  options: { readonly base?: Btf; readonly log?: boolean } = {},
): BtfVerdict {
  const log = new BtfLog(options.log ?? false);
  try {
    checkHeader(bytes, options.base !== undefined, log);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const names = namesOnly(bytes, options.base);
    const start = view.getUint32(4, true) + view.getUint32(8, true);
    const end = start + view.getUint32(12, true);
    log.typeId = names.startId;
    for (let at = start; at < end; log.typeId++) at += checkMeta(names, log, view, at, end - at);
    const btf = Btf.parse(bytes, options.base);
    log.resolving = true;
    new TypeResolver(btf, log).checkAll();
    checkTypeTags(btf, log);
    return { ok: true, btf, log: log.text };
  } catch (error) {
    if (error instanceof BtfRefused) return { ok: false, errno: error.errno, log: log.text };
    if (error instanceof BtfError) return { ok: false, errno: 'EINVAL', log: log.text };
    throw error;
  }
}
