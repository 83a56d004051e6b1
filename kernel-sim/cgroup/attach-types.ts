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
] as const;
export type CgroupAttachType = (typeof CGROUP_ATTACH_TYPES)[number];

export const cgroupAttachType = (name: CgroupAttachType): number => CGROUP_ATTACH_TYPES.indexOf(name);
