/** Numbers that rules name, as short as rules want them. */
import { BPF_PROG_TYPE as PROG } from '../uapi/index.ts';

export {
  BPF_ATTACH_TYPE as ATTACH,
  BPF_F_RDONLY_PROG as F_RDONLY_PROG,
  BPF_F_SEGV_ON_FAULT as F_SEGV_ON_FAULT,
  BPF_F_WRONLY_PROG as F_WRONLY_PROG,
  BPF_MAP_TYPE as MAP,
  BPF_PROG_TYPE as PROG,
} from '../uapi/index.ts';

/** Program types that may run in any context: `is_tracing_prog_type`. */
const anyContext: readonly number[] = [
  PROG.KPROBE,
  PROG.TRACEPOINT,
  PROG.PERF_EVENT,
  PROG.RAW_TRACEPOINT,
  PROG.RAW_TRACEPOINT_WRITABLE,
];
export const isTracingType = (type: number): boolean => anyContext.includes(type);
