; func 0 bpf_prog_df011211b86c16b1_count_packets address 0xffffffffc0000c10 length 218
ffffffffc0000c10     0:	f3 0f 1e fa                     endbr64
ffffffffc0000c14     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000c19     9:	0f 1f 00                        nopl   (%rax)
ffffffffc0000c1c     c:	55                              push   %rbp
ffffffffc0000c1d     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc0000c20    10:	f3 0f 1e fa                     endbr64
ffffffffc0000c24    14:	48 81 ec 08 00 00 00            sub    $0x8,%rsp
ffffffffc0000c2b    1b:	53                              push   %rbx
ffffffffc0000c2c    1c:	bb 02 00 00 00                  mov    $0x2,%ebx
ffffffffc0000c31    21:	48 8b 77 00                     mov    0x0(%rdi),%rsi
ffffffffc0000c35    25:	48 8b 7f 08                     mov    0x8(%rdi),%rdi
ffffffffc0000c39    29:	48 89 f2                        mov    %rsi,%rdx
ffffffffc0000c3c    2c:	48 83 c2 22                     add    $0x22,%rdx
ffffffffc0000c40    30:	48 39 fa                        cmp    %rdi,%rdx
ffffffffc0000c43    33:	77 55                           ja     0xffffffffc0000c9a <+0x8a>
ffffffffc0000c45    35:	48 0f b6 56 0c                  movzbq 0xc(%rsi),%rdx
ffffffffc0000c4a    3a:	48 0f b6 4e 0d                  movzbq 0xd(%rsi),%rcx
ffffffffc0000c4f    3f:	c1 e1 08                        shl    $0x8,%ecx
ffffffffc0000c52    42:	09 d1                           or     %edx,%ecx
ffffffffc0000c54    44:	83 f9 08                        cmp    $0x8,%ecx
ffffffffc0000c57    47:	75 41                           jne    0xffffffffc0000c9a <+0x8a>
ffffffffc0000c59    49:	48 0f b6 56 17                  movzbq 0x17(%rsi),%rdx
ffffffffc0000c5e    4e:	83 fa 11                        cmp    $0x11,%edx
ffffffffc0000c61    51:	75 37                           jne    0xffffffffc0000c9a <+0x8a>
ffffffffc0000c63    53:	48 83 c6 0e                     add    $0xe,%rsi
ffffffffc0000c67    57:	48 0f b6 56 00                  movzbq 0x0(%rsi),%rdx
ffffffffc0000c6c    5c:	48 c1 e2 02                     shl    $0x2,%rdx
ffffffffc0000c70    60:	48 83 e2 3c                     and    $0x3c,%rdx
ffffffffc0000c74    64:	48 01 d6                        add    %rdx,%rsi
ffffffffc0000c77    67:	48 89 f2                        mov    %rsi,%rdx
ffffffffc0000c7a    6a:	48 83 c2 08                     add    $0x8,%rdx
ffffffffc0000c7e    6e:	48 39 fa                        cmp    %rdi,%rdx
ffffffffc0000c81    71:	77 17                           ja     0xffffffffc0000c9a <+0x8a>
ffffffffc0000c83    73:	48 0f b7 7e 02                  movzwq 0x2(%rsi),%rdi
ffffffffc0000c88    78:	bb 01 00 00 00                  mov    $0x1,%ebx
ffffffffc0000c8d    7d:	81 ff 00 09 00 00               cmp    $0x900,%edi
ffffffffc0000c93    83:	74 05                           je     0xffffffffc0000c9a <+0x8a>
ffffffffc0000c95    85:	bb 02 00 00 00                  mov    $0x2,%ebx
ffffffffc0000c9a    8a:	bf 01 00 00 00                  mov    $0x1,%edi
ffffffffc0000c9f    8f:	83 fb 01                        cmp    $0x1,%ebx
ffffffffc0000ca2    92:	74 02                           je     0xffffffffc0000ca6 <+0x96>
ffffffffc0000ca4    94:	31 ff                           xor    %edi,%edi
ffffffffc0000ca6    96:	89 7d fc                        mov    %edi,-0x4(%rbp)
ffffffffc0000ca9    99:	48 89 ee                        mov    %rbp,%rsi
ffffffffc0000cac    9c:	48 83 c6 fc                     add    $0xfffffffffffffffc,%rsi
ffffffffc0000cb0    a0:	48 bf 00 14 81 00 81 88 ff ff   movabs $0xffff888100811400,%rdi
ffffffffc0000cba    aa:	48 81 c7 08 01 00 00            add    $0x108,%rdi
ffffffffc0000cc1    b1:	8b 46 00                        mov    0x0(%rsi),%eax
ffffffffc0000cc4    b4:	48 83 f8 02                     cmp    $0x2,%rax
ffffffffc0000cc8    b8:	73 09                           jae    0xffffffffc0000cd3 <+0xc3>
ffffffffc0000cca    ba:	48 c1 e0 03                     shl    $0x3,%rax
ffffffffc0000cce    be:	48 01 f8                        add    %rdi,%rax
ffffffffc0000cd1    c1:	eb 02                           jmp    0xffffffffc0000cd5 <+0xc5>
ffffffffc0000cd3    c3:	31 c0                           xor    %eax,%eax
ffffffffc0000cd5    c5:	48 85 c0                        test   %rax,%rax
ffffffffc0000cd8    c8:	74 0a                           je     0xffffffffc0000ce4 <+0xd4>
ffffffffc0000cda    ca:	bf 01 00 00 00                  mov    $0x1,%edi
ffffffffc0000cdf    cf:	f0 48 01 78 00                  lock add %rdi,0x0(%rax)
ffffffffc0000ce4    d4:	89 d8                           mov    %ebx,%eax
ffffffffc0000ce6    d6:	5b                              pop    %rbx
ffffffffc0000ce7    d7:	c9                              leave
ffffffffc0000ce8    d8:	c3                              ret
ffffffffc0000ce9    d9:	cc                              int3
