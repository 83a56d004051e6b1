; func 0 bpf_prog_0abd3e7c5d71d955_second address 0xffffffffc0000afc length 45
ffffffffc0000afc     0:	f3 0f 1e fa                     endbr64
ffffffffc0000b00     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000b05     9:	0f 1f 00                        nopl   (%rax)
ffffffffc0000b08     c:	55                              push   %rbp
ffffffffc0000b09     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc0000b0c    10:	f3 0f 1e fa                     endbr64
ffffffffc0000b10    14:	48 bf 08 13 81 00 81 88 ff ff   movabs $0xffff888100811308,%rdi
ffffffffc0000b1a    1e:	be 0e 00 00 00                  mov    $0xe,%esi
ffffffffc0000b1f    23:	e8 3c e1 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc0000b24    28:	31 c0                           xor    %eax,%eax
ffffffffc0000b26    2a:	c9                              leave
ffffffffc0000b27    2b:	c3                              ret
ffffffffc0000b28    2c:	cc                              int3
