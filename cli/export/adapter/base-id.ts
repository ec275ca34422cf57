/** The public name of a base model. A path of this machine means nothing to whoever gets the adapter. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { UsageError } from '../../errors.ts';
import { plain } from '../../text.ts';
import type { BaseFacts } from './source.ts';

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
const FULL = new RegExp(`^${NAME}/${NAME}$`);
const ANY = new RegExp(`^${NAME}(/${NAME})?$`);
/** `…/models--ORG--NAME/snapshots/REVISION`, where huggingface_hub keeps what it downloads. */
const CACHED = /(?:^|[\\/])models--([^\\/]+)--([^\\/]+)[\\/]snapshots[\\/]/;

const isFolder = (name: string) => existsSync(join(name, 'config.json'));

export const isHubId = (name: string): boolean => FULL.test(name) && !isFolder(name);

/**
 * @param given by the user
 * @param names under which the base is served: vLLM's is the id unless it was told otherwise
 * @throws UsageError that says what to give, when none is known
 */
export function publicBaseId(given: string | undefined, base: BaseFacts, names: string[]): string {
  if (given !== undefined) {
    if (ANY.test(given) && !isFolder(given)) return given;
    throw new UsageError(
      `--base ${plain(given)}: give the base's public id, ORG/NAME as on the Hugging Face hub, and no path: the adapter is to load elsewhere.`,
    );
  }
  const cached = CACHED.exec(base.path ?? base.name ?? '');
  const known = [base.name, storedId(base.path), cached ? `${cached[1]}/${cached[2]}` : undefined, ...names];
  const found = known.find((name) => name !== undefined && isHubId(name));
  if (found) return found;
  throw new UsageError(
    `The public id of the base is not known (it is served as ${names.map(plain).join(', ') || 'nothing that was told'}${base.path ? `, from the folder ${plain(base.path)}` : ''}). ` +
      'Give it, for example: --base Qwen/Qwen2.5-Coder-0.5B-Instruct',
  );
}

/** Files in which the id that a model was fetched by stands beside it. */
const NOTES = ['ratchet.json', 'model.json', 'ratchet-model.json'];

function storedId(path: string | undefined): string | undefined {
  for (const file of path === undefined ? [] : NOTES.flatMap((name) => [join(path, name)])) {
    try {
      const note = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      for (const field of ['hubId', 'hub_id', 'base', 'source', 'id'])
        if (typeof note[field] === 'string' && isHubId(note[field])) return note[field];
    } catch {
      // There is none, or it is somebody else's.
    }
  }
  return undefined;
}

/** The licence that the base's own model card names, where it lies here. */
export function licenceOf({ path }: BaseFacts): string | undefined {
  if (path === undefined) return undefined;
  try {
    const head = /^---\n([\s\S]*?)\n---/.exec(readFileSync(join(path, 'README.md'), 'utf8'));
    const { license } = parse(head?.[1] ?? '') as { license?: unknown };
    return typeof license === 'string' ? license : undefined;
  } catch {
    return undefined;
  }
}
