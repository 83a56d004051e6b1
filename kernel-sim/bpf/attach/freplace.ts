/**
 * Extensions: a program that runs in the place of a global function of another (BPF_PROG_TYPE_EXT). The function's entry, where it has a
 * nop behind endbr64, jumps to the extension as long as the link is there (`bpf_trampoline_link_prog`, BPF_TRAMP_REPLACE).
 */
import { Assembler } from '../../../src/x86/index.ts';
import { NOP5 } from '../../text/trace-sites.ts';
import { BpfError } from '../errors.ts';
import type { Attachment } from './attachment.ts';
import type { AttachRequest } from './kind.ts';
import { placeOf } from './trampoline.ts';

const ENDBR64 = 4;

export function freplace({ state, prog, attrs, command }: AttachRequest): Attachment {
  const { kernel } = state;
  const [fd, btfId] = [attrs.target ?? 0, attrs.targetBtfId ?? 0];
  if ((fd === 0) !== (btfId === 0)) throw new BpfError(command, 'EINVAL', 'target and BTF id belong together');
  const target = fd === 0 ? prog.targetProg : state.progByFd(command, fd);
  if (fd === 0 && prog.isTargetTaken) throw new BpfError(command, 'EINVAL', 'it was attached already: say to what');
  if (target === undefined) throw new BpfError(command, 'EINVAL', 'the program was loaded without one to extend');
  const id = btfId || prog.init.attachBtfId;
  if (target !== prog.targetProg) checkSame(target, prog, command);
  const entry = placeOf(target, id, command);
  const at = entry + ENDBR64;
  const before = kernel.text.read(at, NOP5.length);
  // another extension, or programs of fentry and fexit, are there
  if (before.some((byte, n) => byte !== NOP5[n]))
    throw new BpfError(command, 'EBUSY', 'the function is extended or watched already');
  kernel.machine.patch(at, new Assembler(at).op('jmp rel32', prog.entry).bytes());
  const after = kernel.text.read(at, NOP5.length);
  const symbol = kernel.symbols.at(entry)?.name ?? target.init.name;
  target.get();
  prog.isTargetTaken = true;
  const { expectedAttachType } = target.init;
  return {
    probes: [
      {
        kind: 'freplace',
        symbol,
        address: at,
        offset: ENDBR64,
        before,
        after,
        via: 'direct',
        hits: undefined,
        detach: () => undefined,
      },
    ],
    detach: () => {
      kernel.machine.patch(at, NOP5);
      target.put();
    },
    info: () => ({ attach_type: expectedAttachType, target_obj_id: target.id, target_btf_id: id }),
    fdinfo: () => `attach_type:\t${expectedAttachType}\ntarget_obj_id:\t${target.id}\ntarget_btf_id:\t${id}\n`,
  };
}

/** A target other than the one that it was verified for must take the same programs. */
function checkSame(target: AttachRequest['prog'], prog: AttachRequest['prog'], command: string): void {
  const first = prog.targetProg?.init;
  if (first === undefined) return;
  if (target.init.type !== first.type || target.init.expectedAttachType !== first.expectedAttachType)
    throw new BpfError(command, 'EINVAL', 'the target is a program of another type');
}
