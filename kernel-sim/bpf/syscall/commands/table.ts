/** The commands of bpf(2), a row each: what BPF_CMD_LAST_FIELD ends at, and who does it (Linux 6.12 kernel/bpf/syscall.c). */
import { BPF_CMD as C } from '../../../../src/uapi/index.ts';
import { progAttach, progDetach, progQuery } from './attach.ts';
import * as batch from './batch.ts';
import { btfLoad } from './btf.ts';
import type { Call } from './call.ts';
import * as element from './element.ts';
import { objGetInfoByFd } from './info.ts';
import * as link from './link.ts';
import { mapCreate } from './map-create.ts';
import * as misc from './misc.ts';
import { getFdById, getNextId, objGet, objPin } from './object.ts';
import { progLoad } from './prog-load.ts';
import { taskFdQuery } from './task-fd-query.ts';
import { progTestRun } from './test-run.ts';

export interface CommandRow {
  /** the last field's end: what follows it in the union must be zero */
  readonly end: number;
  /** @returns 0 or a descriptor. @throws BpfError */
  readonly run: (call: Call) => number;
}
const row = (end: number, run: CommandRow['run']): CommandRow => ({ end, run });

/** Rows by number. What loads, runs or shows a program asks the call's engines. */
export const COMMAND_ROWS: Readonly<Record<number, CommandRow>> = {
  [C.MAP_CREATE]: row(80, mapCreate),
  [C.MAP_LOOKUP_ELEM]: row(32, element.lookupElem),
  [C.MAP_UPDATE_ELEM]: row(32, element.updateElem),
  [C.MAP_DELETE_ELEM]: row(16, element.deleteElem),
  [C.MAP_GET_NEXT_KEY]: row(24, element.getNextKey),
  [C.PROG_LOAD]: row(148, progLoad),
  [C.OBJ_PIN]: row(20, objPin),
  [C.OBJ_GET]: row(20, objGet),
  [C.PROG_ATTACH]: row(32, progAttach),
  [C.PROG_DETACH]: row(32, progDetach),
  [C.PROG_TEST_RUN]: row(76, progTestRun),
  [C.PROG_GET_NEXT_ID]: row(8, getNextId('prog')),
  [C.MAP_GET_NEXT_ID]: row(8, getNextId('map')),
  [C.PROG_GET_FD_BY_ID]: row(4, getFdById('prog')),
  [C.MAP_GET_FD_BY_ID]: row(12, getFdById('map')),
  [C.OBJ_GET_INFO_BY_FD]: row(16, objGetInfoByFd),
  [C.PROG_QUERY]: row(152, progQuery),
  [C.RAW_TRACEPOINT_OPEN]: row(24, link.rawTracepointOpen),
  [C.BTF_LOAD]: row(40, btfLoad),
  [C.BTF_GET_FD_BY_ID]: row(4, getFdById('btf')),
  [C.TASK_FD_QUERY]: row(48, taskFdQuery),
  [C.MAP_LOOKUP_AND_DELETE_ELEM]: row(32, element.lookupAndDelete),
  [C.MAP_FREEZE]: row(4, element.freeze),
  [C.BTF_GET_NEXT_ID]: row(8, getNextId('btf')),
  [C.MAP_LOOKUP_BATCH]: row(56, batch.lookupBatch),
  [C.MAP_LOOKUP_AND_DELETE_BATCH]: row(56, batch.lookupAndDeleteBatch),
  [C.MAP_UPDATE_BATCH]: row(56, batch.updateBatch),
  [C.MAP_DELETE_BATCH]: row(56, batch.deleteBatch),
  [C.LINK_CREATE]: row(60, link.linkCreate),
  [C.LINK_UPDATE]: row(16, link.linkUpdate),
  [C.LINK_GET_FD_BY_ID]: row(4, getFdById('link')),
  [C.LINK_GET_NEXT_ID]: row(8, getNextId('link')),
  [C.ENABLE_STATS]: row(4, misc.enableStats),
  [C.ITER_CREATE]: row(8, misc.iterCreate),
  [C.LINK_DETACH]: row(4, link.linkDetach),
  [C.PROG_BIND_MAP]: row(12, misc.progBindMap),
  [C.TOKEN_CREATE]: row(8, misc.tokenCreate),
};
