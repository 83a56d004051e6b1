/** Pages of arenas: bpf_arena_alloc_pages and bpf_arena_free_pages (Linux 6.12 kernel/bpf/arena.c). */

import type { HelperBodies } from '../../helpers/bodies/call.ts';
import { ArenaMap } from '../../maps/index.ts';

const PAGE = 4096;

export const ARENA: HelperBodies = {
  /** Their address in user space, which is what programs keep; 0 where there are none. */
  bpf_arena_alloc_pages: (call) => {
    const { args } = call;
    const map = call.map(0);
    const [at, count] = [args.addr(1), args.u32(2)];
    const isFine = map instanceof ArenaMap && map.maxEntries > 0 && args.lo(4) === 0 && count > 0 && at % PAGE === 0;
    args.retAddr(isFine ? map.allocPages(at, count) : 0);
  },
  bpf_arena_free_pages: (call) => {
    const { args } = call;
    const map = call.map(0);
    const [at, count] = [args.addr(1), args.u32(2)];
    if (map instanceof ArenaMap && count > 0 && at !== 0) map.freePages(at, count);
    args.ret(0, 0);
  },
};
