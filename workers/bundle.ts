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
import { basename, dirname, join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { digestOf } from '../process/digest.ts';
import { moduleFile, programFolder } from '../process/program.ts';
import type { Tracing } from '../process/tracing.ts';

export const failureConverterPath = moduleFile('workflows/failure-converter.ts');

/** Bundles the workflows from their sources. */
export async function bundleWorkflows(
  tracing?: Tracing,
  workflowsPath = moduleFile('workflows/index.ts'),
): Promise<WorkflowBundle> {
  return bundleWorkflowCode({
    ...(tracing ? { plugins: [tracing.plugin] } : {}),
    workflowsPath,
    failureConverterPath,
    logger: new DefaultLogger('WARN'),
  });
}

/**
 * The folder of packages with what npm writes when it has installed them: which they are. It is the sources' own in a clone; a package
 * lies in one. Undefined where nobody says.
 */
function packagesOf(sources: string): string | undefined {
  for (let folder = resolve(sources); ; folder = dirname(folder)) {
    const packages = basename(folder) === 'node_modules' ? folder : join(folder, 'node_modules');
    if (existsSync(join(packages, INSTALLED))) return packages;
    if (dirname(folder) === folder) return undefined;
  }
}

const INSTALLED = '.package-lock.json';

/**
 * Of all that a bundle is made of: the rooms that a workflow may reach (tests/rooms.test.ts), and the packages.
 */
function digestOfSources(sources: string, packages: string): string {
  const files = globSync('{workflows/**/*,loop/**/*,gates/**/*,workers/bundle}.{ts,js}', { cwd: sources });
  const contents = [...files.toSorted().map((file) => join(sources, file)), join(packages, INSTALLED)].map(
    (file) => `${file} ${digestOf(readFileSync(file, 'utf8'))}`,
  );
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
  const { sources = programFolder, bundle = bundleWorkflows } = options;
  const packages = packagesOf(sources);
  if (packages === undefined) return bundle();
  const { folder = join(packages, '.cache/ratchet') } = options;
  const before = digestOfSources(sources, packages);
  const file = join(folder, `workflows-${before}.js`);
  const known = readKept(file);
  if (known !== undefined) return { code: known };
  const { code } = await bundle();
  // Sources that changed meanwhile, as by a checkout: nobody knows which of them it is made of.
  if (digestOfSources(sources, packages) === before) keep(file, code);
  return { code };
}
