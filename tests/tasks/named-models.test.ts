import { expect, test } from 'vitest';
import { namedModels } from '../../tasks/file/named-models.ts';

test('every role that a task file names has its model, and those without a name none', () => {
  const models = {
    generator: { baseURL: 'http://a/v1', model: 'g' },
    critic: { model: 'c' },
    trainer: { baseURL: 'http://t/v1' },
    judge: { model: 'j' },
  };
  expect(namedModels(models)).toEqual({
    defaultModels: { generator: 'g', critic: 'c', judge: 'j' },
    endpoints: models,
  });
  expect(namedModels()).toEqual({ defaultModels: {}, endpoints: {} });
});
