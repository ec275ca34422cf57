import OpenAI from 'openai';
import { z } from 'zod';
import { baseUrlProblem } from './base-url.ts';
import { ProxyError, proxiesIn } from '../process/proxy.ts';
import { KeyError, keyFor } from './keys.ts';
import { fetchJson } from './transport.ts';

export type Role = 'generator' | 'teacher' | 'critic' | 'trainer' | 'judge';

export type Extra = Record<string, unknown>;

export type EndpointSettings = {
  baseURL?: string;
  model?: string;
  apiKeyEnv?: string;
  extra?: Extra;
  replicas?: string[];
};

/**
 * An OpenAI-compatible endpoint and the model that a role uses there. `extra`: further fields of each chat request. `replicas`: the servers
 * behind it, into each of which adapters are loaded. `base`: what the model is an adapter of, where it was loaded there by call.
 */
export type Endpoint = {
  baseURL: string;
  model: string;
  client: OpenAI;
  extra?: Extra;
  replicas?: { baseURL: string; client: OpenAI }[];
  base?: string;
};

/** No usable endpoint for a role: the message says what to set. */
export class EndpointError extends Error {}

/** The longest one request may take. Kept well under the start-to-close timeout of a page, one hour. */
export const requestTimeoutSchema = z.coerce.number().int().min(100).max(1_800_000).default(600_000);

/** RATCHET_REQUEST_TIMEOUT_MS, or ten minutes. @throws EndpointError when it is no such number */
function requestTimeoutMs(): number {
  const given = process.env.RATCHET_REQUEST_TIMEOUT_MS;
  const parsed = requestTimeoutSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new EndpointError(
    `RATCHET_REQUEST_TIMEOUT_MS is "${given}": set it to whole milliseconds from 100 to 1800000, or leave it out.`,
  );
}

/** What an endpoint without a key is sent: the client insists on one. */
const NO_KEY = 'none';

const clients = new Map<string, OpenAI>();

function keyOf(baseURL: string, apiKeyEnv: string | undefined): string {
  if (apiKeyEnv === undefined) return NO_KEY;
  try {
    return keyFor(baseURL, apiKeyEnv);
  } catch (error) {
    throw error instanceof KeyError ? new EndpointError(error.message) : error;
  }
}

/** A proxy that is none would fail each call as a broken connection, which is tried again and again. */
function checkProxies(): void {
  try {
    proxiesIn(process.env);
  } catch (error) {
    throw error instanceof ProxyError ? new EndpointError(error.message) : error;
  }
}

/** The client adds the headers of OPENAI_CUSTOM_HEADERS to every request: each is taken out again. */
const withheldHeaders = (custom = ''): Record<string, null> =>
  Object.fromEntries(
    custom.split('\n').flatMap((line) => (line.includes(':') ? [[line.split(':')[0]!.trim(), null]] : [])),
  );

function clientFor(baseURL: string, apiKeyEnv: string | undefined): OpenAI {
  checkProxies();
  const timeout = requestTimeoutMs();
  const apiKey = keyOf(baseURL, apiKeyEnv);
  const id = JSON.stringify([baseURL, apiKey, timeout]);
  const known = clients.get(id);
  if (known) return known;
  // Pages and Temporal retry; retries of the client's own would multiply with them and hide the waiting.
  const client = new OpenAI({
    baseURL,
    apiKey,
    // What the client would read from the environment otherwise, and send to every endpoint.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    defaultHeaders: withheldHeaders(process.env.OPENAI_CUSTOM_HEADERS),
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
  const problem = baseUrlProblem(baseURL);
  if (problem) {
    const source = settings.baseURL === undefined ? 'MODEL_BASE_URL' : `models.${role}.baseURL`;
    throw new EndpointError(`The endpoint of the ${role}: ${source} ${problem}.`);
  }
  const model = settings.model ?? defaultModel;
  if (!model) throw new EndpointError(`No model for the ${role}: set models.${role}.model in the input.`);
  const client = clientFor(baseURL, settings.apiKeyEnv);
  const replicas = settings.replicas?.map((url) => ({
    baseURL: url,
    client: clientFor(url, settings.apiKeyEnv),
  }));
  return {
    baseURL,
    model,
    client,
    ...(settings.extra === undefined ? {} : { extra: settings.extra }),
    ...(replicas ? { replicas } : {}),
  };
}
