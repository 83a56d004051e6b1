; func 0 bpf_prog_0abd3e7c5d71d955_hello address 0xffffffffc000072c length 45
ffffffffc000072c     0:	f3 0f 1e fa                     endbr64
ffffffffc0000730     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000735     9:	0f 1f 00                        nopl   (%rax)
ffffffffc0000738     c:	55                              push   %rbp
ffffffffc0000739     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc000073c    10:	f3 0f 1e fa                     endbr64
ffffffffc0000740    14:	48 bf 08 e3 80 00 81 88 ff ff   movabs $0xffff88810080e308,%rdi
ffffffffc000074a    1e:	be 0e 00 00 00                  mov    $0xe,%esi
ffffffffc000074f    23:	e8 0c e5 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc0000754    28:	31 c0                           xor    %eax,%eax
ffffffffc0000756    2a:	c9                              leave
ffffffffc0000757    2b:	c3                              ret
ffffffffc0000758    2c:	cc                              int3
