/**
 * Requests to endpoints, by way of the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name (in capitals or small letters, the small
 * ones first, as curl has it). Loopback addresses are asked directly, whatever is set.
 *
 * Covers: every request of Ratchet's own to a model's endpoint. Does not cover: PostgreSQL and Temporal, which speak no HTTP/1.1;
 * SOCKS; ALL_PROXY; programs of others (pip, uv and Hugging Face's client read the variables themselves).
 */
import { Agent, EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';
import { hostName, isLoopback } from './access.ts';
import { redacted } from './secrets.ts';

/**
 * Node's fetch gives up after five minutes without headers, whatever time the client grants (RATCHET_REQUEST_TIMEOUT_MS): a slow
 * endpoint's answer would be paid for, lost, and asked for again. The client's limit is the only one.
 */
const PATIENT = { headersTimeout: 0, bodyTimeout: 0 };

export type Proxies = { http?: string; https?: string; no: string };

/** A proxy that can't be used: the message names the variable, and quotes nothing of what it holds. */
export class ProxyError extends Error {}

function proxyIn(env: NodeJS.ProcessEnv, ...names: string[]): string | undefined {
  const name = names.find((one) => env[one]);
  if (name === undefined) return undefined;
  const given = env[name]!;
  // `proxy:3128` is how many write it.
  const url = given.includes('://') ? given : `http://${given}`;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new ProxyError(
    `${name} is no address of an HTTP proxy: write it as http://HOST:PORT (SOCKS is not followed), or unset it.`,
  );
}

/** @throws ProxyError */
export function proxiesIn(env: NodeJS.ProcessEnv): Proxies {
  const http = proxyIn(env, 'http_proxy', 'HTTP_PROXY');
  const https = proxyIn(env, 'https_proxy', 'HTTPS_PROXY');
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), no: env.no_proxy ?? env.NO_PROXY ?? '' };
}

const direct = new Agent(PATIENT);
let proxied: { id: string; agent: Dispatcher } | undefined;

/** What carries a request to this address. @throws ProxyError */
export function dispatcherFor(url: string | URL, env: NodeJS.ProcessEnv = process.env): Dispatcher {
  const { http, https, no } = proxiesIn(env);
  if ((http ?? https) === undefined || isLoopback(hostName(String(url)) ?? '')) return direct;
  const id = JSON.stringify([http, https, no]);
  if (proxied?.id !== id) {
    // An empty text is no proxy; undefined would have the agent look into the environment itself. Plain HTTP is asked of the proxy
    // (most let no tunnel through to other ports than 443); what is encrypted goes through a tunnel.
    const agent = new EnvHttpProxyAgent({
      ...PATIENT,
      httpProxy: http ?? '',
      httpsProxy: https ?? '',
      noProxy: no,
      proxyTunnel: false,
      factory: (origin: string | URL, options: object) => new Pool(origin, { ...options, ...PATIENT }),
    } as ConstructorParameters<typeof EnvHttpProxyAgent>[0]);
    proxied = { id, agent };
  }
  return proxied.agent;
}

/** `fetch` that follows the proxies of the environment, and waits as long as the caller does. */
export async function fetchThrough(url: string | URL, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, dispatcher: dispatcherFor(url) } as RequestInit);
}

/** gRPC's client follows `http_proxy` even to this machine: options of a connection to Temporal there. */
export function grpcOptions(address: string): { channelArgs?: Record<string, number> } {
  return isLoopback(hostName(address) ?? '') ? { channelArgs: { 'grpc.enable_http_proxy': 0 } } : {};
}

/** What is followed, for people: without users and passwords. */
export function proxyText(env: NodeJS.ProcessEnv): { ok: boolean; text: string } {
  try {
    const { http, https, no } = proxiesIn(env);
    const ignored = (env.all_proxy ?? env.ALL_PROXY) ? '; ALL_PROXY is not followed' : '';
    if ((http ?? https) === undefined) return { ok: ignored === '', text: `none${ignored}` };
    const parts = [
      http && `http through ${new URL(redacted(http)).origin}`,
      (https ?? http) && `https through ${new URL(redacted(https ?? http!)).origin}`,
      `directly: loopback${no ? `, ${no}` : ''}`,
    ];
    return { ok: ignored === '', text: `${parts.filter(Boolean).join('; ')}${ignored}` };
  } catch (error) {
    if (error instanceof ProxyError) return { ok: false, text: error.message };
    throw error;
  }
}
