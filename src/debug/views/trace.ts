/** trace_pipe up to here, the newest line last. */
import type { SessionContext, TraceLine } from '../session/context.ts';

export const traceView = ({ lines }: SessionContext, most = 1000): readonly TraceLine[] => lines.slice(-most);
