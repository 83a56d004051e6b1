/** Frames that the scripts' programs run on. */
const eth = (type: string): string => `0a0b0c0d0e0f02030405060700${''}`.slice(0, 24) + type;
const ip4 = (protocol: string, length: number, tos = '00'): string =>
  `45${tos}${length.toString(16).padStart(4, '0')}1234400040${protocol}0000c0a80102c0a80203`;
const ip6 = (next: string, length: number, tc = '60000000'): string =>
  `${tc}${length.toString(16).padStart(4, '0')}${next}4020010db800000000000000000000000120010db8000000000000000000000002`;
const TCP = '04d20050000003e800000000501272100000' + '0000';
const UDP = '04d200350018abcd';
const DATA = '000102030405060708090a0b0c0d0e0f';

export const PACKETS: Readonly<Record<string, string>> = {
  none: '',
  tcp4: eth('0800') + ip4('06', 56) + TCP + DATA,
  ect4: eth('0800') + ip4('11', 44, '02') + UDP + DATA,
  udp4: eth('0800') + ip4('11', 44) + UDP + DATA,
  tcp6: eth('86dd') + ip6('06', 36) + TCP + DATA,
  ect6: eth('86dd') + ip6('11', 24, '60100000') + UDP + DATA,
  udp6: eth('86dd') + ip6('11', 24) + UDP + DATA,
  vlan: `${eth('8100')}00050800${ip4('06', 56)}${TCP}${DATA}`,
  arp: `${eth('0806')}0001080006040001020304050607c0a80102000000000000c0a80203`,
  ipip: eth('0800') + ip4('04', 76) + ip4('06', 56) + TCP + DATA,
  srv6: `${eth('86dd')}${ip6('2b', 76)}0604040200000000${'20010db8000000000000000000000003'}${'20010db8000000000000000000000002'}0a04aabbccdd0000${TCP}`,
};
