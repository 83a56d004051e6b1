/** Fields that are read back from what an event's `print fmt` printed: lines as Linux 6.12 writes them. */
import { expect, it } from 'vitest';
import { cConstant } from '../../src/replay/trace-events/c-constant.ts';
import { printedFields } from '../../src/replay/trace-events/print-fmt.ts';

it.each<[string, string, object | null | undefined]>([
  [
    'sched_pi_setprio',
    'comm=a b pid=5 oldprio=120 newprio=100',
    { comm: 'a b', pid: '5', oldprio: '120', newprio: '100' },
  ],
  // both parts of a device's number; text in the middle
  [
    'block_bio_remap',
    '254,0 R 2048 + 8 <- (254,1) 0',
    { dev: '266338304', rwbs: 'R', sector: '2048', nr_sector: '8', old_dev: '266338305', old_sector: '0' },
  ],
  // flags by name, and one text of two
  [
    'kmem_cache_alloc',
    'call_site=getname_flags+0x38/0x1d0 ptr=00000000aa bytes_req=4096 bytes_alloc=4096 gfp_flags=GFP_KERNEL node=-1 accounted=false',
    {
      call_site: 'getname_flags+0x38/0x1d0',
      ptr: '170',
      bytes_req: '4096',
      bytes_alloc: '4096',
      gfp_flags: '3264',
      accounted: '0',
      node: '-1',
    },
  ],
  [
    'writeback_dirty_inode',
    'bdi 254:0: ino=1234 state= flags=I_DIRTY_SYNC|I_DIRTY_PAGES',
    { name: '254:0', ino: '1234', state: '0', flags: '40' },
  ],
  [
    'mm_compaction_begin',
    'zone_start=0x1 migrate_pfn=0x2 free_pfn=0x3 zone_end=0x4, mode=async',
    { zone_start: '1', migrate_pfn: '2', free_pfn: '3', zone_end: '4', sync: '0' },
  ],
  // several parts of one field
  [
    'timer_start',
    'timer=00000000cc function=process_timeout expires=4294937296 [timeout=100] bucket_expiry=4294937296 cpu=1 idx=12 flags=D|I',
    {
      timer: '204',
      function: 'process_timeout',
      expires: '4294937296',
      bucket_expiry: '4294937296',
      flags: String(1 | (12 << 22) | 0x280000),
    },
  ],
  // addresses, as bytes
  [
    'inet_sock_set_state',
    'family=AF_INET6 protocol=IPPROTO_TCP sport=0 dport=80 saddr=0.0.0.0 daddr=0.0.0.0 saddrv6=2001:db8::1 daddrv6=::1 oldstate=TCP_CLOSE newstate=TCP_SYN_SENT',
    {
      family: '10',
      protocol: '6',
      sport: '0',
      dport: '80',
      saddr: 'bytes:00000000',
      daddr: 'bytes:00000000',
      saddr_v6: 'bytes:20010db8000000000000000000000001',
      daddr_v6: `bytes:${'00'.repeat(15)}01`,
      oldstate: '7',
      newstate: '2',
    },
  ],
  ['kfree', 'junk', null],
  ['no_such_event', 'a=1', undefined],
])('%s', (event, text, fields) => {
  expect(printedFields(event, text)).toEqual(fields);
});

it.each([
  ['( unsigned long)((( gfp_t)(1UL << (6))) | (( gfp_t)0x4))', 0x44n],
  ['~0 & 0xff', 0xffn],
  ['1 << 2 + 1', 8n],
  ['-1UL', 0xffff_ffff_ffff_ffffn],
  ['1 << 64', undefined],
  ['name', undefined],
  ['(1', undefined],
])('%s', (text, value) => {
  expect(cConstant(text)).toBe(value);
});
