/** `bpftool link show` (bpftool-link(8)). */
import type { LinkFields } from '../../../kernel-sim/bpf/attach/attachment.ts';
import type { BpfLink } from '../../../kernel-sim/bpf/attach/link.ts';
import { attachTypeName, linkTypeName, progTypeName } from '../../uapi/index.ts';
import type { Json } from '../json.ts';

/** What a link's kind tells: names in the order of bpftool's, and on which line each stands. */
interface Told {
  /** lines of the text behind the first */
  readonly lines: readonly string[];
  readonly json: { readonly [name: string]: Json };
}

const NOTHING: Told = { lines: [], json: {} };
const attachWord = (fields: LinkFields): string => attachTypeName(Number(fields['attach_type']));

function told(link: BpfLink): Told {
  const fields = link.info();
  switch (linkTypeName(link.type)) {
    case 'raw_tracepoint': {
      const name = String(fields['tp_name']);
      return { lines: [`tp '${name}'  `], json: { tp_name: name } };
    }
    case 'tracing': {
      const type = progTypeName(link.prog?.type ?? 0);
      const attach = attachWord(fields);
      return { lines: [`prog_type ${type}  attach_type ${attach}  `], json: { prog_type: type, attach_type: attach } };
    }
    case 'cgroup': {
      const id = BigInt(fields['cgroup_id'] as bigint);
      return {
        lines: [`cgroup_id ${id}  attach_type ${attachWord(fields)}  `],
        json: { cgroup_id: id, attach_type: attachWord(fields) },
      };
    }
    case 'netns': {
      const ino = Number(fields['netns_ino']);
      return {
        lines: [`netns_ino ${ino}  attach_type ${attachWord(fields)}  `],
        json: { netns_ino: ino, attach_type: attachWord(fields) },
      };
    }
    case 'iter': {
      const name = String(fields['target_name']);
      const map = fields['map'] as LinkFields | undefined;
      const id = map && Number(map['map_id']);
      return {
        lines: [`target_name ${name}  ${id === undefined ? '' : `map_id ${id}  `}`],
        json: { target_name: name, ...(id === undefined ? {} : { map_id: id }) },
      };
    }
    case 'struct_ops': {
      const id = Number(fields['map_id'] ?? 0);
      return { lines: [], json: { map_id: id } };
    }
    default:
      return NOTHING;
  }
}

/** A program, or the map that it registers. */
const held = (link: BpfLink): string =>
  link.prog ? `prog ${link.prog.id}` : `map ${Number(link.info()['map_id'] ?? 0)}`;

export function linkText(link: BpfLink): string {
  return `${[`${link.id}: ${linkTypeName(link.type)}  ${held(link)}  `, ...told(link).lines].join('\n\t')}\n`;
}

export function linkJson(link: BpfLink): Json {
  return { id: link.id, type: linkTypeName(link.type), prog_id: link.prog?.id ?? 0, ...told(link).json };
}
