/** The redactor: no key, no password and nothing that a query was asked with gets into what is stored, logged or shown. */
import { DrizzleQueryError } from 'drizzle-orm/errors';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { errorMessage } from '../../process/errors.ts';
import { checkDatabaseUrl, connect } from '../../db/connect.ts';
import { toDatabaseFailure } from '../../db/errors.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { errorText } from '../../models/errors.ts';
import {
  dataWithoutSecrets,
  forgetSecrets,
  redacted,
  redactError,
  secretsOf,
  withoutSecrets,
} from '../../process/secrets.ts';
import { workerEnvironment } from '../../workers/environment.ts';

const KEY = 'k3y-of-mine/with+odd=chars';
beforeEach(() => {
  vi.stubEnv('MY_KEY', KEY);
  forgetSecrets();
});
afterEach(() => {
  vi.unstubAllEnvs();
  forgetSecrets();
});

test('values of variables that are named as secrets are taken out, as they are and as others write them', () => {
  for (const form of [KEY, JSON.stringify(KEY), encodeURIComponent(KEY), `Bearer ${KEY}`, `x${KEY}${KEY}x`]) {
    expect(redacted(`refused: ${form}.`), form).not.toContain(KEY.slice(0, 6));
    expect(withoutSecrets(form), form).toContain('[MY_KEY]');
  }
});

test('which variables hold secrets', () => {
  const names = (env: Record<string, string>) =>
    [...new Set(secretsOf(env).map(({ name }) => name))].toSorted();
  const value = 'Value-1234';
  const secret = [
    'OPENAI_API_KEY',
    'X_TOKEN',
    'AWS_SECRET_ACCESS_KEY',
    'PGPASSWORD',
    'POSTGRES_PASSWORD',
    'APIKEY_KEY',
    'MY_SECRET',
  ];
  expect(names(Object.fromEntries(secret.map((name) => [name, `${value}${name}`])))).toEqual(
    secret.toSorted(),
  );
  expect(
    names({
      PWD: value,
      PATH: value,
      KEYBOARD: value,
      MONKEY: value,
      HOME: value,
      TOKENIZERS_PARALLELISM: value,
    }),
  ).toEqual([]);
  // Plain words and short values stand in many texts by chance.
  expect(names({ A_KEY: 'EMPTY', B_KEY: 'ratchet', C_KEY: 'arithmetic', D_TOKEN: '' })).toEqual([]);
  expect(
    secretsOf({ DATABASE_URL: 'postgresql://u:p%40ss-1234@h/d' })
      .map((one) => one.value)
      .toSorted(),
  ).toEqual(['p%40ss-1234', 'p%2540ss-1234', 'p@ss-1234'].toSorted());
});

test('what has the form of a secret is taken out of messages', () => {
  const cases: [string, string][] = [
    ['GET http://ada:hunter2@gpu:8000/v1 failed', 'hunter2'],
    ['http://ada:hun/ter2@gpu:8000/v1', 'hun/ter2'],
    ['postgresql://ratchet:p@ss@127.0.0.1:5432/ratchet', 'p@ss'],
    ['https://ghtoken123@github.com/x', 'ghtoken123'],
    ['https://h/v1?api_key=abcdef&x=1', 'abcdef'],
    ['https://h/v1?x=1&token=abcdef', 'abcdef'],
    ['{"authorization":"Bearer abcdefgh12"}', 'abcdefgh12'],
    ['Authorization: Basic dXNlcjpwdw==', 'dXNlcjpwdw'],
    ['Incorrect API key provided: sk-proj-abcdefghij0123456789', 'abcdefghij'],
    ['hf_abcdefghijklmnopqrst', 'abcdefghij'],
  ];
  for (const [message, secret] of cases) expect(redacted(message), message).not.toContain(secret);
  for (const plain of [
    'Nothing answers at http://127.0.0.1:8000/v1: see that it runs',
    'http://gpu:8000/v1/models, asked by ada@example.org',
    'https://example.org/page@v2',
    'Basic understanding of bearer tokens is needed',
    'task-file my-task.yaml, line 3',
    'ratio 3:4 @ home',
  ])
    expect(redacted(plain), plain).toBe(plain);
});

test('no secret survives in any text around it, and other texts stay as they are', () => {
  const secret = fc
    .string({ unit: 'binary', minLength: 8, maxLength: 40 })
    .filter((value) => !/^[a-z]+$/.test(value));
  fc.assert(
    fc.property(
      secret,
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      (value, before, after) => {
        const secrets = secretsOf({ A_KEY: value });
        expect(withoutSecrets(`${before}${value}${after}`, secrets).includes(value)).toBe(
          '[A_KEY]'.includes(value),
        );
        if (!before.includes(value.trim())) expect(withoutSecrets(before, secrets)).toBe(before);
      },
    ),
    { seed: 13, numRuns: 500 },
  );
});

test('a long text with many beginnings of secrets takes no time', () => {
  const began = performance.now();
  for (const piece of ['http://', 'http://a:', '?key=', 'Bearer ', 'sk-', 'Authorization: Basic ', '://a@'])
    redacted(piece.repeat(100_000 / piece.length));
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('an error keeps its class and loses its secrets: message, stack, causes, details, and what a query was asked with', () => {
  const prompt = 'How many apples has the secret patient?';
  const cause = Object.assign(new Error(`invalid input syntax for type integer: "${prompt}"`), {
    code: '22P02',
    detail: `Key (text)=(${prompt})`,
  });
  const error = new DrizzleQueryError('insert into prompts values ($1)', [prompt, KEY], cause);
  const outer = Object.assign(new TypeError(`while at http://a:${KEY}@h/`, { cause: error }), {
    details: [{ advice: KEY }],
  });
  expect(errorText(outer)).not.toContain(prompt);
  expect(errorText(error)).toContain('invalid input syntax for type integer');
  expect(errorMessage(outer)).not.toContain(KEY);
  const clean = redactError(outer);
  expect(clean).toBe(outer);
  expect(clean).toBeInstanceOf(TypeError);
  const shown = inspect(clean, { depth: 9, showHidden: true });
  expect(shown).not.toContain(prompt);
  expect(shown).not.toContain(KEY);
  expect(shown).toContain('invalid input syntax for type integer');
  expect(inspect(toDatabaseFailure(new DrizzleQueryError('insert', [prompt], cause)))).not.toContain(prompt);
});

test('an activity neither throws nor answers a secret', async () => {
  const prompt = 'a prompt of somebody';
  const failing = {
    execute: () => Promise.reject(new DrizzleQueryError('select', [prompt, KEY], new Error(`no ${KEY}`))),
  };
  const db = new Proxy(
    {},
    { get: () => new Proxy(() => Promise.reject(new Error(`down: ${KEY}`)), { get: () => failing.execute }) },
  );
  const { main } = createActivities({ db: db as never });
  const error: unknown = await main.openReviews({ iterationId: 1 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect(inspect(error, { depth: 9 })).not.toContain(KEY);
  expect(inspect(error, { depth: 9 })).not.toContain(prompt);
  expect(dataWithoutSecrets({ a: [`x ${KEY}`], n: 1, at: null })).toEqual({
    a: ['x [MY_KEY]'],
    n: 1,
    at: null,
  });
});

test('addresses and keys are checked before use, and named, not quoted', () => {
  for (const url of ['postgresql://u:pw-1234@@h:x/d', 'mysql://u:pw-1234@h/d', 'pw-1234']) {
    expect(() => checkDatabaseUrl(url), url).toThrow(/DATABASE_URL/);
    expect(() => connect(url), url).not.toThrow(/pw-1234/);
  }
  for (const url of [
    'postgresql://u:pw@h:5432/d',
    'postgres:///d?host=/run',
    '/run/postgresql',
    'socket:/run',
  ])
    expect(() => checkDatabaseUrl(url), url).not.toThrow();
  const bad = improveInputSchema.safeParse({
    models: { generator: { baseURL: 'http://ada:pw-1234@h/v1', apiKeyEnv: 'sk-pw-1234 x' } },
  });
  const said = bad.error!.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n');
  expect(said).toMatch(/models.generator.baseURL: holds a user name or password/);
  expect(said).toMatch(/models.generator.apiKeyEnv: must be the name/);
  expect(said).not.toContain('pw-1234');
  const env = { DATABASE_URL: 'postgresql://h/d', MODEL_BASE_URL: 'http://ada:pw-1234@h/v1' };
  expect(() => workerEnvironment(env)).toThrow(/MODEL_BASE_URL: holds a user name/);
  expect(() => workerEnvironment(env)).not.toThrow(/pw-1234/);
});
