; func 0 bpf_prog_d3812caabae28670_exec_enter address 0xffffffffc0000660 length 81
ffffffffc0000660     0:	f3 0f 1e fa                     endbr64
ffffffffc0000664     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000669     9:	0f 1f 00                        nopl   (%rax)
ffffffffc000066c     c:	55                              push   %rbp
ffffffffc000066d     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc0000670    10:	f3 0f 1e fa                     endbr64
ffffffffc0000674    14:	48 81 ec 40 00 00 00            sub    $0x40,%rsp
ffffffffc000067b    1b:	53                              push   %rbx
ffffffffc000067c    1c:	48 8b 57 10                     mov    0x10(%rdi),%rdx
ffffffffc0000680    20:	48 89 eb                        mov    %rbp,%rbx
ffffffffc0000683    23:	48 83 c3 c0                     add    $0xffffffffffffffc0,%rbx
ffffffffc0000687    27:	48 89 df                        mov    %rbx,%rdi
ffffffffc000068a    2a:	be 40 00 00 00                  mov    $0x40,%esi
ffffffffc000068f    2f:	e8 7c b8 26 c1                  call   0xffffffff8126bf10 <bpf_probe_read_user_str>
ffffffffc0000694    34:	48 bf 08 e7 80 00 81 88 ff ff   movabs $0xffff88810080e708,%rdi
ffffffffc000069e    3e:	be 08 00 00 00                  mov    $0x8,%esi
ffffffffc00006a3    43:	48 89 da                        mov    %rbx,%rdx
ffffffffc00006a6    46:	e8 b5 e5 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc00006ab    4b:	31 c0                           xor    %eax,%eax
ffffffffc00006ad    4d:	5b                              pop    %rbx
ffffffffc00006ae    4e:	c9                              leave
ffffffffc00006af    4f:	c3                              ret
ffffffffc00006b0    50:	cc                              int3
