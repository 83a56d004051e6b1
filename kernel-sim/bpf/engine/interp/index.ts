export { frameSize, type InterpFunc, type InterpProgram, predecode } from './decode.ts';
export { BUDGET_SPENT, type InterpEnv, Interpreter, InvalidInsnError, type Progress } from './run.ts';
export { SLOT_BYTES } from './zone.ts';
