/** Multi uprobes: one program on many places of a file (BPF_TRACE_UPROBE_MULTI, kernel/trace/bpf_trace.c). */
import { BPF_F_UPROBE_MULTI_RETURN } from '../../../src/uapi/index.ts';
import type { ProbeLink } from '../../probe/types.ts';
import { BpfError } from '../errors.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';

/** MAX_UPROBE_MULTI_CNT */
const MOST = 1 << 20;

export function uprobeMulti({ state, prog, attrs, command }: AttachRequest): Attachment {
  const {
    path = '',
    offsets = [],
    refCtrOffsets,
    cookies,
    flags = 0,
    pid = 0,
  } = attrs.uprobeMulti ?? { path: '', offsets: [] };
  const bad = (message: string): never => {
    throw new BpfError(command, 'EINVAL', message);
  };
  if (attrs.flags) bad('no flags are taken but those of the multi link');
  if (flags & ~BPF_F_UPROBE_MULTI_RETURN) bad(`flags 0x${flags.toString(16)}`);
  if (path === '' || offsets.length === 0) bad('a path and offsets in its file are needed');
  if (offsets.length > MOST) throw new BpfError(command, 'E2BIG', `${offsets.length} places`);
  for (const [what, list] of [
    ['reference counters', refCtrOffsets],
    ['cookies', cookies],
  ] as const)
    if (list && list.length !== offsets.length) bad(`${list.length} ${what} for ${offsets.length} places`);
  if (pid < 0) bad(`pid ${pid}`);
  const task = pid === 0 ? undefined : state.kernel.tasks.find(pid);
  if (pid !== 0 && task === undefined) throw new BpfError(command, 'ESRCH', `no process ${pid}`);
  const onReturn = (flags & BPF_F_UPROBE_MULTI_RETURN) !== 0;
  const probes: ProbeLink[] = [];
  const detach = (): void => {
    for (const probe of probes.splice(0)) probe.detach();
  };
  try {
    offsets.forEach((offset, n) => {
      probes.push(
        state.kernel.probes.uprobe(prog, {
          path,
          offset: Number(offset),
          ret: onReturn,
          multi: true,
          refCounter: Number(refCtrOffsets?.[n] ?? 0n),
          cookie: cookies?.[n] ?? 0n,
          ...(task === undefined ? {} : { tgid: task.tgid }),
        }),
      );
    });
  } catch (error) {
    detach();
    throw error;
  }
  return {
    probes,
    detach,
    flags,
    info: () => ({
      path,
      offsets,
      ref_ctr_offsets: refCtrOffsets ?? offsets.map(() => 0n),
      cookies: cookies ?? offsets.map(() => 0n),
      flags,
      pid,
    }),
  };
}
