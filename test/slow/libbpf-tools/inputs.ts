/** What happens in the runs of libbpf-tools' objects: recordings written for them, so that what each tool must show is known. */

/** A shell that opens, looks at, makes and removes files, runs a program, and talks to itself over TCP. */
export const SHELL = `100 1.000000 execve("/bin/sh", ["sh", "-c", "x"], 0x7ffd0 /* 3 vars */) = 0
100 1.001000 openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
100 1.001100 read(3, "root:x:0:0:root:/root:/bin/bash\\n", 4096) = 32
100 1.001200 close(3) = 0
100 1.001300 openat(AT_FDCWD, "/nope", O_RDONLY) = -1 ENOENT (No such file or directory)
100 1.002000 newfstatat(AT_FDCWD, "/etc/hosts", {st_mode=S_IFREG|0644, st_size=127, ...}, 0) = 0
100 1.002100 stat("/missing", 0x7ffe) = -1 ENOENT (No such file or directory)
100 1.003000 openat(AT_FDCWD, "/tmp/fresh", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 3
100 1.003100 write(3, "hello\\n", 6) = 6
100 1.003200 close(3) = 0
100 1.753200 unlink("/tmp/fresh") = 0
100 2.000000 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 101
101 2.000500 execve("/usr/bin/id", ["id", "-u"], 0x7ffd0 /* 3 vars */) = 0
101 2.010000 exit_group(3) = ?
101 2.010100 +++ exited with 3 +++
100 2.010200 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 101
100 2.020000 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
100 2.020100 bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
100 2.020200 listen(3, 77) = 0
100 2.030000 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 102
102 2.030500 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 4
102 2.030600 connect(4, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
100 2.030900 accept4(3, {sa_family=AF_INET, sin_port=htons(40000), sin_addr=inet_addr("127.0.0.1")}, [16], SOCK_CLOEXEC) = 5
102 2.031000 sendto(4, "ping pong ping", 14, 0, NULL, 0) = 14
100 2.031200 recvfrom(5, "ping pong ping", 4096, 0, NULL, NULL) = 14
100 2.031300 sendto(5, "ok", 2, 0, NULL, 0) = 2
102 2.031500 recvfrom(4, "ok", 4096, 0, NULL, NULL) = 2
102 2.131600 close(4) = 0
100 2.131700 close(5) = 0
100 2.131800 close(3) = 0
102 2.140000 exit_group(0) = ?
102 2.140100 +++ exited with 0 +++
100 2.200000 exit_group(0) = ?
100 2.200100 +++ exited with 0 +++
`;

/** Two threads and a lock: one waits for 250.1 ms, and comes too late the second time. */
export const FUTEX = `500 1.000000 execve("/usr/bin/locks", ["locks"], 0x7ffd0 /* 3 vars */) = 0
500 1.100000 futex(0x7f00aa0010, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
501 1.350000 futex(0x7f00aa0010, FUTEX_WAKE_PRIVATE, 1) = 1
500 1.350100 <... futex resumed>) = 0
500 1.400000 futex(0x7f00aa0010, FUTEX_WAIT_PRIVATE, 2, NULL) = -1 EAGAIN (Resource temporarily unavailable)
`;

/** What the kernel itself tells of: two CPUs take a speed, and a compiler waits 400 us for memory. */
export const EVENTS = `# tracer: nop
          <idle>-0       [000] d.h..    10.000000: cpu_frequency: state=2400000 cpu_id=0
          <idle>-0       [001] d.h..    10.000100: cpu_frequency: state=1200000 cpu_id=1
              cc-300     [000] .....    10.100000: mm_vmscan_direct_reclaim_begin: order=2 gfp_flags=GFP_KERNEL
              cc-300     [000] .....    10.100400: mm_vmscan_direct_reclaim_end: nr_reclaimed=33
`;

/** Two interrupts of a disk, of 150 and 40 us, and a page that is moved to another node in 300 us. */
export const IRQS = `# tracer: nop
          <idle>-0       [000] d.h..    10.000000: irq_handler_entry: irq=25 name=virtio0-req.0
          <idle>-0       [000] d.h..    10.000150: irq_handler_exit: irq=25 ret=handled
          <idle>-0       [000] d.h..    10.000300: irq_handler_entry: irq=25 name=virtio0-req.0
          <idle>-0       [000] d.h..    10.000340: irq_handler_exit: irq=25 ret=handled
              cc-300     [001] .....    10.001000: mm_migrate_pages_start: mode=MIGRATE_ASYNC reason=numa_misplaced
              cc-300     [001] .....    10.001300: mm_migrate_pages: nr_succeeded=1 nr_failed=0 nr_thp_succeeded=0 nr_thp_failed=0 nr_thp_split=0 nr_split=0 mode=MIGRATE_ASYNC reason=numa_misplaced
`;
