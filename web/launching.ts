/** From the launcher's form to a run or a schedule: what was typed, what is wrong with it, and the input that it makes. */
import { UsageError } from '../process/errors.ts';
import { checkInput, checkRunId, defaultRunId, inputFromFlags, taskSlug } from '../app/runs/input.ts';
import { durationMs, timingFromFlags, type Timing } from '../app/schedules/spec.ts';
import { improveInputSchema, type ImproveInput } from '../loop/input.ts';
import type { TaskSpec } from '../tasks/index.ts';
import { settingFields, type SettingField } from '../loop/setting-fields.ts';

export type Values = Record<string, string>;

/** What is wrong, by the name of the form's field; `''` is the form as a whole. */
export type Problems = Map<string, string>;

export type Launch =
  | { kind: 'run'; runId: string; input: ImproveInput }
  | {
      kind: 'schedule';
      scheduleId: string;
      input: ImproveInput;
      spec: TaskSpec;
      timing: Timing;
      catchUpMs: number;
    };

/** Fields of the first part of the form; all others are folded away by group. */
export const FIRST = ['task', 'promptsFile', 'iterations', 'preset', 'seed', 'experiment'] as const;

const fields = settingFields();
const known = new Map(fields.map((field) => [field.path, field]));

export function fieldNamed(path: string): SettingField {
  return known.get(path)!;
}

/** The folded part of the form, by the first word of the path. */
export function fieldGroups(): [string, SettingField[]][] {
  const rest = fields.filter(({ path }) => !(FIRST as readonly string[]).includes(path));
  return [...Map.groupBy(rest, ({ path }) => (path.includes('.') ? path.split('.')[0]! : 'more'))];
}

class FieldError extends Error {
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

function valueOf({ kind, path }: SettingField, text: string): unknown {
  if (kind === 'text' || kind === 'choice') return text;
  if (kind === 'boolean') return text === 'true';
  if (kind === 'json') {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new FieldError(path, 'is not JSON');
    }
  }
  const number = Number(text);
  if (Number.isNaN(number)) throw new FieldError(path, `"${text}" is no number`);
  return number;
}

/** A field that was left empty is not part of the input: the task's suggestion or the default holds. */
function treeOf(values: Values, problems: Problems): Record<string, unknown> {
  const set: string[] = [];
  for (const field of fields) {
    const text = values[field.path]?.trim() ?? '';
    if (text === '') continue;
    try {
      set.push(`${field.path}=${JSON.stringify(valueOf(field, text))}`);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      problems.set(error.field, error.message);
    }
  }
  return inputFromFlags(values.task?.trim() || undefined, { set });
}

/** The field of the form that stands for a path of the schema, which may lead into a list. */
function formField(path: readonly PropertyKey[]): string {
  for (let length = path.length; length > 0; length--) {
    const name = path.slice(0, length).join('.');
    if (known.has(name)) return name;
  }
  return '';
}

function timingOf(values: Values): Timing {
  const { rhythm = 'weekly', time = '', every, cron } = values;
  const timezone = values.timezone?.trim() || undefined;
  if (rhythm === 'daily') return timingFromFlags({ daily: time, timezone });
  if (rhythm === 'every') return timingFromFlags({ every, timezone });
  if (rhythm === 'cron') return timingFromFlags({ cron, timezone });
  return timingFromFlags({ weekly: `${values.days ?? ''} ${time}`, timezone });
}

/** Messages name the flags of the command; here they stand beside the field. */
const withoutFlag = (message: string) => message.replace(/^--[a-z-]+( \S+)?: /, '');

function attempt<T>(problems: Problems, field: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.set(field, withoutFlag(error.message));
    return undefined;
  }
}

/** Checks the whole form, as the run itself will, and says of every bad field what is wrong with it. */
export async function readForm(values: Values): Promise<{ launch?: Launch; problems: Problems }> {
  const problems: Problems = new Map();
  const tree = treeOf(values, problems);
  const parsed = improveInputSchema.safeParse(tree);
  for (const issue of parsed.error?.issues ?? []) {
    const field = formField(issue.path);
    if (!problems.has(field)) problems.set(field, issue.message);
  }
  const scheduled = values.when === 'schedule';
  const timing = scheduled ? attempt(problems, 'rhythm', () => timingOf(values)) : undefined;
  const catchUpMs = scheduled
    ? attempt(problems, 'catchUp', () => durationMs('--catch-up', values.catchUp?.trim() || '1d'))
    : undefined;
  const given = values.id?.trim() || undefined;
  if (given !== undefined) attempt(problems, 'id', () => checkRunId(given));
  if (problems.size > 0) return { problems };
  try {
    const { input, task, spec } = await checkInput(tree);
    const proposed = timing ? `${taskSlug(task)}-${timing.rhythm}` : defaultRunId(task);
    const id = given ?? checkRunId(proposed);
    const launch: Launch =
      timing && catchUpMs !== undefined
        ? { kind: 'schedule', scheduleId: id, input, spec, timing, catchUpMs }
        : { kind: 'run', runId: id, input };
    return { launch, problems };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // One line a problem, `path: what`; what concerns no single field is said of the whole form.
    for (const line of error.message.split('\n').slice(1)) {
      const [, path = '', what = line] = /^\s*([\w.]+): (.*)$/s.exec(line) ?? [];
      if (known.has(path)) problems.set(path, what);
      else problems.set('', [problems.get(''), line.trim()].filter(Boolean).join('; '));
    }
    if (problems.size === 0) problems.set('', error.message);
    return { problems };
  }
}
