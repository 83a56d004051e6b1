/** Sizes that packets have in the kernel, and their bytes' order. */

export const ETH_HLEN = 14;
/** the tag of IEEE 802.1Q */
export const VLAN_HLEN = 4;
/** NET_SKB_PAD + NET_IP_ALIGN: room in front of a test packet's data. */
export const SKB_HEADROOM = 64;
/** SKB_DATA_ALIGN(sizeof(struct skb_shared_info)): room behind it. */
export const SHARED_INFO = 320;
/** XDP_PACKET_HEADROOM */
export const XDP_HEADROOM = 256;

/** between the network's byte order and the host's */
export const swap16 = (n: number): number => ((n & 0xff) << 8) | (n >> 8);
