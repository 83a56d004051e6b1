; func 0 bpf_prog_425715e4842920c0_count_opens address 0xffffffffc0000918 length 155
ffffffffc0000918     0:	f3 0f 1e fa                     endbr64
ffffffffc000091c     4:	0f 1f 44 00 00                  nopl   0x0(%rax,%rax,1)
ffffffffc0000921     9:	0f 1f 00                        nopl   (%rax)
ffffffffc0000924     c:	55                              push   %rbp
ffffffffc0000925     d:	48 89 e5                        mov    %rsp,%rbp
ffffffffc0000928    10:	f3 0f 1e fa                     endbr64
ffffffffc000092c    14:	48 81 ec 10 00 00 00            sub    $0x10,%rsp
ffffffffc0000933    1b:	53                              push   %rbx
ffffffffc0000934    1c:	e8 07 26 2c c1                  call   0xffffffff812c2f40 <bpf_get_current_pid_tgid>
ffffffffc0000939    21:	48 c1 e8 20                     shr    $0x20,%rax
ffffffffc000093d    25:	89 45 fc                        mov    %eax,-0x4(%rbp)
ffffffffc0000940    28:	bb 01 00 00 00                  mov    $0x1,%ebx
ffffffffc0000945    2d:	48 89 5d f0                     mov    %rbx,-0x10(%rbp)
ffffffffc0000949    31:	48 89 ee                        mov    %rbp,%rsi
ffffffffc000094c    34:	48 83 c6 fc                     add    $0xfffffffffffffffc,%rsi
ffffffffc0000950    38:	48 bf 00 8c fe 00 81 88 ff ff   movabs $0xffff888100fe8c00,%rdi
ffffffffc000095a    42:	e8 31 cf 2c c1                  call   0xffffffff812cd890 <__htab_map_lookup_elem>
ffffffffc000095f    47:	48 85 c0                        test   %rax,%rax
ffffffffc0000962    4a:	74 04                           je     0xffffffffc0000968 <+0x50>
ffffffffc0000964    4c:	48 83 c0 38                     add    $0x38,%rax
ffffffffc0000968    50:	48 85 c0                        test   %rax,%rax
ffffffffc000096b    53:	74 07                           je     0xffffffffc0000974 <+0x5c>
ffffffffc000096d    55:	f0 48 01 58 00                  lock add %rbx,0x0(%rax)
ffffffffc0000972    5a:	eb 39                           jmp    0xffffffffc00009ad <+0x95>
ffffffffc0000974    5c:	48 89 ee                        mov    %rbp,%rsi
ffffffffc0000977    5f:	48 83 c6 fc                     add    $0xfffffffffffffffc,%rsi
ffffffffc000097b    63:	48 89 ea                        mov    %rbp,%rdx
ffffffffc000097e    66:	48 83 c2 f0                     add    $0xfffffffffffffff0,%rdx
ffffffffc0000982    6a:	48 bf 00 8c fe 00 81 88 ff ff   movabs $0xffff888100fe8c00,%rdi
ffffffffc000098c    74:	b9 01 00 00 00                  mov    $0x1,%ecx
ffffffffc0000991    79:	e8 ca 03 2d c1                  call   0xffffffff812d0d60 <htab_map_update_elem>
ffffffffc0000996    7e:	8b 55 fc                        mov    -0x4(%rbp),%edx
ffffffffc0000999    81:	48 bf 08 e1 d6 03 81 88 ff ff   movabs $0xffff888103d6e108,%rdi
ffffffffc00009a3    8b:	be 15 00 00 00                  mov    $0x15,%esi
ffffffffc00009a8    90:	e8 b3 e2 26 c1                  call   0xffffffff8126ec60 <bpf_trace_printk>
ffffffffc00009ad    95:	31 c0                           xor    %eax,%eax
ffffffffc00009af    97:	5b                              pop    %rbx
ffffffffc00009b0    98:	c9                              leave
ffffffffc00009b1    99:	c3                              ret
ffffffffc00009b2    9a:	cc                              int3
