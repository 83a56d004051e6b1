/** Flags of PROG_LOAD, attaching, test runs and helpers: Linux 6.12, include/uapi/linux/bpf.h. */

/** prog_flags of PROG_LOAD. */
export const BPF_F_STRICT_ALIGNMENT = 1 << 0;
export const BPF_F_ANY_ALIGNMENT = 1 << 1;
export const BPF_F_TEST_RND_HI32 = 1 << 2;
export const BPF_F_TEST_STATE_FREQ = 1 << 3;
export const BPF_F_SLEEPABLE = 1 << 4;
export const BPF_F_XDP_HAS_FRAGS = 1 << 5;
export const BPF_F_XDP_DEV_BOUND_ONLY = 1 << 6;
export const BPF_F_TEST_REG_INVARIANTS = 1 << 7;

/** attach_flags of PROG_ATTACH and LINK_CREATE. */
export const BPF_F_ALLOW_OVERRIDE = 1 << 0;
export const BPF_F_ALLOW_MULTI = 1 << 1;
export const BPF_F_REPLACE = 1 << 2;
export const BPF_F_BEFORE = 1 << 3;
export const BPF_F_AFTER = 1 << 4;
export const BPF_F_ID = 1 << 5;
export const BPF_F_QUERY_EFFECTIVE = 1 << 0;
export const BPF_F_KPROBE_MULTI_RETURN = 1 << 0;
export const BPF_F_UPROBE_MULTI_RETURN = 1 << 0;

/** flags of PROG_TEST_RUN. */
export const BPF_F_TEST_RUN_ON_CPU = 1 << 0;
export const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;
export const BPF_F_TEST_SKB_CHECKSUM_COMPLETE = 1 << 2;

/** flags of helpers; those wider than 32 bits as bigint. */
export const BPF_F_INDEX_MASK = 0xffff_ffff;
export const BPF_F_CURRENT_CPU = BPF_F_INDEX_MASK;
export const BPF_F_CTXLEN_MASK = 0xf_ffffn << 32n;
export const BPF_F_CURRENT_NETNS = -1;
export const BPF_F_RECOMPUTE_CSUM = 1 << 0;
export const BPF_F_INVALIDATE_HASH = 1 << 1;
export const BPF_F_HDR_FIELD_MASK = 0xf;
export const BPF_F_PSEUDO_HDR = 1 << 4;
export const BPF_F_MARK_MANGLED_0 = 1 << 5;
export const BPF_F_MARK_ENFORCE = 1 << 6;
export const BPF_F_IPV6 = 1 << 7;
export const BPF_F_INGRESS = 1 << 0;
export const BPF_F_BROADCAST = 1 << 3;
export const BPF_F_EXCLUDE_INGRESS = 1 << 4;
export const BPF_F_SKIP_FIELD_MASK = 0xff;
export const BPF_F_USER_STACK = 1 << 8;
export const BPF_F_FAST_STACK_CMP = 1 << 9;
export const BPF_F_REUSE_STACKID = 1 << 10;
export const BPF_F_USER_BUILD_ID = 1 << 11;
export const BPF_F_GET_BRANCH_RECORDS_SIZE = 1 << 0;
export const BPF_F_SYSCTL_BASE_NAME = 1 << 0;
export const BPF_F_BPRM_SECUREEXEC = 1 << 0;
export const BPF_F_TIMER_ABS = 1 << 0;
export const BPF_F_TIMER_CPU_PIN = 1 << 1;
export const BPF_F_PAD_ZEROS = 1 << 0;
export const BPF_F_NEIGH = 1 << 16;
export const BPF_F_PEER = 1 << 17;
export const BPF_F_NEXTHOP = 1 << 18;

/** Ring buffers: flags of submit, discard and output, and what bpf_ringbuf_query is asked for. */
export const BPF_RB_NO_WAKEUP = 1 << 0;
export const BPF_RB_FORCE_WAKEUP = 1 << 1;
export const BPF_RB_AVAIL_DATA = 0;
export const BPF_RB_RING_SIZE = 1;
export const BPF_RB_CONS_POS = 2;
export const BPF_RB_PROD_POS = 3;
export const BPF_RINGBUF_BUSY_BIT = 1 << 31;
export const BPF_RINGBUF_DISCARD_BIT = 1 << 30;
export const BPF_RINGBUF_HDR_SZ = 8;

/** flags of sk_, inode_, task_ and cgrp_storage_get. */
export const BPF_LOCAL_STORAGE_GET_F_CREATE = 1 << 0;

/** log_level of PROG_LOAD. */
export const BPF_LOG_LEVEL1 = 1;
export const BPF_LOG_LEVEL2 = 2;
export const BPF_LOG_STATS = 4;
export const BPF_LOG_FIXED = 8;

/** Most turns of bpf_loop(), open-coded iterators of numbers and may_goto: include/linux/bpf.h. */
export const BPF_MAX_LOOPS = 8 << 20;
