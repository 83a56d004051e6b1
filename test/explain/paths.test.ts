/** Meanings that depend on what a log says of the path: pieces of logs of Linux 6.12.117. */
import { expect, it } from 'vitest';
import { explainRejection } from '../../src/explain/index.ts';

const means = (log: string): string | null | undefined =>
  explainRejection(`${log}\nprocessed 9 insns (limit 1000000)`)?.meaning;

it('a register is followed along the path that failed, to the call that released what it points into', () => {
  expect(
    means(`16: (bf) r1 = r0                      ; R0=sock(ref_obj_id=2) R1_w=sock(ref_obj_id=2) refs=2
17: (85) call bpf_tcp_sock#96         ; R0_w=tcp_sock_or_null(id=3,ref_obj_id=2) refs=2
18: (55) if r0 != 0x0 goto pc+3       ; R0_w=0 refs=2
19: (bf) r1 = r6                      ; R1_w=sock(ref_obj_id=2) R6_w=sock(ref_obj_id=2) refs=2
20: (85) call bpf_sk_release#86       ; R0_w=scalar()
21: (95) exit

from 18 to 22: R0_w=tcp_sock(ref_obj_id=2) R6_w=sock(ref_obj_id=2) R10=fp0 refs=2
22: R0_w=tcp_sock(ref_obj_id=2) R6_w=sock(ref_obj_id=2) R10=fp0 refs=2
22: (bf) r7 = r0                      ; R0_w=tcp_sock(ref_obj_id=2) R7_w=tcp_sock(ref_obj_id=2) refs=2
23: (bf) r1 = r6                      ; R1_w=sock(ref_obj_id=2) R6_w=sock(ref_obj_id=2) refs=2
24: (85) call bpf_sk_release#86       ; R0=scalar()
25: (61) r0 = *(u32 *)(r7 +0)
R7 invalid mem access 'scalar'`),
  ).toBe(
    'R7 pointed to a tcp_sock until instruction 24, call bpf_sk_release#86 released the reference that it belongs to: use it before that',
  );
});

it('a load from the packet by LD_IND leaves of the registers what a call does', () => {
  expect(
    means(`0: (bf) r6 = r1                       ; R1=ctx() R6_w=ctx()
1: (b7) r5 = 1                        ; R5_w=P1
2: (40) r0 = *(u32 *)skb[r5 + -2097152]       ; R0_w=Pscalar() R6_w=ctx()
3: (bf) r0 = r5
R5 !read_ok`),
  ).toMatch(/^instruction 2, .* leaves only R0 and R6 to R9, as a call does: what R5 held is gone$/);
});

it('a packet pointer at or behind the end is on the wrong branch', () => {
  expect(
    means(`2: (bf) r1 = r2                       ; R1_w=pkt(r=0) R2_w=pkt(r=0)
3: (07) r1 += 8                       ; R1_w=pkt(off=8,r=0)
4: (3d) if r1 >= r3 goto pc+0         ; R1_w=pkt(off=8,r=9) R3_w=pkt_end()
5: (61) r0 = *(u32 *)(r1 -5)          ; R0_w=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff)) R1_w=pkt(off=8,r=9)
7: (95) exit

from 4 to 5: R1=pkt(off=8,r=0xffffffffffffffff) R2=pkt(r=0) R3=pkt_end() R10=fp0
5: R1=pkt(off=8,r=0xffffffffffffffff) R2=pkt(r=0) R3=pkt_end() R10=fp0
5: (61) r0 = *(u32 *)(r1 -5)
R1 offset is outside of the packet`),
  ).toBe(
    'on this path a comparison with data_end has found that R1 is at the end of the packet or behind it: access it on the other branch',
  );
});

it('metadata is compared with data', () => {
  expect(
    means(`0: (61) r2 = *(u32 *)(r1 +8)          ; R1=ctx() R2_w=pkt_meta(r=0)
4: (2d) if r0 > r3 goto pc+1          ; R0_w=pkt_meta(off=8,r=0) R3_w=pkt_end()
5: (71) r0 = *(u8 *)(r2 +0)
invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)
R2 offset is outside of the packet`),
  ).toBe(
    '1 bytes at offset 0 of the metadata are accessed through R2, of which 0 are known to be there: compare with data that all of them are',
  );
});

it('an access that is too large is no index that varies', () => {
  expect(
    means(`8: (bf) r1 = r0                       ; R0_w=map_value(map=map_hash_48b,ks=8,vs=48) R1_w=map_value(map=map_hash_48b,ks=8,vs=48)
9: (b7) r2 = 56                       ; R2_w=56
11: (85) call bpf_probe_read_kernel#113
invalid access to map value, value_size=48 off=0 size=56
R1 min value is outside of the allowed memory range`),
  ).toBe('56 bytes at offset 0 of the 48 behind R1 are more than there are: access no more than that');
});

it('a state is quoted whole', () => {
  expect(
    means(`5: (0f) r2 += r10
6: R2=fp(smin=smin32=-8,smax=smax32=-4,var_off=(0xfffffffffffffff8; 0x4)) R10=fp0
8: (85) call bpf_map_lookup_elem#1
invalid variable-offset indirect access to stack R2 var_off=(0xfffffffffffffff8; 0x4) off=0 size=8`),
  ).toContain('(fp(smin=smin32=-8,smax=smax32=-4,var_off=(0xfffffffffffffff8; 0x4)))');
});
