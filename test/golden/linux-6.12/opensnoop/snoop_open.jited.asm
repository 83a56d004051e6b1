; func 0 bpf_prog_3bf1fda76c224d71_snoop_open address 0xffffffffc00009cc length 181
ffffffffc00009cc     0:	f3 0f 1e fa                     endbr64
ffffffffc00009d0     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc00009d5     9:	0f 1f 00                        nopl   (%rax)
ffffffffc00009d8     c:	55                              push   %rbp
ffffffffc00009d9     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc00009dc    10:	f3 0f 1e fa                     endbr64
ffffffffc00009e0    14:	53                              push   %rbx
ffffffffc00009e1    15:	41 55                           push   %r13
ffffffffc00009e3    17:	41 56                           push   %r14
ffffffffc00009e5    19:	41 57                           push   %r15
ffffffffc00009e7    1b:	4c 8b 6f 68                     mov    0x68(%rdi),%r13
ffffffffc00009eb    1f:	48 bf 00 8c ef 03 81 88 ff ff   movabs $0xffff888103ef8c00,%rdi
ffffffffc00009f5    29:	be 60 00 00 00                  mov    $0x60,%esi
ffffffffc00009fa    2e:	31 d2                           xor    %edx,%edx
ffffffffc00009fc    30:	e8 cf 8e 2d c1                  call   0xffffffff812d98d0 <bpf_ringbuf_reserve>
ffffffffc0000a01    35:	48 89 c3                        mov    %rax,%rbx
ffffffffc0000a04    38:	48 85 db                        test   %rbx,%rbx
ffffffffc0000a07    3b:	74 6c                           je     0xffffffffc0000a75 <+0xa9>
ffffffffc0000a09    3d:	e8 32 25 2c c1                  call   0xffffffff812c2f40 <bpf_get_current_pid_tgid>
ffffffffc0000a0e    42:	48 c1 e8 20                     shr    $0x20,%rax
ffffffffc0000a12    46:	89 43 00                        mov    %eax,0x0(%rbx)
ffffffffc0000a15    49:	e8 96 27 2c c1                  call   0xffffffff812c31b0 <bpf_get_current_uid_gid>
ffffffffc0000a1a    4e:	89 43 04                        mov    %eax,0x4(%rbx)
ffffffffc0000a1d    51:	e8 8e 26 2c c1                  call   0xffffffff812c30b0 <bpf_ktime_get_ns>
ffffffffc0000a22    56:	48 89 43 08                     mov    %rax,0x8(%rbx)
ffffffffc0000a26    5a:	49 89 de                        mov    %rbx,%r14
ffffffffc0000a29    5d:	49 83 c6 10                     add    $0x10,%r14
ffffffffc0000a2d    61:	4c 89 f7                        mov    %r14,%rdi
ffffffffc0000a30    64:	be 10 00 00 00                  mov    $0x10,%esi
ffffffffc0000a35    69:	e8 e6 27 2c c1                  call   0xffffffff812c3220 <bpf_get_current_comm>
ffffffffc0000a3a    6e:	49 89 df                        mov    %rbx,%r15
ffffffffc0000a3d    71:	49 83 c7 20                     add    $0x20,%r15
ffffffffc0000a41    75:	4c 89 ff                        mov    %r15,%rdi
ffffffffc0000a44    78:	be 40 00 00 00                  mov    $0x40,%esi
ffffffffc0000a49    7d:	4c 89 ea                        mov    %r13,%rdx
ffffffffc0000a4c    80:	e8 bf b4 26 c1                  call   0xffffffff8126bf10 <bpf_probe_read_user_str>
ffffffffc0000a51    85:	48 bf 08 1d 81 00 81 88 ff ff   movabs $0xffff888100811d08,%rdi
ffffffffc0000a5b    8f:	be 0c 00 00 00                  mov    $0xc,%esi
ffffffffc0000a60    94:	4c 89 f2                        mov    %r14,%rdx
ffffffffc0000a63    97:	4c 89 f9                        mov    %r15,%rcx
ffffffffc0000a66    9a:	e8 f5 e1 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc0000a6b    9f:	48 89 df                        mov    %rbx,%rdi
ffffffffc0000a6e    a2:	31 f6                           xor    %esi,%esi
ffffffffc0000a70    a4:	e8 eb 94 2d c1                  call   0xffffffff812d9f60 <bpf_ringbuf_submit>
ffffffffc0000a75    a9:	31 c0                           xor    %eax,%eax
ffffffffc0000a77    ab:	41 5f                           pop    %r15
ffffffffc0000a79    ad:	41 5e                           pop    %r14
ffffffffc0000a7b    af:	41 5d                           pop    %r13
ffffffffc0000a7d    b1:	5b                              pop    %rbx
ffffffffc0000a7e    b2:	c9                              leave
ffffffffc0000a7f    b3:	c3                              ret
ffffffffc0000a80    b4:	cc                              int3
