import { expect, it } from 'vitest';
import { inputJsonSchema, settingFields } from '../../loop/setting-fields.ts';

it('reads every kind of field off the schema, with bounds, choices and defaults', () => {
  const fields = new Map(settingFields().map((field) => [field.path, field]));
  expect(fields.get('iterations')).toMatchObject({ kind: 'integer', min: 1, max: 1000, default: 8 });
  expect(fields.get('experiment')).toMatchObject({ kind: 'choice', choices: ['none', 'ungated', 'control'] });
  expect(fields.get('gates.critique.critics')).toMatchObject({ kind: 'json' });
  expect(fields.get('training.emaDecay')!.default).toBeUndefined();
  expect(new Set([...fields.values()].map(({ kind }) => kind))).toEqual(
    new Set(['integer', 'number', 'boolean', 'text', 'choice', 'json']),
  );
});

it('leaves out the bounds that hold for every integer, and asks for no field that has a default', () => {
  for (const { path, min, max } of settingFields()) {
    expect(Math.abs(min ?? 0), path).toBeLessThan(Number.MAX_SAFE_INTEGER);
    expect(Math.abs(max ?? 0), path).toBeLessThan(Number.MAX_SAFE_INTEGER);
  }
  expect(inputJsonSchema()).toMatchObject({ type: 'object' });
  expect(inputJsonSchema()).not.toHaveProperty('required');
});
