/**
 * How often a run's votes are right, by how sure they are: for choosing `gates.agreement` where some answers are known. Reads the stored
 * votes of prompts to learn from and the task's own answers, which nothing in the loop sees. Give runs over different prompts: the
 * intervals take each vote as independent of the others.
 *
 *     DATABASE_URL=… npx node bench/votes.ts RUN [RUN …]
 */
import { sql } from 'drizzle-orm';
import { connect } from '../db/connect.ts';
import { readRun, taskOf } from '../engine/context.ts';
import { wilson } from '../loop/interval.ts';
import { percent } from '../process/text.ts';
import { actAsUser } from '../tasks/access.ts';

type Row = {
  key: string;
  text: string;
  level: number | null;
  answer: string | null;
  votes: number;
  lead: number;
  samples: number;
  shared: boolean;
};

const runs = process.argv.slice(2);
if (runs.length === 0) {
  console.error('usage: DATABASE_URL=… npx node bench/votes.ts RUN [RUN …]');
  process.exit(2);
}
actAsUser();
if (!process.env.DATABASE_URL)
  throw new Error("Set DATABASE_URL: a local stack's is in stack.json of its folder.");
const db = connect(process.env.DATABASE_URL, 1);
const judged: (Row & { right: boolean })[] = [];
for (const id of runs) {
  const task = taskOf(await readRun(db, id));
  if (!task.truth)
    throw new Error(`The task of ${id} knows no answers (\`truth\`): nothing to compare with.`);
  const { rows } = await db.execute<Row>(sql`
    select p.key, p.text, p.level, v.answer, v.votes, v.votes - v.runner_up_votes as lead, v.samples, v.shared_mistake as shared
    from votes v join prompts p on p.id = v.prompt_id join iterations i on i.id = p.iteration_id
    where i.run_id = ${id} and p.purpose = 'learn'`);
  for (const row of rows) {
    const truth = task.truth({ key: row.key, text: row.text, level: row.level ?? undefined });
    if (truth === undefined) continue;
    judged.push({ ...row, right: row.answer !== null && task.sameAnswer(row.answer, truth) });
  }
}
await db.$client.end();

if (judged.length === 0) throw new Error(`No votes with a known answer in ${runs.join(', ')} yet.`);
const most = judged.reduce((max, { samples }) => Math.max(max, samples), 0);
console.log(
  `${judged.length} prompts, up to ${most} samples each; votes with a shared mistake are left out below\n`,
);
console.log('| votes ≥ | lead ≥ | votes that are so sure | right | 95 % interval |');
console.log('|---|---|---|---|---|');
for (let votes = 1; votes <= most; votes++) {
  for (let lead = 1; lead <= votes; lead++) {
    const sure = judged.filter(
      (row) => row.answer !== null && !row.shared && row.votes >= votes && row.lead >= lead,
    );
    if (sure.length === 0) continue;
    const right = sure.filter((row) => row.right).length;
    const { low, high } = wilson(right, sure.length);
    console.log(
      `| ${votes} | ${lead} | ${sure.length} | ${percent(right / sure.length, 0)} | ${percent(low, 0)}–${percent(high, 0)} |`,
    );
  }
}
