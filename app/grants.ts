/**
 * What a person's own command lets the local stack do: read the files that it names, send the keys that it names where it says. The
 * command runs with the person's rights, so it gives away nothing that is not theirs; a run that is started elsewhere gives nothing.
 */
import { realpath } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceOf } from '../engine/context.ts';
import { improveInputSchema, type ImproveInput } from '../loop/input.ts';
import { layered } from '../loop/presets.ts';
import { isKeyName } from '../models/keys.ts';
import { addGrants, type Grant } from '../process/grants.ts';
import { allSources } from '../tasks/file/schema.ts';
import { policyFiles } from '../tasks/support/policies.ts';
import { loadTask, type TaskSpec } from '../tasks/index.ts';
import { UsageError } from '../process/errors.ts';
import { ratchetHome } from '../stack/home.ts';
import { readState, type StackState } from '../stack/state.ts';

/** The stack hands a key over in a fraction of this. */
const PATIENCE_MS = 5000;

/** All files that a run of the task reads. */
function filesOf(spec: TaskSpec): string[] {
  if (spec.kind === 'file') {
    return [spec.path, ...allSources(spec.task).flatMap(({ file }) => file ?? [])];
  }
  if (spec.kind === 'code') return [spec.path, spec.task.bugs];
  if (spec.kind === 'tutor')
    return [spec.path, spec.task.log, ...(spec.task.catalogue === undefined ? [] : [spec.task.catalogue])];
  if (spec.kind === 'support') return supportFiles(spec);
  const own = spec.kind === 'module' ? [spec.path] : [];
  return spec.promptsFile === undefined ? own : [...own, spec.promptsFile];
}

function supportFiles({ path, task }: Extract<TaskSpec, { kind: 'support' }>): string[] {
  return [path, task.corrections, ...task.benchmarks.map(({ file }) => file), ...policyFiles(task.policies)];
}

type Pair = { key: string; to: string };

/** Each key with the endpoint beside whose URL it stands. */
function keysOf(input: ImproveInput, spec: TaskSpec, usual: string | undefined): Pair[] {
  const task = loadTask(spec);
  const settings = improveInputSchema.parse(layered(task.suggested, input));
  const roles = ['generator', 'teacher', 'critic', 'trainer', 'judge'] as const;
  const critics = settings.gates.critique.critics.map(({ endpoint }) =>
    endpoint.baseURL === undefined ? { ...settings.models.critic, ...endpoint } : endpoint,
  );
  const agents = settings.strategy.debate.agents.flatMap(({ endpoint }) =>
    endpoint?.baseURL === undefined ? [] : [endpoint],
  );
  return [...roles.map((role) => sourceOf(role, settings, task)), ...critics, ...agents].flatMap((source) => {
    const url = source?.baseURL ?? usual;
    const key = source?.apiKeyEnv;
    if (key === undefined || url === undefined || !URL.canParse(url) || !isKeyName(key)) return [];
    return [{ key, to: new URL(url).origin }];
  });
}

/** Lets the local stack, where one runs, do what this input asks for. @throws UsageError when it has not the key that is named */
export async function grantToStack(input: ImproveInput, spec: TaskSpec): Promise<void> {
  const home = ratchetHome();
  const state = readState(home);
  if (!state?.parts.worker) return;
  const files = await Promise.all(filesOf(spec).map((file) => realpath(file)));
  const keys = keysOf(input, spec, state.env.MODEL_BASE_URL);
  const grants: Grant[] = [...files.map((file) => ({ file })), ...keys];
  addGrants(home, grants);
  await untilHandedOver(home, state, keys);
}

async function untilHandedOver(home: string, before: StackState, keys: Pair[]): Promise<void> {
  const names = [...new Set(keys.map(({ key }) => key))];
  const deadline = Date.now() + PATIENCE_MS;
  for (let state: StackState | undefined = before; state; state = readState(home)) {
    const missing = names.filter((name) => !state?.keys?.includes(name));
    if (missing.length === 0) return;
    if (Date.now() > deadline) {
      const [name] = missing;
      throw new UsageError(
        `The local stack has no variable ${name}: it was started without. Start it again with it (ratchet down; export ${name}=…; ratchet up), or write the variable's name as it is there.`,
      );
    }
    await sleep(100);
  }
}
