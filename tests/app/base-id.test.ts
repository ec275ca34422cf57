import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { licenceOf, publicBaseId } from '../../app/exports/adapter/base-id.ts';
import { writeModel } from '../../stack/models/store.ts';

const home = mkdtempSync(join(tmpdir(), 'ratchet-base-id-'));
const model = join(home, 'elsewhere');

beforeAll(() => {
  vi.stubEnv('RATCHET_HOME', home);
  mkdirSync(model);
  writeFileSync(join(model, 'config.json'), '{}');
  writeFileSync(join(model, 'README.md'), '---\nlicense: mit\n---\n# Mine\n');
  const common = {
    format: 1 as const,
    source: { kind: 'folder' as const, path: model },
    addedAt: '',
    parameters: 1,
    bytes: 1,
    dtype: 'bfloat16',
    template: true,
  };
  const known = { publicId: 'google/gemma-3-270m', licence: 'Gemma Terms of Use' };
  writeModel(home, { ...common, name: 'g', ...known, digests: { weights: 'aa' } });
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

describe('the public id of a base', () => {
  test.each([
    [
      'as `ratchet model add` noted it, by its weights',
      { digest: 'aa', path: '/x' },
      [],
      'google/gemma-3-270m',
    ],
    ['as its config.json says', { name: 'Qwen/Qwen2.5-0.5B' }, ['m'], 'Qwen/Qwen2.5-0.5B'],
    [
      'by the place in the hub\u2019s cache',
      { path: '/h/hub/models--Qwen--Qwen3-0.6B/snapshots/abc' },
      ['m'],
      'Qwen/Qwen3-0.6B',
    ],
    ['as vLLM serves it', { name: '/srv/models/q' }, ['org/served'], 'org/served'],
  ])('%s', (_, base, names, id) => {
    expect(publicBaseId(undefined, base, names)).toBe(id);
  });

  test('is what the user gives, but never a path', () => {
    expect(publicBaseId('gpt2', {}, [])).toBe('gpt2');
    for (const path of ['/srv/models/q', './q', '~/q', 'a/b/c', 'C:\\q', model])
      expect(() => publicBaseId(path, {}, [])).toThrow(/and no path/);
  });

  test('is asked for where nobody knows it', () => {
    expect(() => publicBaseId(undefined, { path: model, name: model }, ['mine'])).toThrow(
      /is not known \(it is served as mine, from the folder .*elsewhere\).*--base Qwen/,
    );
  });
});

test('the licence is the noted one, else that of the base\u2019s own card', () => {
  expect(licenceOf({ digest: 'aa' })).toEqual({ license: 'other', license_name: 'gemma-terms-of-use' });
  expect(licenceOf({ path: model })).toEqual({ license: 'mit' });
  expect(licenceOf({ path: '/nowhere' })).toBeUndefined();
});
