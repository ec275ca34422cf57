import OpenAI from 'openai';
import { z } from 'zod';
import { fetchJson } from './transport.ts';

export type Role = 'generator' | 'critic' | 'trainer' | 'judge';

export type Extra = Record<string, unknown>;

export type EndpointSettings = { baseURL?: string; model?: string; apiKeyEnv?: string; extra?: Extra };

/** An OpenAI-compatible endpoint and the model that a role uses there. `extra`: further fields of each chat request. */
export type Endpoint = { baseURL: string; model: string; client: OpenAI; extra?: Extra };

/** No usable endpoint for a role: the message says what to set. */
export class EndpointError extends Error {}

/** The longest one request may take. Kept well under the start-to-close timeout of a page, one hour. */
export const requestTimeoutSchema = z.coerce.number().int().min(100).max(1_800_000).default(600_000);

/** RATCHET_REQUEST_TIMEOUT_MS, or ten minutes. @throws EndpointError when it is no such number */
export function requestTimeoutMs(): number {
  const given = process.env.RATCHET_REQUEST_TIMEOUT_MS;
  const parsed = requestTimeoutSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new EndpointError(
    `RATCHET_REQUEST_TIMEOUT_MS is "${given}": set it to whole milliseconds from 100 to 1800000, or leave it out.`,
  );
}

const clients = new Map<string, OpenAI>();

function clientFor(baseURL: string, apiKeyEnv: string | undefined): OpenAI {
  const timeout = requestTimeoutMs();
  const id = `${baseURL} ${apiKeyEnv ?? ''} ${timeout}`;
  const known = clients.get(id);
  if (known) return known;
  const apiKey = apiKeyEnv ? process.env[apiKeyEnv] : 'none';
  if (!apiKey) {
    throw new EndpointError(
      `The API key for ${baseURL} is missing: set the environment variable ${apiKeyEnv} for the workers.`,
    );
  }
  // Pages and Temporal retry; retries of the client's own would multiply with them and hide the waiting.
  const client = new OpenAI({
    baseURL,
    apiKey,
    maxRetries: 0,
    timeout,
    logLevel: 'off',
    fetch: fetchJson,
  });
  clients.set(id, client);
  return client;
}

/**
 * The endpoint of a role: the run's settings, else MODEL_BASE_URL (the local server) and the task's own
 * model name. @throws EndpointError when neither names one, or the key is missing
 */
export function resolveEndpoint(
  role: Role,
  settings: EndpointSettings,
  defaultModel: string | undefined,
): Endpoint {
  const baseURL = settings.baseURL ?? process.env.MODEL_BASE_URL;
  if (!baseURL) {
    throw new EndpointError(
      `No endpoint for the ${role}: set models.${role}.baseURL in the input, or MODEL_BASE_URL for the workers.`,
    );
  }
  const model = settings.model ?? defaultModel;
  if (!model) throw new EndpointError(`No model for the ${role}: set models.${role}.model in the input.`);
  const client = clientFor(baseURL, settings.apiKeyEnv);
  return settings.extra === undefined
    ? { baseURL, model, client }
    : { baseURL, model, client, extra: settings.extra };
}
