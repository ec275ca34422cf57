/**
 * Which key goes to which endpoint: decided by the process that sends it, never by a run's input, which only names a variable.
 *
 * Covers: a variable is sent where RATCHET_KEYS pairs it with the endpoint's host, where it is one of the usual pairs (OPENAI_API_KEY
 * with https://api.openai.com, MODEL_API_KEY with MODEL_BASE_URL), or where the user of the local stack paired them
 * in a command (process/grants.ts). Ratchet's own variables, Temporal's and the database's are never sent. A key that a header can't carry
 * is named by its variable and not quoted.
 * Does not cover: where an endpoint sends a key on.
 */
import { VARIABLE } from '../process/endpoint-text.ts';
import { readGrants } from '../process/grants.ts';

/** Why a key is not sent: the message says what to set, and holds no key. */
export class KeyError extends Error {}

/** Passwords, tokens and addresses of this program and of what it stands on. */
const OURS =
  /^(DATABASE_URL|RATCHET_(?!.*_KEY$).*|TEMPORAL_.*|PG[A-Z_]+|POSTGRES.*|MODEL_BASE_URL|OTEL_.*|MLFLOW_.*|NODE_.*|PATH|HOME)$/i;

type Pair = { name: string; host: string };

/** May a run name this variable at all? */
export const isKeyName = (name: string): boolean => VARIABLE.test(name) && !OURS.test(name);

/** `NAME@host`, `NAME@host:port` or `NAME@https://host`, separated by commas or blanks. @throws KeyError naming the entry */
export function keyPairs(text: string | undefined): Pair[] {
  return (text ?? '')
    .split(/[\s,]+/)
    .filter(Boolean)
    .map((entry) => {
      const at = entry.indexOf('@');
      const [name, host] = [entry.slice(0, at), entry.slice(at + 1)];
      if (at < 1 || host === '' || host.includes('@') || !VARIABLE.test(name))
        throw new KeyError(
          `RATCHET_KEYS: each entry is NAME@host, NAME@host:port or NAME@https://host; entry ${name || 'without a name'} is none.`,
        );
      if (!isKeyName(name))
        throw new KeyError(`RATCHET_KEYS: ${name} is Ratchet's own and goes to no endpoint.`);
      return { name, host };
    });
}

function usualPairs(env: NodeJS.ProcessEnv): Pair[] {
  const openai = { name: 'OPENAI_API_KEY', host: 'https://api.openai.com' };
  if (!env.MODEL_BASE_URL || !URL.canParse(env.MODEL_BASE_URL)) return [openai];
  const { origin } = new URL(env.MODEL_BASE_URL);
  return [openai, { name: 'MODEL_API_KEY', host: origin }];
}

function meets(host: string, url: URL): boolean {
  if (host.includes('://')) return URL.canParse(host) && new URL(host).origin === url.origin;
  const wanted = host.toLowerCase();
  return wanted === url.host || wanted === url.hostname;
}

/** Names of all variables that this environment may send somewhere. */
export function keyNames(env: NodeJS.ProcessEnv): string[] {
  const granted = readGrants(env.RATCHET_HOME).flatMap((one) => ('key' in one ? [one.key] : []));
  const names = [...usualPairs(env), ...keyPairs(env.RATCHET_KEYS)].map(({ name }) => name);
  return [...new Set([...names, 'MODEL_API_KEY', ...granted])].filter(isKeyName);
}

let user = false;

/** For commands that a person types: the person sends their own keys where they say. */
export function sendKeysOfUser(): void {
  user = true;
}

/**
 * The key for an endpoint.
 *
 * @param name the variable that holds it
 * @throws KeyError when it may not be sent there, is missing, or can't be sent at all
 */
export function keyFor(baseURL: string, name: string, env: NodeJS.ProcessEnv = process.env): string {
  if (!VARIABLE.test(name))
    throw new KeyError('apiKeyEnv: give the name of an environment variable, not the key itself.');
  if (OURS.test(name)) throw new KeyError(`apiKeyEnv: ${name} is Ratchet's own and goes to no endpoint.`);
  const url = new URL(baseURL);
  const allowed = () =>
    [...usualPairs(env), ...keyPairs(env.RATCHET_KEYS)].some(
      (one) => one.name === name && meets(one.host, url),
    ) || readGrants(env.RATCHET_HOME).some((one) => 'key' in one && one.key === name && meets(one.to, url));
  if (!user && !allowed())
    throw new KeyError(
      `The API key ${name} may not go to ${url.host}: set RATCHET_KEYS=${name}@${url.host} for the workers; or, on the machine of a local stack, start the run there with: ratchet run (docs/security.md).`,
    );
  const key = env[name];
  if (!key)
    throw new KeyError(
      `The API key for ${url.host} is missing: set the environment variable ${name} for the workers.`,
    );
  const problem = keyProblem(key);
  if (problem) throw new KeyError(`The API key in the environment variable ${name} ${problem}.`);
  return key;
}

/** Why no header can carry a key; says nothing of what it is. */
export function keyProblem(key: string): string | undefined {
  if (key !== key.trim()) return 'begins or ends with a blank or a line break: set it again without';
  if (/[\r\n]/.test(key)) return 'has a line break in it: set it again, on one line';
  const odd = Array.from(key).findIndex((character) => !/[\x20-\x7e]/.test(character));
  if (odd >= 0)
    return `has a character that no key has, at place ${odd + 1} of ${Array.from(key).length}: set it again`;
  return undefined;
}
