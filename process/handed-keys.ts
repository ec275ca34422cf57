/**
 * Keys that come after the start: whoever runs `ratchet run … --api-key-env MY_KEY` pairs a key with a host, and the stack, which has
 * the user's environment, hands the key to the processes that may send it. It travels over the pipe between them and lies nowhere.
 */
import { forgetSecrets } from './secrets.ts';

export type HandedKeys = { keys: Record<string, string> };

const isHanded = (message: unknown): message is HandedKeys =>
  typeof (message as HandedKeys | null)?.keys === 'object' && (message as HandedKeys).keys !== null;

/** Takes keys into this process's environment as its parent hands them over. Without a parent that does, nothing happens. */
export function receiveKeys(): void {
  if (!process.channel) return;
  process.on('message', (message) => {
    if (!isHanded(message)) return;
    Object.assign(process.env, message.keys);
    forgetSecrets();
  });
  // It must not keep a process alive whose work is done.
  process.channel.unref();
}
