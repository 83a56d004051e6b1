/** `struct bpf_prog_info`: `bpf_prog_get_info_by_fd` of Linux 6.12. Each array is filled as far as the caller has room, and its whole length told. */

import { addrToBigInt } from '../../../../src/machine/addr.ts';
import { concatBytes, fromHex } from '../../../../src/platform/index.ts';
import { bpfCapable } from '../../../core/process.ts';
import { lineAddresses, tagOf } from '../../prog/info.ts';
import type { BpfProg } from '../../prog/prog.ts';
import { type Call, u32Bytes, u64Bytes } from './call.ts';
import type { InfoBuffer } from './info-buffer.ts';

const F = {
  type: 0,
  id: 4,
  tag: 8,
  jited_prog_len: 16,
  xlated_prog_len: 20,
  jited_prog_insns: 24,
  xlated_prog_insns: 32,
  load_time: 40,
  created_by_uid: 48,
  nr_map_ids: 52,
  map_ids: 56,
  name: 64,
  ifindex: 80,
  gpl_compatible: 84,
  nr_jited_ksyms: 104,
  nr_jited_func_lens: 108,
  jited_ksyms: 112,
  jited_func_lens: 120,
  btf_id: 128,
  func_info_rec_size: 132,
  func_info: 136,
  nr_func_info: 144,
  nr_line_info: 148,
  line_info: 152,
  jited_line_info: 160,
  nr_jited_line_info: 168,
  line_info_rec_size: 172,
  jited_line_info_rec_size: 176,
  nr_prog_tags: 180,
  prog_tags: 184,
  run_time_ns: 192,
  run_cnt: 200,
  recursion_misses: 208,
  verified_insns: 216,
  attach_btf_obj_id: 220,
  attach_btf_id: 224,
};

export function progInfo(call: Call, prog: BpfProg, info: InfoBuffer): undefined {
  const { init } = prog;
  /** As many as there is room for, one after the other. */
  const array = (count: number, pointer: number, items: readonly Uint8Array[]): void => {
    const room = info.u32(count);
    info.set32(count, items.length);
    const at = info.pointer(pointer);
    let done = 0;
    for (const item of items.slice(0, room)) {
      call.copyOut(at + done, item);
      done += item.length;
    }
  };
  info.set32(F.type, prog.type);
  info.set32(F.id, prog.id);
  info.bytes.set(fromHex(init.tag), F.tag);
  info.set64(F.load_time, init.loadTime);
  info.set32(F.created_by_uid, init.uid);
  info.bytes.fill(0, F.name, F.name + 16);
  info.setName(F.name, prog.name);
  info.set32(F.gpl_compatible, init.gpl ? 1 : 0);
  array(
    F.nr_map_ids,
    F.map_ids,
    prog.usedMaps.map((m) => u32Bytes(m.id)),
  );
  recordSizes(call, info);
  info.set64(F.run_time_ns, prog.runTime);
  info.set64(F.run_cnt, BigInt(prog.runCount));
  info.set64(F.recursion_misses, BigInt(prog.recursionMisses));
  info.set32(F.verified_insns, init.verifiedInsns);
  if (!bpfCapable(call.process)) {
    for (const f of ['jited_prog_len', 'xlated_prog_len', 'nr_jited_ksyms', 'nr_jited_func_lens'] as const)
      info.set32(F[f], 0);
    for (const f of ['nr_func_info', 'nr_line_info', 'nr_jited_line_info'] as const) info.set32(F[f], 0);
    return undefined;
  }
  const showsAddresses = call.state.showsAddresses(call.process);
  /** ... whose contents are for those who may see addresses */
  const hidden = (count: number, pointer: number, items: readonly Uint8Array[]): void => {
    if (showsAddresses) array(count, pointer, items);
    else {
      if (info.u32(count) > 0 && items.length > 0) info.set64(pointer, 0n);
      info.set32(count, items.length);
    }
  };
  bytes(call, info, F.xlated_prog_len, F.xlated_prog_insns, call.programs.dump(prog, showsAddresses));
  const jited = prog.jited ? concatBytes(prog.placed.map((p) => p.bytes)) : new Uint8Array(0);
  if (showsAddresses) bytes(call, info, F.jited_prog_len, F.jited_prog_insns, jited);
  else {
    if (info.u32(F.jited_prog_len) > 0 && jited.length > 0) info.set64(F.jited_prog_insns, 0n);
    info.set32(F.jited_prog_len, jited.length);
  }
  hidden(
    F.nr_jited_ksyms,
    F.jited_ksyms,
    prog.placed.map((p) => u64Bytes(addrToBigInt(p.address))),
  );
  hidden(
    F.nr_jited_func_lens,
    F.jited_func_lens,
    prog.placed.map((p) => u32Bytes(p.bytes.length)),
  );
  if (prog.btfObject) info.set32(F.btf_id, prog.btfObject.id);
  info.set32(F.attach_btf_id, init.attachBtfId);
  info.set32(F.attach_btf_obj_id, prog.attachBtfObjectId);
  array(
    F.nr_func_info,
    F.func_info,
    init.funcInfo.map((f) => concatBytes([u32Bytes(f.insnOff), u32Bytes(f.typeId)])),
  );
  array(
    F.nr_line_info,
    F.line_info,
    init.lineInfo.map((l) => concatBytes([l.insnOff, l.fileNameOff, l.lineOff, l.lineCol].map(u32Bytes))),
  );
  hidden(
    F.nr_jited_line_info,
    F.jited_line_info,
    lineAddresses(prog).map((a) => u64Bytes(addrToBigInt(a))),
  );
  array(
    F.nr_prog_tags,
    F.prog_tags,
    init.code.funcs.map((_, n) => fromHex(tagOf(prog, n))),
  );
  return undefined;
}

/** `set_info_rec_size`: whoever asks for records must know their sizes, and is told them. */
function recordSizes(call: Call, info: InfoBuffer): void {
  const sizes = [
    [F.nr_func_info, F.func_info_rec_size, 8],
    [F.nr_line_info, F.line_info_rec_size, 16],
    [F.nr_jited_line_info, F.jited_line_info_rec_size, 8],
  ] as const;
  for (const [count, at, size] of sizes) {
    if ((info.u32(count) !== 0 || info.u32(at) !== 0) && info.u32(at) !== size)
      call.fail('EINVAL', `records of ${info.u32(at)} bytes, the kernel's have ${size}`);
  }
  for (const [, at, size] of sizes) info.set32(at, size);
}

function bytes(call: Call, info: InfoBuffer, length: number, pointer: number, all: Uint8Array): void {
  const room = info.u32(length);
  info.set32(length, all.length);
  if (all.length > 0 && room > 0) call.copyOut(info.pointer(pointer), all.subarray(0, room));
}
