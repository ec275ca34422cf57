/** How well each critic can tell, measured on its own labelled replies: the file that `ratchet critics` makes. */
import { z } from 'zod';
import { InvalidInputError } from '../errors.ts';
import { readJsonl, textProblem } from '../jsonl.ts';
import { readText } from '../yaml.ts';

export const CRITICS = ['accuracy', 'tone', 'empathy'] as const;
export type CriticName = (typeof CRITICS)[number];

const standingSchema = z.strictObject({
  critic: z.enum(CRITICS),
  model: z.string().describe('which model was asked'),
  bad: z.int().min(0).describe('replies that should fail, with a verdict'),
  caught: z.int().min(0).describe('those of them that it failed'),
  good: z.int().min(0).describe('replies that should hold, with a verdict'),
  refused: z.int().min(0).describe('those of them that it failed all the same'),
  unscored: z.int().min(0).describe('replies on which it gave no verdict'),
  p: z.number().min(0).max(1).describe('chance of telling them apart so well or better by luck'),
  able: z.boolean(),
});
export type Standing = z.output<typeof standingSchema>;

/** @throws InvalidInputError */
export async function readStandings(file: string): Promise<Standing[]> {
  let value: unknown;
  try {
    value = JSON.parse(await readText('critics: measured', file));
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
  }
  const parsed = z.array(standingSchema).safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError([
    `critics: measured ${file}: is not as \`ratchet critics\` writes it: make it anew`,
  ]);
}

const labelSchema = z.strictObject({
  request: z.string().min(1).max(20_000),
  reply: z.string().min(1).max(20_000),
  holds: z.boolean(),
});
export type Label = z.output<typeof labelSchema>;

/** Fewer of either kind can't tell anything. */
const LEAST_LABELS = 8;

/** Labelled replies of one critic. @throws InvalidInputError naming bad lines, and a file with too few of a kind */
export async function readLabels(critic: CriticName, file: string): Promise<Label[]> {
  const problems: string[] = [];
  const labels: Label[] = [];
  const what = `critics: ${critic} file ${file}`;
  for await (const { line, value, problem } of readJsonl(`critics: ${critic} file`, file)) {
    const parsed = labelSchema.safeParse(value);
    const odd =
      problem ??
      (parsed.success
        ? textProblem('reply', parsed.data.reply)
        : 'needs "request" and "reply" as texts and "holds" as true or false');
    if (odd) problems.push(`${what}, line ${line} ${odd}`);
    else labels.push(parsed.data!);
  }
  const readable = problems.length === 0;
  for (const holds of [true, false]) {
    const n = labels.filter((one) => one.holds === holds).length;
    if (readable && n < LEAST_LABELS)
      problems.push(`${what} has ${n} replies that ${holds ? 'hold' : 'fail'}, ${LEAST_LABELS} are needed`);
  }
  if (problems.length > 0) throw new InvalidInputError(problems.slice(0, 20));
  return labels;
}
