/** What is in a kernel, and what came out of it, as text and JSON in the words of the field's tools. */

export { type Annotated, annotate, annotatedHtml, annotatedText } from './annotate.ts';
export { typesJson } from './bpftool/btf.ts';
export { type DumpOptions, dumpPrograms } from './bpftool/dump.ts';
export { bpftool, type ShowOptions } from './bpftool/index.ts';
export { chainText } from './chain.ts';
export { type Compared, compared, differs, diffText } from './diff.ts';
export { histogram } from './histogram.ts';
export { type Json, type JsonStyle, jsonText, Literal, Members } from './json.ts';
export { type Names, namesOf } from './names.ts';
export { readable } from './readable.ts';
export { checkTypes, type RecordOptions, RecordPrinter } from './records/printer.ts';
export { looksLikeSlots, type Slots, slotsOf, unitOf } from './slots.ts';
export { functionBytes, textDump, trampolineDump } from './text.ts';
export { compareRuns, type Stats, statsOfLog, type VeristatOptions, veristat } from './veristat/index.ts';
