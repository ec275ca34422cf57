/** The public name of a base model. A path of this machine means nothing to whoever gets the adapter. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { UsageError } from '../../../process/errors.ts';
import { readModels, type ModelRecord } from '../../../stack/models/store.ts';
import { ratchetHome } from '../../../stack/home.ts';
import { plain } from '../../../process/text.ts';
import type { BaseFacts } from './source.ts';

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
const FULL = new RegExp(`^${NAME}/${NAME}$`);
const ANY = new RegExp(`^${NAME}(/${NAME})?$`);
/** `…/models--ORG--NAME/snapshots/REVISION`, where huggingface_hub keeps what it downloads. */
const CACHED = /(?:^|[\\/])models--([^\\/]+)--([^\\/]+)[\\/]snapshots[\\/]/;

const isFolder = (name: string) => existsSync(join(name, 'config.json'));

const isHubId = (name: string): boolean => FULL.test(name) && !isFolder(name);

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
  const known = [noted(base)?.publicId, base.name, cached && `${cached[1]}/${cached[2]}`, ...names];
  const found = known.find((name) => name && isHubId(name));
  if (found) return found;
  throw new UsageError(
    `The public id of the base is not known (it is served as ${names.map(plain).join(', ') || 'nothing that was told'}${base.path ? `, from the folder ${plain(base.path)}` : ''}). ` +
      'Give it, for example: --base Qwen/Qwen2.5-Coder-0.5B-Instruct',
  );
}

/** What `ratchet model add` noted of this base: found by its weights, whatever it is called and wherever it lies. */
function noted({ digest }: BaseFacts): ModelRecord | undefined {
  if (digest === undefined) return undefined;
  return readModels(ratchetHome()).find(({ digests }) => digests.weights === digest);
}

export type Licence = { license: string; license_name?: string };

/** The licence of the base as the hub writes it: as it was noted, or as the base's own model card names it. */
export function licenceOf(base: BaseFacts): Licence | undefined {
  const licence = noted(base)?.licence?.toLowerCase();
  // The hub knows licences by short names; others are `other`, with the name beside.
  if (licence !== undefined)
    return /^[a-z0-9.-]+$/.test(licence)
      ? { license: licence }
      : { license: 'other', license_name: licence.replaceAll(/[^a-z0-9.]+/g, '-') };
  const { path } = base;
  if (path === undefined) return undefined;
  try {
    const head = /^---\n([\s\S]*?)\n---/.exec(readFileSync(join(path, 'README.md'), 'utf8'));
    const { license } = parse(head?.[1] ?? '') as { license?: unknown };
    return typeof license === 'string' ? { license } : undefined;
  } catch {
    return undefined;
  }
}
