import { ApplicationFailure } from '@temporalio/common';
import OpenAI from 'openai';
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { describe, expect, it } from 'vitest';
import { isLimiting, isRefusal, isRetryable, isUnknownModel, retryAfterMs } from '../../models/errors.ts';
import { toFailure } from '../../models/failure.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';

const error = (status: number, headers: Record<string, string> = {}, code?: string) =>
  APIError.generate(status, { error: { message: 'no', code } }, undefined, new Headers(headers));

describe('which failures are tried again', () => {
  it.each([408, 409, 429, 500, 502, 503])('status %i is', (status) =>
    expect(isRetryable(error(status))).toBe(true),
  );
  it.each([400, 401, 403, 404, 413, 422])('status %i is not', (status) =>
    expect(isRetryable(error(status))).toBe(false),
  );

  it('connection errors and time-outs, which have no status, are', () => {
    expect(isRetryable(new APIConnectionError({ message: 'reset' }))).toBe(true);
    expect(isRetryable(new APIConnectionTimeoutError({ message: 'slow' }))).toBe(true);
  });

  it('a spent quota is not, though it comes as a 429', () => {
    expect(isRetryable(error(429, {}, 'insufficient_quota'))).toBe(false);
  });

  it('the server has the last word', () => {
    expect(isRetryable(error(500, { 'x-should-retry': 'false' }))).toBe(false);
    expect(isRetryable(error(400, { 'x-should-retry': 'true' }))).toBe(true);
  });

  it('a cancelled request and a bug are not', () => {
    expect(isRetryable(new APIUserAbortError())).toBe(false);
    expect(isRetryable(new TypeError('bug'))).toBe(false);
  });
});

describe('what a failure says', () => {
  it.each([
    [429, undefined, 'limiting'],
    [503, undefined, 'limiting'],
    [500, undefined, 'other'],
    [429, 'insufficient_quota', 'other'],
    [404, undefined, 'unknown model'],
    [404, 'model_not_found', 'unknown model'],
    [400, 'model_not_found', 'unknown model'],
    [400, 'content_filter', 'refusal'],
    [413, undefined, 'refusal'],
    [422, undefined, 'refusal'],
    [400, 'insufficient_quota', 'other'],
    [401, undefined, 'other'],
    [403, undefined, 'other'],
  ])('%i %s: %s', (status, code, said) => {
    const thrown = error(status, {}, code);
    expect(
      [
        isLimiting(thrown) && 'limiting',
        isUnknownModel(thrown) && 'unknown model',
        isRefusal(thrown) && 'refusal',
      ].filter(Boolean),
    ).toEqual(said === 'other' ? [] : [said]);
  });

  it('a refusal that the server wants to see again is none', () => {
    expect(isRefusal(error(400, { 'x-should-retry': 'true' }))).toBe(false);
  });
});

describe('how long to wait', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '300' }, 300_000],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' }, 10_000],
    [{ 'retry-after-ms': '250', 'retry-after': '3' }, 250],
  ])('%o', (headers, expected) =>
    expect(retryAfterMs(new Headers(headers as Record<string, string>), now)).toBe(expected),
  );

  it.each([
    {},
    { 'retry-after': '0' },
    { 'retry-after': '86400' },
    { 'retry-after': 'soon' },
    { 'retry-after-ms': '-5' },
  ])('%o says nothing usable', (headers) =>
    expect(retryAfterMs(new Headers(headers as Record<string, string>), now)).toBeUndefined(),
  );
});

it('tells Temporal what happened, whether to try again and when', () => {
  const failure = toFailure(error(429, { 'retry-after': '2' }), 'sampling') as ApplicationFailure;
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: 'ModelUnavailable', nonRetryable: false, nextRetryDelay: 2000 });
  expect(failure.message).toMatch(/^sampling: 429/);
  expect(toFailure(error(404), 'sampling')).toMatchObject({ nonRetryable: true });
  const bug = new TypeError('bug');
  expect(toFailure(bug, 'sampling')).toBe(bug);
});

describe('where a role lives', () => {
  it('says what to set when no endpoint, model or key is known', () => {
    const before = process.env.MODEL_BASE_URL;
    delete process.env.MODEL_BASE_URL;
    expect(() => resolveEndpoint('critic', {}, 'm')).toThrow(/models\.critic\.baseURL.*MODEL_BASE_URL/);
    const baseURL = 'http://127.0.0.1:1/v1';
    expect(() => resolveEndpoint('critic', { baseURL }, undefined)).toThrow(/models\.critic\.model/);
    expect(() => resolveEndpoint('critic', { baseURL, apiKeyEnv: 'NO_SUCH_KEY' }, 'm')).toThrow(
      /NO_SUCH_KEY/,
    );
    if (before !== undefined) process.env.MODEL_BASE_URL = before;
  });

  it('leaves retrying to Temporal', () => {
    const { client } = resolveEndpoint('generator', { baseURL: 'http://127.0.0.1:1/v1' }, 'm');
    expect(client).toBeInstanceOf(OpenAI);
    expect(client.maxRetries).toBe(0);
  });
});
