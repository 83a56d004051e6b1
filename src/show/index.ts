/** What is in a kernel, and what came out of it, as text and JSON in the words of the field's tools. */
export { bpftool, type ShowOptions } from './bpftool/index.ts';
export { type Json, type JsonStyle, jsonText, Literal, Members } from './json.ts';
