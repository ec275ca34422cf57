/** Whom a run asks for what, where a teacher writes the samples. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { answererOf, endpointOf, extraOf, sourceOf } from '../../engine/context.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { layered } from '../../loop/presets.ts';
import { TEACHER } from '../../loop/words.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import type { Task } from '../../tasks/task.ts';

const TEACHING = 'https://big.example.com/v1';
const LOCAL = 'http://127.0.0.1:1/v1';

beforeEach(() => {
  vi.stubEnv('MODEL_BASE_URL', LOCAL);
  vi.stubEnv('BIG_KEY', 'secret');
  vi.stubEnv('RATCHET_KEYS', `BIG_KEY@${new URL(TEACHING).host}`);
});
afterEach(() => vi.unstubAllEnvs());

const settingsOf = (models: ImproveInput['models']) => improveInputSchema.parse({ models });
const task = { defaultModels: {}, thinking: 'off' } as unknown as Task;
const taught = settingsOf({
  generator: { model: 'small', extra: { top_k: 5 } },
  teacher: { model: 'big', baseURL: TEACHING, apiKeyEnv: 'BIG_KEY', extra: { top_k: 9 } },
});

test('the teacher answers at its own endpoint, judges there, and trains nothing', () => {
  const place = (role: Parameters<typeof endpointOf>[0]) => {
    const { baseURL, model } = endpointOf(role, taught, task);
    return `${model} ${baseURL}`;
  };
  expect(place('teacher')).toBe(`big ${TEACHING}`);
  expect(place('critic')).toBe(`big ${TEACHING}`);
  expect(place('judge')).toBe(`big ${TEACHING}`);
  expect(place('generator')).toBe(`small ${LOCAL}`);
  expect(place('trainer')).toBe(`small ${LOCAL}`);
  // The teacher's key goes to the teacher alone.
  expect(sourceOf('generator', taught, task)?.apiKeyEnv).toBeUndefined();
  expect(sourceOf('trainer', taught, task)?.apiKeyEnv).toBeUndefined();
});

test('who judges beside the teacher shares its fields, and thinking is off for both models', () => {
  expect(extraOf('critic', taught, task)).toMatchObject({ top_k: 9 });
  for (const role of ['teacher', 'generator'] as const)
    expect(extraOf(role, taught, task)).toHaveProperty('chat_template_kwargs.enable_thinking', false);
});

test('a critic that somebody named, or the task has, stays the critic', () => {
  const named = settingsOf({ ...taught.models, critic: { model: 'judge', baseURL: LOCAL } });
  expect(endpointOf('critic', named, task)).toMatchObject({ model: 'judge', baseURL: LOCAL });
  const own = { ...task, defaultModels: { critic: 'own' } } as Task;
  expect(endpointOf('critic', taught, own).model).toBe('own');
});

test('a checkpoint answers where it is served: the teacher at its endpoint, all others at the student’s', () => {
  const at = (iterationIndex: number) =>
    answererOf(taught, task, { iterationIndex, model: `m${iterationIndex}` } as Checkpoint);
  expect(at(TEACHER)).toMatchObject({ role: 'teacher', endpoint: { model: 'm-1', baseURL: TEACHING } });
  expect(at(0)).toMatchObject({ role: 'generator', endpoint: { model: 'm0', baseURL: LOCAL } });
});

test('with a teacher every level is drawn from and drift is only measured, unless somebody says otherwise', () => {
  const teacher = { model: 'big' };
  expect(layered({ curriculum: { width: 2 } }, { models: { teacher } })).toMatchObject({
    curriculum: { start: 'all', width: 100, leave: 1 },
    drift: { steps: [] },
    benchmark: { majority: false },
  });
  expect(layered(undefined, { models: { teacher }, curriculum: { start: 'task' } }).curriculum).toMatchObject(
    {
      start: 'task',
      width: 100,
    },
  );
  expect(layered({ curriculum: { width: 2 } }, { models: { generator: teacher } })).not.toHaveProperty(
    'drift',
  );
});
