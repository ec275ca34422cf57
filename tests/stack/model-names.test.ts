import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkModelNames } from '../../stack/models/add.ts';
import { packagedModels } from '../../stack/models/packaged.ts';
import { readModelName, servedName, sourceText } from '../../stack/models/source.ts';
import { readModel, readModels, writeModel, type ModelRecord } from '../../stack/models/store.ts';

let home: string;
let folder: string;
let gguf: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'ratchet-models-'));
  folder = join(home, 'My Model');
  gguf = join(home, 'Tiny-Q4_K_M.GGUF');
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), '{}');
  writeFileSync(gguf, 'GGUF');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const record = (
  name: string,
  source: ModelRecord['source'],
  more: Partial<ModelRecord> = {},
): ModelRecord => ({
  format: 1,
  name,
  source,
  addedAt: '2026-01-01T00:00:00.000Z',
  parameters: 1000,
  bytes: 2000,
  dtype: 'BF16',
  template: true,
  digests: { weights: 'ab' },
  ...more,
});

describe('what a model’s name stands for', () => {
  it('is a packaged model by its short name, in any case', () => {
    expect(readModelName('SmolLM2-135M', home)).toMatchObject({
      kind: 'new',
      name: 'smollm2-135m',
      source: { kind: 'packaged', name: 'smollm2-135m' },
    });
  });

  it('is a hub id, with or without a revision', () => {
    expect(readModelName('Qwen/Qwen2.5-0.5B-Instruct', home)).toMatchObject({
      name: 'qwen2.5-0.5b-instruct',
      source: { kind: 'hub', repo: 'Qwen/Qwen2.5-0.5B-Instruct' },
    });
    expect(readModelName('org/name@refs/pr/3', home)).toMatchObject({ revision: 'refs/pr/3' });
  });

  it('is a folder or a GGUF file by its path', () => {
    expect(readModelName(folder, home)).toMatchObject({
      name: 'my-model',
      source: { kind: 'folder', path: folder },
    });
    expect(readModelName(gguf, home)).toMatchObject({
      name: 'tiny-q4_k_m',
      source: { kind: 'gguf', file: gguf },
    });
    expect(() => readModelName(`${gguf}x.gguf`, home)).toThrow(/There is no file/);
    expect(() => readModelName('./nowhere', home)).toThrow(/There is no folder/);
  });

  it('is the built-in adder by its own', () => {
    expect(readModelName('arithmetic', home)).toEqual({ kind: 'builtin' });
    expect(() => readModelName('smollm2-135m', home, 'arithmetic')).toThrow(/built-in model/);
  });

  it('is nothing: then the known names and the forms are listed', () => {
    expect(() => readModelName('smolm', home)).toThrow(
      /There is no model "smolm"[\s\S]*smollm2-135m, qwen2.5-coder-0.5b, gemma-3-270m[\s\S]*hub id[\s\S]*folder[\s\S]*GGUF/,
    );
    for (const text of ['../../no-such-folder', '', 'a b', 'org/name/more', '-x/y'])
      expect(() => readModelName(text, home), text).toThrow(/There is no/);
    for (const name of ['../x', 'A', '.adding', '', 'a/b'])
      expect(() => readModelName('smollm2-135m', home, name), name).toThrow(/can't be a model's name/);
  });

  it('wants a yes to a licence before anything is started', () => {
    expect(() => checkModelNames(['smollm2-135m', 'gemma-3-270m'], home)).toThrow(
      /Gemma Terms of Use \(https:.*ratchet model add gemma-3-270m --accept-license/,
    );
    expect(() => checkModelNames(['smollm2-135m', 'arithmetic'], home)).not.toThrow();
  });
});

describe('models that are here', () => {
  it('are found by their name and by what they were added from; another source of that name is refused', () => {
    const source = { kind: 'hub', repo: 'org/Small' } as const;
    writeModel(home, record('small', source, { revision: 'c0ffee'.repeat(6) }));
    for (const text of ['small', 'org/Small', `org/Small@${'c0ffee'.repeat(6)}`])
      expect(readModelName(text, home), text).toMatchObject({ kind: 'stored', record: { name: 'small' } });
    expect(servedName('org/Small', home)).toBe('small');
    expect(sourceText(readModel(home, 'small')!)).toBe('org/Small@c0ffeec0ffee');
    expect(() => readModelName('org/Small@other', home)).toThrow(/is there already[\s\S]*--as NAME/);
    expect(() => readModelName('elsewhere/small', home)).toThrow(/is there already/);
    expect(readModelName('elsewhere/small', home, 'small-2')).toMatchObject({ kind: 'new', name: 'small-2' });
  });

  it('are listed by name, and a damaged record is named', () => {
    writeModel(home, record('another', { kind: 'folder', path: folder }));
    expect(readModels(home).map(({ name }) => name)).toEqual(['another', 'small']);
    writeFileSync(join(home, 'models', 'small', 'ratchet-model.json'), '{"format": 1');
    expect(() => readModels(home)).toThrow(/ratchet-model.json is damaged.*ratchet model remove small/);
  });
});

it('packaged models are pinned by digest and say their licence', () => {
  for (const model of packagedModels) {
    expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(model.licenceUrl).toMatch(/^https:/);
    for (const piece of model.pieces) expect(piece.requirement).toMatch(/^[a-z0-9-]+==\d+\.\d+\.\d+$/);
  }
});
