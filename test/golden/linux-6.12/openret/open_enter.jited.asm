; func 0 bpf_prog_a2782e80c654b953_open_enter address 0xffffffffc00007a8 length 80
ffffffffc00007a8     0:	f3 0f 1e fa                     endbr64
ffffffffc00007ac     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc00007b1     9:	0f 1f 00                        nopl   (%rax)
ffffffffc00007b4     c:	55                              push   %rbp
ffffffffc00007b5     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc00007b8    10:	f3 0f 1e fa                     endbr64
ffffffffc00007bc    14:	48 81 ec 10 00 00 00            sub    $0x10,%rsp
ffffffffc00007c3    1b:	e8 78 27 2c c1                  call   0xffffffff812c2f40 <bpf_get_current_pid_tgid>
ffffffffc00007c8    20:	89 45 fc                        mov    %eax,-0x4(%rbp)
ffffffffc00007cb    23:	e8 e0 28 2c c1                  call   0xffffffff812c30b0 <bpf_ktime_get_ns>
ffffffffc00007d0    28:	48 89 45 f0                     mov    %rax,-0x10(%rbp)
ffffffffc00007d4    2c:	48 89 ee                        mov    %rbp,%rsi
ffffffffc00007d7    2f:	48 83 c6 fc                     add    $0xfffffffffffffffc,%rsi
ffffffffc00007db    33:	48 89 ea                        mov    %rbp,%rdx
ffffffffc00007de    36:	48 83 c2 f0                     add    $0xfffffffffffffff0,%rdx
ffffffffc00007e2    3a:	48 bf 00 98 fe 00 81 88 ff ff   movabs $0xffff888100fe9800,%rdi
ffffffffc00007ec    44:	31 c9                           xor    %ecx,%ecx
ffffffffc00007ee    46:	e8 6d 05 2d c1                  call   0xffffffff812d0d60 <htab_map_update_elem>
ffffffffc00007f3    4b:	31 c0                           xor    %eax,%eax
ffffffffc00007f5    4d:	c9                              leave
ffffffffc00007f6    4e:	c3                              ret
ffffffffc00007f7    4f:	cc                              int3
