/** What a model's name stands for: a packaged model, a hub id, a folder, a GGUF file, or one that is there already. */
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { UsageError } from '../../process/errors.ts';
import { packagedModel, packagedModels } from './packaged.ts';
import {
  builtin,
  builtinCritic,
  readModel,
  readModels,
  type ModelRecord,
  type ModelSource,
} from './store.ts';

export type Asked =
  | { kind: 'builtin' }
  | { kind: 'stored'; record: ModelRecord }
  | { kind: 'new'; name: string; source: ModelSource; revision?: string };

const hubId = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@([\w./-]+))?$/;

/**
 * @param text what the user gave
 * @param as the name that it is to have here, where that is not the source's own
 * @throws UsageError that lists the names that there are and the forms that are taken
 */
export function readModelName(text: string, home: string, as?: string): Asked {
  if (as !== undefined) checkName(as);
  if (text === builtin.name) return { kind: 'builtin' };
  const stored = validName(text) ? readModel(home, text) : undefined;
  if (stored && as === undefined) return { kind: 'stored', record: stored };
  const { source, name, revision } = sourceOf(text, home);
  const wanted = as ?? name;
  if (as === undefined) checkName(wanted);
  const there = readModel(home, wanted);
  if (!there) return { kind: 'new', name: wanted, source, revision };
  if (sameSource(there, source, revision)) return { kind: 'stored', record: there };
  throw new UsageError(
    `A model named ${wanted} is there already, from ${sourceText(there)}. Give this one another name (ratchet model add … --as NAME), or remove that one first: ratchet model remove ${wanted}`,
  );
}

/** The id under which the local stack serves, or would serve, the model of this name. @throws UsageError */
export function servedName(text: string, home: string): string {
  const asked = readModelName(text, home);
  if (asked.kind === 'builtin') return builtin.name;
  return asked.kind === 'stored' ? asked.record.name : asked.name;
}

function sourceOf(text: string, home: string): { source: ModelSource; name: string; revision?: string } {
  const packaged = packagedModel(text);
  if (packaged) return { source: { kind: 'packaged', name: packaged.name }, name: packaged.name };
  const path = resolve(text.replace(/^~(?=\/|$)/, homedir()));
  if (/\.gguf$/i.test(text)) {
    if (!isFile(path)) throw new UsageError(`There is no file ${path}: correct the path of the GGUF file.`);
    return { source: { kind: 'gguf', file: path }, name: shortName(basename(path).replace(/\.gguf$/i, '')) };
  }
  const looksLikePath = isAbsolute(text) || /^(\.{1,2}|~)(\/|$)/.test(text);
  if (looksLikePath || existsSync(join(path, 'config.json'))) {
    if (!existsSync(path)) throw new UsageError(`There is no folder ${path}: correct the path.`);
    return { source: { kind: 'folder', path }, name: shortName(basename(path)) };
  }
  const hub = hubId.exec(text);
  if (hub) {
    const [, repo = '', revision] = hub;
    const known = packagedModels.find((model) => model.publicId.toLowerCase() === repo.toLowerCase());
    // Of one model the hub has the whole weights and a package quantised ones: both may be there.
    const name = shortName(repo.split('/')[1]!);
    return {
      source: { kind: 'hub', repo, ...(revision ? { asked: revision } : {}) },
      name: known && known.name === name ? `${name}-hub` : name,
      revision,
    };
  }
  throw new UsageError(unknown(text, home));
}

function unknown(text: string, home: string): string {
  const there = readModels(home).map((model) => model.name);
  return [
    `There is no model "${text}". Give one of these:`,
    `  a packaged model: ${packagedModels.map((model) => model.name).join(', ')}`,
    ...(there.length > 0 ? [`  one that is here: ${there.join(', ')}`] : []),
    '  a hub id: Qwen/Qwen2.5-0.5B-Instruct, or with a revision: org/name@main',
    '  a folder with config.json, safetensors and tokenizer: ./my-model',
    '  a GGUF file: ./my-model.gguf',
  ].join('\n');
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function shortName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|[._-]+$/g, '')
    .slice(0, 80);
}

const validName = (name: string) => /^[a-z0-9][a-z0-9._-]{0,79}$/.test(name);

function checkName(name: string): void {
  if (name === builtin.name || name === builtinCritic.name)
    throw new UsageError(`${name} is the built-in model's name: give another one with --as NAME.`);
  if (!validName(name))
    throw new UsageError(
      `"${name}" can't be a model's name: a name has 1 to 80 small letters, digits, dots, dashes and underscores, and starts with a letter or a digit. Give one with --as NAME.`,
    );
}

function sameSource(record: ModelRecord, source: ModelSource, revision: string | undefined): boolean {
  const { source: there } = record;
  if (there.kind === 'hub' && source.kind === 'hub')
    // Without a revision, the commit that is there is the one meant.
    return (
      there.repo === source.repo &&
      (revision === undefined || revision === there.asked || revision === record.revision)
    );
  if (there.kind === 'packaged' && source.kind === 'packaged') return there.name === source.name;
  if (there.kind === 'gguf' && source.kind === 'gguf') return there.file === source.file;
  return there.kind === 'folder' && source.kind === 'folder' && there.path === source.path;
}

/** Where it comes from, for a person. */
export function sourceText({ source, revision }: ModelRecord): string {
  if (source.kind === 'packaged') return 'packages';
  if (source.kind === 'hub') return `${source.repo}${revision ? `@${revision.slice(0, 12)}` : ''}`;
  return source.kind === 'gguf' ? source.file : source.path;
}
