/** What the browser side uses of the web's API, all of it optional: a bare context lacks some. */
declare module 'ebpf-emu:data' {
  /** The package's data files in base64, by name: the build puts them there. */
  export const files: Readonly<Record<string, string>>;
}
