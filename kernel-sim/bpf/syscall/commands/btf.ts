/** BPF_BTF_LOAD (`btf_new_fd`, `btf_parse`) and what a log buffer gets. */
import { validateBtf } from '../../../../src/btf/index.ts';
import { BPF_F_TOKEN_FD } from '../../../../src/uapi/index.ts';
import { bpfCapable } from '../../../core/process.ts';
import { BtfObject } from '../../objects/btf-object.ts';
import { tokenByFd } from '../../objects/token.ts';
import type { Call } from './call.ts';
import { finishLog, isLogValid, type LogBuffer } from './log.ts';

const ATTR = {
  btf: 0,
  btf_log_buf: 8,
  btf_size: 16,
  btf_log_size: 20,
  btf_log_level: 24,
  btf_log_true_size: 28,
  btf_flags: 32,
  btf_token_fd: 36,
};
const BTF_MAX_SIZE = 16 << 20;

export function btfLoad(call: Call): number {
  if (call.u32(ATTR.btf_flags) & ~BPF_F_TOKEN_FD) call.fail('EINVAL', 'btf_flags');
  if (call.u32(ATTR.btf_flags) & BPF_F_TOKEN_FD) tokenByFd(call.state, call.command, call.s32(ATTR.btf_token_fd));
  if (!bpfCapable(call.process)) call.fail('EPERM', 'CAP_BPF is needed');
  const size = call.u32(ATTR.btf_size);
  if (size > BTF_MAX_SIZE) call.fail('E2BIG', `${size} bytes of BTF`);
  const log: LogBuffer = {
    at: call.pointer(ATTR.btf_log_buf),
    size: call.u32(ATTR.btf_log_size),
    level: call.u32(ATTR.btf_log_level),
    trueSize: ATTR.btf_log_true_size,
  };
  if (!isLogValid(log)) call.fail('EINVAL', 'log level, buffer and size do not go together');
  const bytes = call.copyIn(call.pointer(ATTR.btf), size);
  const verdict = validateBtf(bytes, { log: log.level !== 0 });
  finishLog(call, log, verdict.ok ? (verdict.log ?? '') : verdict.log);
  if (!verdict.ok) return call.fail(verdict.errno, 'the BTF is not valid');
  return call.process.fds.install(call.state.addBtf(new BtfObject(verdict.btf, bytes)));
}
