; func 0 bpf_prog_c60a791dba9f14ca_first address 0xffffffffc0000b4c length 146
ffffffffc0000b4c     0:	f3 0f 1e fa                     endbr64
ffffffffc0000b50     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000b55     9:	48 31 c0                        xor    %rax,%rax
ffffffffc0000b58     c:	55                              push   %rbp
ffffffffc0000b59     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc0000b5c    10:	f3 0f 1e fa                     endbr64
ffffffffc0000b60    14:	48 83 f8 21                     cmp    $0x21,%rax
ffffffffc0000b64    18:	77 06                           ja     0xffffffffc0000b6c <+0x20>
ffffffffc0000b66    1a:	50                              push   %rax
ffffffffc0000b67    1b:	48 89 e0                        mov    %rsp,%rax
ffffffffc0000b6a    1e:	eb 01                           jmp    0xffffffffc0000b6d <+0x21>
ffffffffc0000b6c    20:	50                              push   %rax
ffffffffc0000b6d    21:	50                              push   %rax
ffffffffc0000b6e    22:	53                              push   %rbx
ffffffffc0000b6f    23:	48 89 fb                        mov    %rdi,%rbx
ffffffffc0000b72    26:	48 bf 16 13 81 00 81 88 ff ff   movabs $0xffff888100811316,%rdi
ffffffffc0000b7c    30:	be 0d 00 00 00                  mov    $0xd,%esi
ffffffffc0000b81    35:	48 8b 85 f0 ff ff ff            mov    -0x10(%rbp),%rax
ffffffffc0000b88    3c:	e8 d3 e0 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc0000b8d    41:	48 89 df                        mov    %rbx,%rdi
ffffffffc0000b90    44:	48 be 00 16 81 00 81 88 ff ff   movabs $0xffff888100811600,%rsi
ffffffffc0000b9a    4e:	ba 01 00 00 00                  mov    $0x1,%edx
ffffffffc0000b9f    53:	48 8b 85 f0 ff ff ff            mov    -0x10(%rbp),%rax
ffffffffc0000ba6    5a:	48 83 38 21                     cmpq   $0x21,(%rax)
ffffffffc0000baa    5e:	73 11                           jae    0xffffffffc0000bbd <+0x71>
ffffffffc0000bac    60:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000bb1    65:	48 83 00 01                     addq   $0x1,(%rax)
ffffffffc0000bb5    69:	5b                              pop    %rbx
ffffffffc0000bb6    6a:	58                              pop    %rax
ffffffffc0000bb7    6b:	58                              pop    %rax
ffffffffc0000bb8    6c:	e9 4f ff ff ff                  jmp    0xffffffffc0000b0c <bpf_prog_0abd3e7c5d71d955_second+0x10>
ffffffffc0000bbd    71:	48 bf 23 13 81 00 81 88 ff ff   movabs $0xffff888100811323,%rdi
ffffffffc0000bc7    7b:	be 0c 00 00 00                  mov    $0xc,%esi
ffffffffc0000bcc    80:	48 8b 85 f0 ff ff ff            mov    -0x10(%rbp),%rax
ffffffffc0000bd3    87:	e8 88 e0 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc0000bd8    8c:	31 c0                           xor    %eax,%eax
ffffffffc0000bda    8e:	5b                              pop    %rbx
ffffffffc0000bdb    8f:	c9                              leave
ffffffffc0000bdc    90:	c3                              ret
ffffffffc0000bdd    91:	cc                              int3
