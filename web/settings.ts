/** What the environment says about the web page. */
import { bareHost, isLoopback } from '../process/access.ts';

export type WebSettings = {
  /** Address that it binds to. */
  host: string;
  port: number;
  /** Demanded from every visitor when set; who has it operates: starts runs, steers them, ends sessions. */
  token: string | undefined;
  /** Lets one look at everything and decide reviews, and nothing else. */
  reviewToken?: string | undefined;
  /** Names under which it may be called, besides loopback names and IP addresses. */
  names: string[];
};

const USUAL_PORT = 8400;
/** A token is guessed offline by nobody, but online by anybody who has the time. */
const TOKEN_CHARACTERS = 16;

/**
 * Reads RATCHET_WEB_HOST (127.0.0.1), RATCHET_WEB_PORT (8400), RATCHET_WEB_TOKEN, RATCHET_WEB_REVIEW_TOKEN and RATCHET_WEB_NAMES
 * (comma-separated).
 *
 * @throws Error naming the variable, also when an address that others can reach comes without a token
 */
export function webSettings(env: NodeJS.ProcessEnv): WebSettings {
  const host = bareHost(env.RATCHET_WEB_HOST || '127.0.0.1');
  const port = env.RATCHET_WEB_PORT ? Number(env.RATCHET_WEB_PORT) : USUAL_PORT;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`RATCHET_WEB_PORT=${env.RATCHET_WEB_PORT} is not a port: give a number from 1 to 65535.`);
  const token = tokenIn(env, 'RATCHET_WEB_TOKEN');
  const reviewToken = tokenIn(env, 'RATCHET_WEB_REVIEW_TOKEN');
  if (reviewToken !== undefined && token === undefined)
    throw new Error(
      'RATCHET_WEB_REVIEW_TOKEN is set, but without RATCHET_WEB_TOKEN everybody operates: set that as well (openssl rand -hex 16).',
    );
  if (reviewToken !== undefined && reviewToken === token)
    throw new Error('RATCHET_WEB_REVIEW_TOKEN is RATCHET_WEB_TOKEN: give reviewers another one.');
  if (token === undefined && !isLoopback(host))
    throw new Error(
      `RATCHET_WEB_HOST=${host} can be reached from other machines: set RATCHET_WEB_TOKEN as well (openssl rand -hex 16), or leave RATCHET_WEB_HOST out.`,
    );
  const names = (env.RATCHET_WEB_NAMES ?? '').split(',').map((name) => name.trim().toLowerCase());
  return { host, port, token, ...(reviewToken ? { reviewToken } : {}), names: names.filter(Boolean) };
}

function tokenIn(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const token = env[name] || undefined;
  if (token !== undefined && token.length < TOKEN_CHARACTERS)
    throw new Error(
      `${name} has ${token.length} characters: give at least ${TOKEN_CHARACTERS} (openssl rand -hex 16).`,
    );
  return token;
}
