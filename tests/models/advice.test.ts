import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { endingsText, estimatedText } from '../../app/report/endings.ts';
import { adviceOn } from '../../models/advice.ts';
import { isRetryable } from '../../models/errors.ts';
import { toFailure } from '../../models/failure.ts';
import { adviceFor, retryHelps } from '../../workflows/failures.ts';

const status = (code: number, message: string, error: object = {}) =>
  APIError.generate(code, { error: { message, ...error } }, undefined, new Headers());
const broken = (code: string, message = 'Connection error.') =>
  new APIConnectionError({ message, cause: Object.assign(new Error('fetch failed'), { code }) });

it.each([
  ['a server that is down', broken('ECONNREFUSED'), /Nothing listens there/, true],
  ['a name that nobody knows', broken('ENOTFOUND'), /name is not known/, true],
  ['a page that is no API', broken('', 'The answer has no list of choices: {}'), /ends in \/v1/, true],
  ['a slow server', new APIConnectionTimeoutError(), /RATCHET_REQUEST_TIMEOUT_MS/, true],
  ['a certificate of nobody', broken('DEPTH_ZERO_SELF_SIGNED_CERT'), /NODE_EXTRA_CA_CERTS/, true],
  ['a wrong key', status(401, 'bad key'), /refuses the key: set the variable that apiKeyEnv names/, true],
  ['a missing /v1', status(404, 'Not Found'), /not on this path.*ends in \/v1/, true],
  [
    'a missing model',
    status(404, 'The model `x` does not exist', { code: 'model_not_found' }),
    /does not serve this model/,
    true,
  ],
  ['a spent quota', status(429, 'pay', { code: 'insufficient_quota' }), /quota is spent/, true],
  ['a fault of the server', status(500, 'CUDA'), /see its log/, true],
  [
    'a refused format',
    status(400, "Invalid 'response_format.type'"),
    /refuses what is asked.*gates\.critique\.mode=off/,
    false,
  ],
  ['a refused temperature', status(400, "'temperature' must be at most 1"), /sampling\.temperature/, false],
  [
    'a refused field',
    status(422, 'Unrecognized request argument supplied: chat_template_kwargs'),
    /`thinking` of the task file/,
    false,
  ],
  [
    'a context that is too short',
    status(400, 'maximum context length is 4096'),
    /sampling\.maxTokens/,
    false,
  ],
])('%s parks a run with its own advice', (_, error, advice, helps) => {
  const failure = toFailure(error, 'sampling') as ApplicationFailure;
  expect(adviceFor(failure)).toMatch(advice);
  expect(retryHelps(failure)).toBe(helps);
  expect(adviceOn(error)!.advice).toBe(adviceFor(failure));
});

it('a certificate that nobody trusts is not tried again', () => {
  expect(isRetryable(broken('SELF_SIGNED_CERT_IN_CHAIN'))).toBe(false);
  expect(isRetryable(broken('ECONNRESET'))).toBe(true);
});

it('failures of another kind keep their own advice', () => {
  expect(adviceFor(ApplicationFailure.create({ type: 'BudgetExceeded' }))).toBe(
    'Raise a limit with setBudget.',
  );
  expect(retryHelps(ApplicationFailure.create({ type: 'ModelUnavailable' }))).toBe(true);
});

it('a report says what share was cut off or refused, and what was estimated', () => {
  expect(endingsText({ samples: 200, cutOff: 30, refused: 4 })).toBe(
    ', 15.0 % of them cut off by their limit of tokens, 2.0 % refused',
  );
  expect(endingsText({ samples: 200 })).toBe('');
  expect(estimatedText({ requests: 10, estimated: 10 })).toBe(', estimated');
  expect(estimatedText({ requests: 10, estimated: 3 })).toBe(', of 3 of 10 requests estimated');
  expect(estimatedText({ requests: 10 })).toBe('');
});
