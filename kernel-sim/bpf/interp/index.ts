export { forget, frameSize, type InterpFunc, type InterpProgram, predecode } from './decode.ts';
export { InterpMemory } from './memory.ts';
export { STRIDE } from './ops.ts';
export { makeRun, type Run } from './run.ts';
export { type InterpEnv, InvalidInsnError, R10, RunState } from './state.ts';
