// Sends an event with pid, comm and filename through a ring buffer for every openat(2).
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
	__u32 pid;
	__u32 uid;
	__u64 ns;
	char comm[16];
	char filename[64];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

// So that clang keeps the type for readers of the ring buffer.
const struct event *unused_event __attribute__((unused));

SEC("kprobe/do_sys_openat2")
int BPF_KPROBE(snoop_open, int dfd, const char *filename)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->uid = bpf_get_current_uid_gid();
	e->ns = bpf_ktime_get_ns();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_probe_read_user_str(e->filename, sizeof(e->filename), filename);
	bpf_printk("%s opens %s", e->comm, e->filename);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
