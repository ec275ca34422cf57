/** The workflows as one script for Temporal's sandbox. Made in some three seconds, and kept for the next worker of the same sources. */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { digestOf } from '../process/digest.ts';
import type { Tracing } from '../process/tracing.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

export const failureConverterPath = join(root, 'workflows/failure-converter.ts');

/** Bundles the workflows from their TypeScript sources. */
export async function bundleWorkflows(
  tracing?: Tracing,
  workflowsPath = join(root, 'workflows/index.ts'),
): Promise<WorkflowBundle> {
  return bundleWorkflowCode({
    ...(tracing ? { plugins: [tracing.plugin] } : {}),
    workflowsPath,
    failureConverterPath,
    logger: new DefaultLogger('WARN'),
  });
}

/** What npm writes when it has installed packages: which they are. */
const INSTALLED = 'node_modules/.package-lock.json';

/**
 * Of all that a bundle is made of: the rooms that a workflow may reach (tests/rooms.test.ts), and the packages. Undefined where nobody
 * says which packages are installed.
 */
function digestOfSources(sources: string): string | undefined {
  const files = globSync(['{workflows,loop,gates}/**/*.ts', 'workers/bundle.ts', INSTALLED], {
    cwd: sources,
  });
  if (!files.includes(INSTALLED)) return undefined;
  const contents = files
    .toSorted()
    .map((file) => `${file} ${digestOf(readFileSync(join(sources, file), 'utf8'))}`);
  return digestOf([sources, process.version, ...contents].join('\n')).slice(0, 32);
}

/** Stands behind a kept script, whose own digest follows: one that a crash of the machine cut short is not taken. */
const SEAL = '\n//# sha256=';

function readKept(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const [code, sealed] = readFileSync(file, 'utf8').split(SEAL) as [string, string?];
  return sealed === digestOf(code) ? code : undefined;
}

/** Bundles of so many versions are kept, the newest. */
const VERSIONS_KEPT = 4;

function keep(file: string, code: string): void {
  const folder = dirname(file);
  const whole = `${file}.${randomUUID()}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(whole, `${code}${SEAL}${digestOf(code)}`);
    renameSync(whole, file);
    const byAge = globSync('workflows-*', { cwd: folder })
      .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
      .toSorted((a, b) => b.at - a.at);
    const [versions, parts] = [true, false].map((isWhole) =>
      byAge.filter(({ path }) => path.endsWith('.js') === isWhole),
    );
    // What a kill left half-written is gone after an hour.
    const old = [
      ...versions!.slice(VERSIONS_KEPT),
      ...parts!.filter(({ at }) => at < Date.now() - 3_600_000),
    ];
    for (const { path } of old) rmSync(path, { force: true });
  } catch {
    // The folder is not ours, or full, or another process removed what was just listed: the next worker bundles again.
    if (existsSync(whole)) rmSync(whole, { force: true });
  }
}

/**
 * As `bundleWorkflows`, from the last worker's where the sources are the same. A folder that can't be written to costs the three seconds.
 *
 * @param options other places and another bundler, for tests
 */
export async function keptBundle(
  options: { folder?: string; sources?: string; bundle?: () => Promise<{ code: string }> } = {},
): Promise<WorkflowBundle> {
  const { sources = root, bundle = bundleWorkflows } = options;
  const { folder = join(sources, 'node_modules/.cache/ratchet') } = options;
  const before = digestOfSources(sources);
  if (before === undefined) return bundle();
  const file = join(folder, `workflows-${before}.js`);
  const known = readKept(file);
  if (known !== undefined) return { code: known };
  const { code } = await bundle();
  // Sources that changed meanwhile, as by a checkout: nobody knows which of them it is made of.
  if (digestOfSources(sources) === before) keep(file, code);
  return { code };
}
