/** Commands of bpf(2): `enum bpf_cmd` of Linux 6.12, include/uapi/linux/bpf.h. */
import { constants } from './enum.ts';

/** Names of commands, in order of their numbers; PROG_RUN is an alias of PROG_TEST_RUN. */
export const COMMANDS = [
  'map_create',
  'map_lookup_elem',
  'map_update_elem',
  'map_delete_elem',
  'map_get_next_key',
  'prog_load',
  'obj_pin',
  'obj_get',
  'prog_attach',
  'prog_detach',
  'prog_test_run',
  'prog_get_next_id',
  'map_get_next_id',
  'prog_get_fd_by_id',
  'map_get_fd_by_id',
  'obj_get_info_by_fd',
  'prog_query',
  'raw_tracepoint_open',
  'btf_load',
  'btf_get_fd_by_id',
  'task_fd_query',
  'map_lookup_and_delete_elem',
  'map_freeze',
  'btf_get_next_id',
  'map_lookup_batch',
  'map_lookup_and_delete_batch',
  'map_update_batch',
  'map_delete_batch',
  'link_create',
  'link_update',
  'link_get_fd_by_id',
  'link_get_next_id',
  'enable_stats',
  'iter_create',
  'link_detach',
  'prog_bind_map',
  'token_create',
] as const;
export type CommandName = (typeof COMMANDS)[number];
/** `BPF_CMD.PROG_LOAD` is 5. */
export const BPF_CMD = constants(COMMANDS);
/** Name of a command in bpf(2)'s own spelling. */
export const commandName = (cmd: number): string =>
  cmd < COMMANDS.length && cmd >= 0 ? `BPF_${COMMANDS[cmd]?.toUpperCase()}` : String(cmd);
