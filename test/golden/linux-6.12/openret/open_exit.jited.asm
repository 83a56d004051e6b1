; func 0 bpf_prog_6d2664d0870fa52e_open_exit address 0xffffffffc0000834 length 172
ffffffffc0000834     0:	f3 0f 1e fa                     endbr64
ffffffffc0000838     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc000083d     9:	0f 1f 00                        nopl   (%rax)
ffffffffc0000840     c:	55                              push   %rbp
ffffffffc0000841     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc0000844    10:	f3 0f 1e fa                     endbr64
ffffffffc0000848    14:	48 81 ec 08 00 00 00            sub    $0x8,%rsp
ffffffffc000084f    1b:	53                              push   %rbx
ffffffffc0000850    1c:	41 55                           push   %r13
ffffffffc0000852    1e:	48 8b 5f 50                     mov    0x50(%rdi),%rbx
ffffffffc0000856    22:	e8 e5 26 2c c1                  call   0xffffffff812c2f40 <bpf_get_current_pid_tgid>
ffffffffc000085b    27:	89 45 fc                        mov    %eax,-0x4(%rbp)
ffffffffc000085e    2a:	48 89 ee                        mov    %rbp,%rsi
ffffffffc0000861    2d:	48 83 c6 fc                     add    $0xfffffffffffffffc,%rsi
ffffffffc0000865    31:	48 bf 00 98 fe 00 81 88 ff ff   movabs $0xffff888100fe9800,%rdi
ffffffffc000086f    3b:	e8 1c d0 2c c1                  call   0xffffffff812cd890 <__htab_map_lookup_elem>
ffffffffc0000874    40:	48 85 c0                        test   %rax,%rax
ffffffffc0000877    43:	74 04                           je     0xffffffffc000087d <+0x49>
ffffffffc0000879    45:	48 83 c0 38                     add    $0x38,%rax
ffffffffc000087d    49:	49 89 c5                        mov    %rax,%r13
ffffffffc0000880    4c:	4d 85 ed                        test   %r13,%r13
ffffffffc0000883    4f:	74 53                           je     0xffffffffc00008d8 <+0xa4>
ffffffffc0000885    51:	e8 26 28 2c c1                  call   0xffffffff812c30b0 <bpf_ktime_get_ns>
ffffffffc000088a    56:	49 8b 7d 00                     mov    0x0(%r13),%rdi
ffffffffc000088e    5a:	48 29 f8                        sub    %rdi,%rax
ffffffffc0000891    5d:	48 83 fb ff                     cmp    $0xffffffffffffffff,%rbx
ffffffffc0000895    61:	7f 11                           jg     0xffffffffc00008a8 <+0x74>
ffffffffc0000897    63:	48 bf 08 eb 80 00 81 88 ff ff   movabs $0xffff88810080eb08,%rdi
ffffffffc00008a1    6d:	be 23 00 00 00                  mov    $0x23,%esi
ffffffffc00008a6    72:	eb 0f                           jmp    0xffffffffc00008b7 <+0x83>
ffffffffc00008a8    74:	48 bf 2b eb 80 00 81 88 ff ff   movabs $0xffff88810080eb2b,%rdi
ffffffffc00008b2    7e:	be 1f 00 00 00                  mov    $0x1f,%esi
ffffffffc00008b7    83:	48 89 da                        mov    %rbx,%rdx
ffffffffc00008ba    86:	48 89 c1                        mov    %rax,%rcx
ffffffffc00008bd    89:	e8 9e e3 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc00008c2    8e:	48 89 ee                        mov    %rbp,%rsi
ffffffffc00008c5    91:	48 83 c6 fc                     add    $0xfffffffffffffffc,%rsi
ffffffffc00008c9    95:	48 bf 00 98 fe 00 81 88 ff ff   movabs $0xffff888100fe9800,%rdi
ffffffffc00008d3    9f:	e8 18 f4 2c c1                  call   0xffffffff812cfcf0 <htab_map_delete_elem>
ffffffffc00008d8    a4:	31 c0                           xor    %eax,%eax
ffffffffc00008da    a6:	41 5d                           pop    %r13
ffffffffc00008dc    a8:	5b                              pop    %rbx
ffffffffc00008dd    a9:	c9                              leave
ffffffffc00008de    aa:	c3                              ret
ffffffffc00008df    ab:	cc                              int3
