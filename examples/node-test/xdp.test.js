import { equal } from 'node:assert/strict';
import { afterEach, before, beforeEach, test } from 'node:test';
import { assertEntries, assertRetval, BpfObject, Kernel } from 'ebpf-emu';

let kernel;
let loaded;
let mark;
before(async () => {
  kernel = await Kernel.boot();
  loaded = BpfObject.open('xdp_count.o').load(kernel);
  mark = kernel.save();
});
// each test begins where the program was loaded
beforeEach(() => kernel.restore(mark));
afterEach(() => kernel.restoreMocks());

/** Ethernet, IPv4, and the port that UDP has for its destination */
function packet(protocol, port) {
  const bytes = new Uint8Array(64);
  bytes.set([0x08, 0x00, 0x45], 12);
  bytes[23] = protocol;
  bytes.set([port >> 8, port & 0xff], 36);
  return bytes;
}

for (const [protocol, port, verdict] of [
  [17, 9, 'XDP_DROP'],
  [17, 53, 'XDP_PASS'],
  [6, 9, 'XDP_PASS'],
])
  test(`${verdict} for protocol ${protocol} to port ${port}`, () => {
    assertRetval(loaded.programs.count_packets.testRun({ dataIn: packet(protocol, port) }), verdict);
    equal(loaded.maps.packets.get(verdict === 'XDP_DROP' ? 1 : 0), 1n);
  });

test('counts nothing before', () => {
  assertEntries(loaded.maps.packets, [
    [0, 0],
    [1, 0],
  ]);
});
