/**
 * A module of the user's that encodes what Temporal stores (RATCHET_PAYLOAD_CODEC, as for encryption): loaded by every client and worker
 * alike, since what one encodes another must read. Named by the environment of a process, never by a run.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PayloadCodec } from '@temporalio/common';

const SHAPE =
  'export `default` (or `payloadCodec`): an object with encode(payloads) and decode(payloads), as a PayloadCodec of @temporalio/common';

/** @returns none where no module is named @throws Error naming the module and what is wrong with it */
export async function payloadCodecs(env: NodeJS.ProcessEnv = process.env): Promise<PayloadCodec[]> {
  const path = env.RATCHET_PAYLOAD_CODEC;
  if (!path) return [];
  let module: { default?: unknown; payloadCodec?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as typeof module;
  } catch (error) {
    throw new Error(
      `RATCHET_PAYLOAD_CODEC: ${path} can't be loaded: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const codec = module.default ?? module.payloadCodec;
  if (!isCodec(codec)) throw new Error(`RATCHET_PAYLOAD_CODEC: ${path} must ${SHAPE}`);
  return [codec];
}

const isCodec = (value: unknown): value is PayloadCodec =>
  typeof value === 'object' &&
  value !== null &&
  'encode' in value &&
  typeof value.encode === 'function' &&
  'decode' in value &&
  typeof value.decode === 'function';
