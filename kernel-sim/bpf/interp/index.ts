export { frameSize, type InterpFunc, type InterpProgram, predecode } from './decode.ts';
export { InterpMemory } from './memory.ts';
export { run } from './run.ts';
export { type InterpEnv, InvalidInsnError, R10, RunState } from './state.ts';
