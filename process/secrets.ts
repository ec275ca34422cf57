/**
 * The one redactor: what a message may not carry when it is stored, logged or shown.
 *
 * Covers: values of this process's variables that are named as secrets (`…_KEY`, `…_TOKEN`, `…_SECRET`, `…PASSWORD`), as they are, as
 * JSON and as a URL writes them; users and passwords in URLs; keys in a URL's query; bearer and basic authorization; keys whose form
 * says what they are (`sk-…`, `hf_…`).
 * Does not cover: secrets that stand in no variable of this process and have no such form; a user's own texts in the database, where
 * only the exact values are taken out, so that nobody's training data changes.
 */

/** Shorter values, and plain words, stand in many texts by chance. */
const SHORTEST = 8;
const NAMED_SECRET = /(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PGPASSWORD)(_|$)|PASSWORD$/i;
/** A value is looked for this long before the environment is read again. */
const KNOWN_FOR_MS = 1000;

type Secret = { value: string; name: string };

const tellsItself = (value: string) => value.length >= SHORTEST && !/^[a-z]+$/.test(value);

/** The password in a URL, as it is written there and as it is meant. */
function passwordsIn(url: string): string[] {
  const written = /^[a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:(.+)@/i.exec(url)?.[1];
  if (written === undefined) return [];
  try {
    return [written, decodeURIComponent(written)];
  } catch {
    return [written];
  }
}

/** The secrets of an environment, the longest first, so that one that holds another is taken out whole. */
export function secretsOf(env: NodeJS.ProcessEnv): Secret[] {
  const found: Secret[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!value) continue;
    if (value.includes('://')) for (const one of passwordsIn(value)) found.push({ name, value: one });
    else if (NAMED_SECRET.test(name)) found.push({ name, value }, { name, value: value.trim() });
  }
  const forms = found.flatMap(({ name, value }) =>
    [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())].map((form) => ({
      name,
      value: form,
    })),
  );
  const once = new Map(forms.filter(({ value }) => tellsItself(value)).map((one) => [one.value, one]));
  return [...once.values()].sort((a, b) => b.value.length - a.value.length);
}

let known: { at: number; secrets: Secret[] } | undefined;

function currentSecrets(): Secret[] {
  const now = Date.now();
  if (!known || now - known.at > KNOWN_FOR_MS) known = { at: now, secrets: secretsOf(process.env) };
  return known.secrets;
}

/** To be called when a secret has come into the environment. */
export function forgetSecrets(): void {
  known = undefined;
}

/** The text without the values of this process's secrets; `[NAME]` stands for each. Everything else stays as it is. */
export function withoutSecrets(text: string, secrets: Secret[] = currentSecrets()): string {
  let clean = text;
  for (const { value, name } of secrets)
    if (clean.includes(value)) clean = clean.replaceAll(value, () => `[${name}]`);
  return clean;
}

const FORMS: [RegExp, string][] = [
  // `:` before the host's end, and no port: a user and a password, which may hold anything when it was typed by hand.
  [
    /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>/@:]{0,300}:(?!\d{1,5}(?:[/?#\s"']|$))[^\s"'<>]{0,1000}@/gi,
    '$1[hidden]@',
  ],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>/@:]{1,1000}@/gi, '$1[hidden]@'],
  [
    /([?&](?:api[-_]?key|key|token|access[-_]token|secret|password|sig|signature)=)[^&\s"'#<>]{1,4000}/gi,
    '$1[hidden]',
  ],
  [/\b(Bearer\s+)[\w.~+/=-]{8,}/gi, '$1[hidden]'],
  [/\b(Authorization:?\s*Basic\s+)[\w+/=-]+/gi, '$1[hidden]'],
  [/\b(sk|pk|rk|hf|ghp|gho|github_pat|xox[abprs])[-_][\w-]{16,}/g, '$1-[hidden]'],
];

/** A message for people, logs and Temporal: without this process's secrets, and without what has the form of one. */
export function redacted(message: string, secrets?: Secret[]): string {
  return FORMS.reduce((text, [form, by]) => text.replaceAll(form, by), withoutSecrets(message, secrets));
}

/** A value with every text in it changed; objects that are no plain ones stay as they are. */
function changed(value: unknown, change: (text: string) => string, depth = 0): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null || depth > 20) return value;
  if (Array.isArray(value)) return value.map((one) => changed(one, change, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, changed(one, change, depth + 1)]),
  );
}

/** Plain data without this process's secrets: what an activity answers, say. */
export const dataWithoutSecrets = <T>(data: T): T => changed(data, (text) => withoutSecrets(text)) as T;

/** Fields of errors that hold what was sent or asked with. */
const CARRIERS = ['params', 'parameters', 'detail', 'where', 'headers', 'request', 'input'];

const isFailedQuery = (error: Error): boolean => 'params' in error && 'query' in error;

/** SQLSTATE class 22: PostgreSQL quotes the value that it can't take. */
function quotesAValue(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('22');
}

/**
 * What one error says, without its causes. A failed query's own message holds all that it was asked with, prompts and answers among
 * them: what the database said of it is its cause's business.
 */
export function saidBy(error: Error): string {
  if (isFailedQuery(error)) return 'a query failed';
  return redacted(quotesAValue(error) ? error.message.replace(/: ".*$/s, '') : error.message);
}

/**
 * The same error without secrets and without what a query was asked with: message, stack, details and causes. Changed in place, so
 * that it stays what it is to whoever looks at its class.
 */
export function redactError(error: unknown): unknown {
  if (typeof error === 'string') return redacted(error);
  const seen = new Set<unknown>();
  const clean = (one: unknown): void => {
    if (!(one instanceof Error) || seen.has(one)) return;
    seen.add(one);
    const own = one as Error & Record<string, unknown>;
    const set = (name: string, value: unknown) => {
      try {
        Object.defineProperty(one, name, { value, configurable: true, writable: true, enumerable: false });
      } catch {
        // A frozen error keeps its field; its message is what is read.
      }
    };
    const said = saidBy(one);
    if (typeof own.stack === 'string') {
      // It begins with the message, which may have many lines.
      const frames = own.stack.split('\n').filter((line) => /^\s+at /.test(line));
      set('stack', redacted([`${own.name}: ${said}`, ...frames].join('\n')));
    }
    if (said !== own.message) set('message', said);
    for (const name of CARRIERS) if (own[name] !== undefined) set(name, undefined);
    if (own.details !== undefined)
      set(
        'details',
        changed(own.details, (text) => redacted(text)),
      );
    clean(own.cause);
    if (one instanceof AggregateError) one.errors.forEach(clean);
  };
  clean(error);
  return error;
}

/** An error that nobody caught ends the process, and is written without what it may hold. For the processes of the stack. */
export function dieWithoutSecrets(): void {
  process.on('uncaughtException', (error) => {
    console.error(redactError(error));
    process.exit(1);
  });
}
