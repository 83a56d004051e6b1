/** `enum cgroup_bpf_attach_type` (include/linux/bpf-cgroup-defs.h, Linux 6.12): what a cgroup keeps lists for, in the order of its numbers. */
export const CGROUP_ATTACH_TYPES = [
  'cgroup_inet_ingress',
  'cgroup_inet_egress',
  'cgroup_inet_sock_create',
  'cgroup_sock_ops',
  'cgroup_device',
  'cgroup_inet4_bind',
  'cgroup_inet6_bind',
  'cgroup_inet4_connect',
  'cgroup_inet6_connect',
  'cgroup_unix_connect',
  'cgroup_inet4_post_bind',
  'cgroup_inet6_post_bind',
  'cgroup_udp4_sendmsg',
  'cgroup_udp6_sendmsg',
  'cgroup_unix_sendmsg',
  'cgroup_sysctl',
  'cgroup_udp4_recvmsg',
  'cgroup_udp6_recvmsg',
  'cgroup_unix_recvmsg',
  'cgroup_getsockopt',
  'cgroup_setsockopt',
  'cgroup_inet4_getpeername',
  'cgroup_inet6_getpeername',
  'cgroup_unix_getpeername',
  'cgroup_inet4_getsockname',
  'cgroup_inet6_getsockname',
  'cgroup_unix_getsockname',
  'cgroup_inet_sock_release',
] as const;
export type CgroupAttachType = (typeof CGROUP_ATTACH_TYPES)[number];

export const cgroupAttachType = (name: CgroupAttachType): number => CGROUP_ATTACH_TYPES.indexOf(name);
