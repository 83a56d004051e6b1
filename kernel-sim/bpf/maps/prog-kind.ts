/** What programs that share a map of programs must have in common (`bpf_prog_map_compatible`). */
export interface ProgKind {
  readonly type: number;
  readonly jited: boolean;
  readonly xdpHasFrags: boolean;
}
export const isSameKind = (a: ProgKind, b: ProgKind): boolean =>
  a.type === b.type && a.jited === b.jited && a.xdpHasFrags === b.xdpHasFrags;
