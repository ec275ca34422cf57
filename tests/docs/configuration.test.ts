import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { settingsMarkdown } from '../../cli/render/settings.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { settingFields } from '../../loop/setting-fields.ts';

it('docs/configuration.md is what the schema says now', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  expect(page, 'npx ratchet settings --markdown > docs/configuration.md').toBe(
    settingsMarkdown(settingFields()),
  );
});

it('knows every field, its bounds and the default that the schema fills in', () => {
  const fields = new Map(settingFields().map((field) => [field.path, field]));
  const filled = improveInputSchema.parse({}) as Record<string, unknown>;
  for (const { path, default: value } of fields.values()) {
    const found = path
      .split('.')
      .reduce<unknown>((at, name) => (at as Record<string, unknown>)?.[name], filled);
    // A list or a map is filled in with the defaults of its entries.
    if (value !== undefined) expect(found, path).toEqual(value);
  }
  expect(fields.get('iterations')).toMatchObject({ kind: 'integer', min: 1, max: 1000, default: 8 });
  expect(fields.get('experiment')).toMatchObject({ kind: 'choice', choices: ['none', 'ungated', 'control'] });
  expect(fields.get('gates.critique.critics')).toMatchObject({ kind: 'json' });
  expect(fields.get('training.emaDecay')!.default).toBeUndefined();
});
