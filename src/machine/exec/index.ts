export { createStepper } from './stepper.ts';
