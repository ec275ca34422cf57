/**
 * How many fixes of a run are right by a second test suite that no run sees: of those that were accepted, and of all that pass the tests, as
 * if nothing but the tests had been looked at.
 *
 *     npx node --import tsx bench/code-repair.ts RUN --hidden examples/code-repair/hidden
 *
 * The folder has one of the name of each repository, whose tests/ takes the place of the repository's own.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { sql } from 'drizzle-orm';
import pLimit from 'p-limit';
import { findDatabase, withDatabase } from '../app/addresses.ts';
import { look, surveyOf, type Looked } from '../app/code/looked.ts';
import { readRun } from '../engine/context.ts';
import { archivesOf, ratchetHome } from '../stack/home.ts';
import { percent } from '../process/text.ts';
import { actAsUser } from '../tasks/access.ts';
import { applyFix } from '../tasks/code/apply.ts';
import { bugsOf, type Bug } from '../tasks/code/bugs.ts';
import { readReply } from '../tasks/code/reply.ts';
import { languageOf } from '../tasks/code/source.ts';
import { visibleOf } from '../tasks/thinking-text.ts';

actAsUser();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { hidden: { type: 'string', default: 'examples/code-repair/hidden' } },
});
const [runId] = positionals;
if (!runId) throw new Error('which run? bench/code-repair.ts RUN [--hidden FOLDER]');

/** The file as an answer leaves it, whatever it brings in. */
function fileOf(bug: Bug, rationale: string): string | undefined {
  const fix = readReply(visibleOf(rationale), {
    original: bug.shown[0]!.text,
    language: languageOf(bug.path)!,
  })?.fix;
  if (fix === undefined) return undefined;
  const applied = applyFix({ [bug.path]: bug.file }, { path: bug.path, name: bug.function }, fix);
  return 'refused' in applied ? undefined : applied.changes[bug.path];
}

await withDatabase(findDatabase(), async (db) => {
  const run = await readRun(db, runId);
  if (run.taskSpec.kind !== 'code') throw new Error(`${runId} is no run of a task of kind code-repair`);
  const { task, bugsDigest } = run.taskSpec;
  const bugs = new Map(bugsOf(bugsDigest).map((bug) => [bug.id, bug]));
  const archives = archivesOf(ratchetHome());
  const second = new Map<string, Looked>();
  for (const repository of task.repositories) {
    const folder = mkdtempSync(join(tmpdir(), 'ratchet-hidden-'));
    const own = join(resolve(values.hidden), repository.name);
    if (!repository.folder || !existsSync(own)) throw new Error(`there is no second suite ${own}`);
    cpSync(repository.folder, folder, { recursive: true });
    rmSync(join(folder, 'tests'), { recursive: true, force: true });
    cpSync(join(own, 'tests'), join(folder, 'tests'), { recursive: true });
    second.set(repository.name, await look({ ...repository, folder, seconds: 60 }, archives));
    rmSync(folder, { recursive: true });
  }
  const { rows } = await db.execute<{ key: string; rationale: string; accepted: boolean }>(sql`
    select p.key, s.rationale, exists (select 1 from examples e where e.sample_id = s.id) as accepted
    from samples s join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id
    where i.run_id = ${runId} and s.origin = 'model' and s.round > 0 and s.answer is not null`);
  const fixes = new Map<string, { bug: Bug; file: string; accepted: boolean }>();
  for (const { key, rationale, accepted } of rows) {
    const bug = bugs.get(key);
    const file = bug && fileOf(bug, rationale);
    if (!bug || file === undefined) continue;
    const id = `${key}\n${file}`;
    fixes.set(id, { bug, file, accepted: accepted || fixes.get(id)?.accepted === true });
  }
  const limit = pLimit(availableParallelism());
  const first = new Map<string, Looked>();
  for (const repository of task.repositories) first.set(repository.name, await look(repository, archives));
  const passes = async (looked: Looked, { bug, file }: { bug: Bug; file: string }) => {
    const { path, function: name, language } = bug;
    const { tests } = await surveyOf(looked, { path, name, language }, file, []);
    return looked.tests.every((one) => tests[one] === null);
  };
  const judged = await Promise.all(
    [...fixes.values()].map((fix) =>
      limit(async () => {
        const byTests = await passes(first.get(fix.bug.repository)!, fix);
        const right = (byTests || fix.accepted) && (await passes(second.get(fix.bug.repository)!, fix));
        return { ...fix, byTests, right };
      }),
    ),
  );
  const count = (name: string, all: typeof judged) => {
    const right = all.filter((fix) => fix.right).length;
    const share = percent(all.length === 0 ? null : right / all.length);
    const of = new Set(all.map(({ bug }) => bug.id)).size;
    console.log(
      `${name}: ${right} of ${all.length} different fixes right by the second suite (${share}), of ${of} bugs`,
    );
  };
  console.log(`${rows.length} samples, ${fixes.size} different fixes`);
  count(
    'accepted',
    judged.filter(({ accepted }) => accepted),
  );
  count(
    'by tests alone',
    judged.filter(({ byTests }) => byTests),
  );
});
