import { imageDigest } from '../../sandbox/image.ts';
import { failureOf } from './failure.ts';

/**
 * What the containers of this worker are made of (SHA-256, hex). Reads programs' names and sizes, writes nothing.
 *
 * @throws SandboxUnavailable, not retried, where a folder of tools can't be read
 */
export async function describeImage(): Promise<string> {
  try {
    return await Promise.resolve(imageDigest());
  } catch (error) {
    throw failureOf(error);
  }
}
