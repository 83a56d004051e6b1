/** Helpers after which packet pointers are stale (bpf_helper_changes_pkt_data()). */
const changing = new Set([
  'clone_redirect',
  'l3_csum_replace',
  'l4_csum_replace',
  'lwt_push_encap',
  'lwt_seg6_action',
  'lwt_seg6_adjust_srh',
  'lwt_seg6_store_bytes',
  'msg_pop_data',
  'msg_pull_data',
  'msg_push_data',
  'skb_adjust_room',
  'skb_change_head',
  'skb_change_proto',
  'skb_change_tail',
  'skb_pull_data',
  'skb_store_bytes',
  'skb_vlan_pop',
  'skb_vlan_push',
  'store_hdr_opt',
  'tail_call',
  'xdp_adjust_head',
  'xdp_adjust_meta',
  'xdp_adjust_tail',
]);

export const changesPacketData = (helper: string): boolean => changing.has(helper);
