/** What keeps the door shut. */
import { EmuError } from '../errors/base.ts';

export class HostError extends EmuError {
  override readonly name = 'HostError';
}
