/** elfy has no types of its own. */
declare module 'elfy' {
  const elfy: { parse(bytes: Uint8Array): unknown };
  export default elfy;
}
