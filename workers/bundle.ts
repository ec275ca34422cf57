/** The workflows as one script for Temporal's sandbox. Made in some three seconds, and kept for the next worker of the same sources. */
import { createHash, randomUUID } from 'node:crypto';
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

/** All that a bundle is made of: the rooms that a workflow may reach (tests/rooms.test.ts), and the packages. */
function digestOfSources(): string {
  const hash = createHash('sha256').update(`${root}\n${process.version}\n`);
  const files = globSync(['{workflows,loop,gates}/**/*.ts', 'package-lock.json', 'workers/bundle.ts'], {
    cwd: root,
  });
  for (const file of files.toSorted())
    hash
      .update(`${file}\n`)
      .update(readFileSync(join(root, file)))
      .update('\n');
  return hash.digest('hex').slice(0, 32);
}

/** Bundles of so many versions are kept, the newest. */
const VERSIONS_KEPT = 4;

function keep(file: string, code: string): void {
  const folder = dirname(file);
  const whole = `${file}.${randomUUID()}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(whole, code);
    renameSync(whole, file);
    const kept = globSync('workflows-*.js', { cwd: folder }).map((name) => join(folder, name));
    const byAge = kept.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
    for (const old of byAge.slice(VERSIONS_KEPT)) rmSync(old, { force: true });
  } catch {
    // The folder is not ours, or full, or another process removed what was just listed: the next worker bundles again.
    if (existsSync(whole)) rmSync(whole, { force: true });
  }
}

/** As `bundleWorkflows`, from the last worker's where the sources are the same. A folder that can't be written to costs the three seconds. */
export async function keptBundle(
  folder = join(root, 'node_modules/.cache/ratchet'),
  bundle: () => Promise<WorkflowBundle> = bundleWorkflows,
): Promise<WorkflowBundle> {
  const file = join(folder, `workflows-${digestOfSources()}.js`);
  try {
    return { code: readFileSync(file, 'utf8') };
  } catch {
    const made = await bundle();
    keep(file, made.code);
    return { code: made.code };
  }
}
