/** bpf(2) and perf_event_open(2): the model's own answers, and descriptors of the host that stand for what they open. */
import { existsSync } from 'node:fs';
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import type { Outcome } from '../outcome.ts';
import type { Call, Handler } from './call.ts';
import { place } from './place.ts';

/** `enum bpf_cmd` */
const TASK_FD_QUERY = 20;

const bpf: Handler = (call) => {
  const { door, process } = call;
  door.mirrors.pull();
  const result = door.model.bpf(call.int(0), call.at(1), call.int(2), process);
  if (result === -ERRNO.EBADF && call.int(0) === TASK_FD_QUERY && isHosts(call)) return -ERRNO.ENOTSUPP;
  door.mirrors.push();
  return placed(call, result);
};

const perfEventOpen: Handler = (call) =>
  placed(
    call,
    call.door.model.perfEventOpen(call.at(0), call.int(1), call.int(2), call.int(3), call.at(4), call.process),
  );

/** Whether BPF_TASK_FD_QUERY asks about a descriptor that the process has of the host's: it runs no program. */
function isHosts(call: Call): boolean {
  const attr = call.process.memory.read(call.at(1), 8);
  if (!attr) return false;
  const view = new DataView(attr.buffer, attr.byteOffset);
  return existsSync(`/proc/${view.getUint32(0, true)}/fd/${view.getInt32(4, true)}`);
}

/** A result that is a descriptor gets one of the host's at the same number. */
function placed(call: Call, result: number): Outcome | Promise<Outcome> {
  const { fds, placed: known } = call.process;
  call.door.explain();
  const object = result >= call.door.processes.first && !known.has(result) ? fds.find(result) : undefined;
  return object ? place(call, result, object) : result;
}

export const BPF = { bpf, perf_event_open: perfEventOpen } satisfies Record<string, Handler>;
