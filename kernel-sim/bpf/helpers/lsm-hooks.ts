/** LSM hooks by what programs on them may do: kernel/bpf/bpf_lsm.c and kernel/trace/bpf_trace.c, Linux 6.12. */
import type { LsmHook } from '../../../src/verifier/kernel.ts';

const PREFIX = 'bpf_lsm_';
const hooks = (names: string): ReadonlySet<string> =>
  new Set(
    names
      .trim()
      .split(/\s+/)
      .map((n) => `${PREFIX}${n}`),
  );

/** Hooks that no program may attach to (bpf_lsm_disabled_hooks). */
const DISABLED_LSM_HOOKS = hooks(`
  audit_rule_match getprocattr getselfattr inode_copy_up_xattr inode_getsecurity inode_listsecurity inode_need_killpriv ismaclabel
  key_getsecurity setprocattr vm_enough_memory xfrm_decode_session
`);
/** Functions beside the hooks whose names begin as theirs do. */
const NO_HOOKS = hooks(`
  find_cgroup_shim func_proto get_retval_range init is_sleepable_hook is_trusted verify_prog
`);
/** Hooks that run where sleeping is allowed (sleepable_lsm_hooks). */
export const SLEEPABLE_LSM_HOOKS = hooks(`
  bpf bpf_map bpf_map_create bpf_map_free bpf_prog bpf_prog_load bpf_token_capable bpf_token_cmd bpf_token_create bpf_token_free
  bprm_check_security bprm_committed_creds bprm_committing_creds bprm_creds_for_exec bprm_creds_from_file capget capset
  cred_prepare current_getsecid_subj file_ioctl file_lock file_open file_post_open file_receive inode_create inode_free_security
  inode_getattr inode_getxattr inode_mknod inode_need_killpriv inode_post_setxattr inode_readlink inode_rename inode_rmdir
  inode_setattr inode_setxattr inode_symlink inode_unlink kernel_module_request kernel_read_file kernfs_init_security mmap_file
  netlink_send path_chmod path_chown path_link path_mkdir path_notify path_rename path_rmdir path_symlink path_truncate
  path_unlink release_secctx sb_alloc_security sb_eat_lsm_opts sb_kern_mount sb_mount sb_remount sb_set_mnt_opts sb_show_options
  sb_statfs sb_umount settime socket_accept socket_bind socket_connect socket_create socket_getpeername socket_getpeersec_dgram
  socket_getsockname socket_getsockopt socket_listen socket_post_create socket_recvmsg socket_sendmsg socket_shutdown
  socket_socketpair syslog task_alloc task_getsecid_obj task_prctl task_setscheduler userns_create
`);
/** Hooks whose arguments may be half initialised or half gone (untrusted_lsm_hooks). */
const UNTRUSTED_LSM_HOOKS = hooks(`
  bpf_map_free bpf_prog_free file_alloc_security file_free_security sk_alloc_security sk_free_security task_free
`);
/** Hooks that return a truth value (bool_lsm_hooks). */
const BOOL_LSM_HOOKS = hooks(`
  audit_rule_known inode_xattr_skipcap xfrm_state_pol_flow_match
`);

/** Functions of which bpf_d_path() may be called (btf_allowlist_d_path). */
export const D_PATH_FUNCTIONS: ReadonlySet<string> = new Set([
  'filp_close',
  'dentry_open',
  'vfs_fallocate',
  'vfs_truncate',
  'vfs_getattr',
  'security_file_open',
  'security_file_permission',
  'security_inode_getattr',
  'security_path_truncate',
]);

/** The hook behind a `bpf_lsm_…` function; undefined where there is none. */
export function lsmHook(func: string): LsmHook | undefined {
  if (!func.startsWith(PREFIX) || NO_HOOKS.has(func)) return undefined;
  return {
    isDisabled: DISABLED_LSM_HOOKS.has(func),
    isSleepable: SLEEPABLE_LSM_HOOKS.has(func),
    isTrusted: !UNTRUSTED_LSM_HOOKS.has(func),
    isBool: BOOL_LSM_HOOKS.has(func),
  };
}
