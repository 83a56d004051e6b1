/** What BPF_PROG_QUERY gives back: as many ids as there is room for, and how many there are (`union bpf_attr.query`). */
import type { QueryResult } from '../../attach/kind.ts';
import type { Call } from './call.ts';

const QUERY = {
  attach_flags: 12,
  prog_ids: 16,
  count: 24,
  prog_attach_flags: 32,
  link_ids: 40,
  link_attach_flags: 48,
  revision: 56,
};

/** @throws BpfError ENOSPC where there are more than there is room for; those that fit were stored */
export function answerQuery(call: Call, { attachFlags, programs, revision }: QueryResult): 0 {
  const room = call.u32(QUERY.count);
  call.put32(QUERY.attach_flags, attachFlags);
  call.put32(QUERY.count, programs.length);
  if (revision !== undefined) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, revision, true);
    call.put(QUERY.revision, bytes);
  }
  const shown = programs.slice(0, room);
  const list = (at: number, of: (program: QueryResult['programs'][number]) => number): void => {
    const pointer = call.pointer(at);
    if (pointer === 0) return;
    call.copyOut(pointer, new Uint8Array(Uint32Array.from(shown, of).buffer));
  };
  list(QUERY.prog_ids, ({ prog }) => prog.id);
  list(QUERY.prog_attach_flags, (program) => program.attachFlags ?? 0);
  list(QUERY.link_ids, ({ linkId }) => linkId ?? 0);
  if (call.pointer(QUERY.prog_ids) !== 0 && shown.length < programs.length)
    return call.fail('ENOSPC', `${programs.length} programs, room for ${room}`);
  return 0;
}
