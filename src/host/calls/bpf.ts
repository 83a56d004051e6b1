/** bpf(2) and perf_event_open(2): the model's own answers, and descriptors of the host that stand for what they open. */
import type { Outcome } from '../outcome.ts';
import type { Call, Handler } from './call.ts';
import { place } from './place.ts';

/** larger attributes than any kernel knows are refused before they are read: E2BIG is the kernel's word for it too */
const PAGE = 4096;
const E2BIG = -7;
const EFAULT = -14;

const bpf: Handler = async (call): Promise<Outcome> => {
  const { door, process } = call;
  const size = call.int(2);
  if (size < 0 || size > PAGE) return E2BIG;
  const attr = process.memory.read(call.at(1), size);
  if (!attr) return EFAULT;
  const before = attr.slice();
  door.mirrors.pull();
  const result = door.model.bpf(call.int(0), attr, size, process);
  door.mirrors.push();
  if (Buffer.compare(before, attr) !== 0 && !process.memory.write(call.at(1), attr)) return EFAULT;
  door.explain(result);
  return placed(call, result);
};

const perfEventOpen: Handler = (call) => {
  const { door, process } = call;
  const header = process.memory.read(call.at(0), 8);
  if (!header) return EFAULT;
  const size = new DataView(header.buffer, header.byteOffset).getUint32(4, true) || 64;
  const attr = size > PAGE ? undefined : process.memory.read(call.at(0), size);
  if (!attr) return size > PAGE ? E2BIG : EFAULT;
  const result = door.model.perfEventOpen(attr, call.int(1), call.int(2), call.int(3), call.at(4), process);
  door.explain(result);
  return placed(call, result);
};

/** A result that is a descriptor gets one of the host's at the same number. */
function placed(call: Call, result: number): Outcome | Promise<Outcome> {
  const { fds, placed: known } = call.process;
  const object = result >= call.door.processes.first && !known.has(result) ? fds.find(result) : undefined;
  return object ? place(call, result, object) : result;
}

export const BPF = { bpf, perf_event_open: perfEventOpen } satisfies Record<string, Handler>;
