/**
 * A repository's own bugs, repaired by a scripted model: fixes vote by what they do, the sandbox grades held-out bugs, and what passes
 * the tests without mending anything is not trained on. The sandbox's worker is killed on the way.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBugs, type Made } from '../../app/code/make-bugs.ts';
import { checkInput } from '../../app/runs/input.ts';
import { createSchedule } from '../../app/schedules/schedules.ts';
import { timingFromFlags } from '../../app/schedules/spec.ts';
import { pageData } from '../../app/report/html/data.ts';
import { renderPage } from '../../app/report/html/page.ts';
import { buildReport } from '../../app/report/report.ts';
import { exportLines } from '../../app/exports/export.ts';
import type { Sink } from '../../app/exports/sink.ts';
import { actAsUser } from '../../tasks/access.ts';
import { functionsIn } from '../../tasks/code/source.ts';
import { codeTaskOf, folderOf } from '../support/code-repair.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { hasSandbox, processesWith } from '../support/sandbox.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const python = join(root, 'examples/code-repair/python');
const originals = new Map(
  ['kit/dates.py', 'kit/numbers.py'].flatMap((path) =>
    functionsIn(path, readFileSync(join(python, path), 'utf8')).map((fn) => [fn.name, fn.text] as const),
  ),
);

/** Has a bug that its tests do not notice. */
const HALF = 'def half(value: int) -> int:\n    """Half of it, rounded up."""\n    return value // 2\n';

const HALF_TEST = `import unittest

from kit.halves import half


class HalfTest(unittest.TestCase):
    def test_even(self):
        self.assertEqual(half(8), 4)
        self.assertEqual(half(0), 0)
`;

/** A function that does nothing but to fail with a text. */
const raising = (code: string) =>
  `${/^def .*:$/m.exec(code)![0]}\n    raise ValueError(${JSON.stringify(HOSTILE)})`;

/** Repairs some bugs at first and most of them once it has been trained; now and then it leaves what it was given. */
const HOSTILE = '</pre><script>alert(1)</script>';

const loop = useLoop({
  baseModel: 'm',
  answer({ messages, seed, generation }) {
    const asked = messages.at(-1)!.content;
    if (asked.includes('def half')) {
      const fix = `\`\`\`python\n${HALF.replace('value //', '(value + 1) //')}\n\`\`\``;
      // No test fails with this bug, and only who asks for one is given it.
      return asked.includes('second code block')
        ? `${fix}\n\n\`\`\`python\nassert half(5) == 3\n\`\`\``
        : fix;
    }
    const code = /```python\n(.*?)\n```/s.exec(asked)?.[1];
    if (code === undefined) return 'Hello.';
    const name = /def (\w+)/.exec(code)![1]!;
    const luck = (seed + code.length) % 10;
    // What its tests say of it is hostile.
    if (luck === 9) return `\`\`\`python\n${raising(code)}\n\`\`\``;
    const right = luck < (generation === 0 ? 3 : 9);
    return `\`\`\`python\n${right ? originals.get(name)! : code}\n\`\`\``;
  },
});

const workers: WorkerProcess[] = [];
afterAll(async () => {
  for (const worker of workers) await worker.kill();
});

describe.skipIf(!hasSandbox)('repairing code', () => {
  const folder = folderOf({});
  const archives = join(folder, 'archives');
  const file = join(folder, 'repair.yaml');
  let made: Made;
  const startSandbox = async () => {
    const worker = await startWorkerProcess(
      { TEMPORAL_ADDRESS: loop.temporal.address, DATABASE_URL: '', RATCHET_SANDBOX_ARCHIVES: archives },
      { argv: [process.execPath, 'workers/sandbox.ts'], cwd: root },
    );
    workers.push(worker);
    return worker;
  };
  beforeAll(async () => {
    actAsUser();
    const copy = join(folder, 'kit');
    cpSync(python, copy, { recursive: true, filter: (path) => !path.includes('__pycache__') });
    writeFileSync(join(copy, 'kit/halves.py'), HALF);
    writeFileSync(join(copy, 'tests/test_halves.py'), HALF_TEST);
    const text = `half(5) gives 2, and should give 3. ${HOSTILE}`;
    const report = { id: 'odd', repository: 'kit', title: 'half is too small', text };
    writeFileSync(join(folder, 'reports.jsonl'), `${JSON.stringify(report)}\n`);
    const given = {
      name: 'kit',
      folder: copy,
      source: ['kit/dates.py', 'kit/numbers.py', 'kit/halves.py'],
      tests: 'unittest',
    };
    const more = {
      perFunction: 3,
      mutants: 2,
      bugs: join(folder, 'bugs.jsonl'),
      reports: join(folder, 'reports.jsonl'),
    };
    writeFileSync(file, stringify({ kind: 'code-repair', name: 'repair', repositories: [given], ...more }));
    made = await makeBugs(codeTaskOf(given, more), { archives, seed: 1, say: () => {} });
    writeFileSync(more.bugs, made.bugs.map((bug) => `${JSON.stringify(bug)}\n`).join(''));
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The week's page: what was mended with diff and proof, what was rejected and why, and what became of the adapter. */
  async function expectDigest() {
    const { fixes, iterations } = await buildReport(loop.database.db, 'repair');
    const page = await renderPage(await pageData(loop.database.db, 'repair'));
    const words = page.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
    const card = /<section[^>]*id="fixes"[\s\S]*?<\/section>/.exec(page)![0];
    expect(words).toContain('Mended: 1 reported bug of the repositories as they are');
    const odd = fixes!.fixes[0]!;
    expect(words).toContain('kit/report/odd (in the repository) half is too small half(5) gives 2');
    expect(words).toContain(`Proof: ${odd.proof}`);
    expect(odd.proof).toMatch(/^\d+ tests pass, and catch \d+% of \d mutants$/);
    expect(card).toContain('-    return value // 2\n+    return (value + 1) // 2');
    expect(words).toContain(`ratchet why sample:${odd.sample}`);
    for (const { outcome, samples } of fixes!.outcomes) expect(words).toContain(`${outcome} ${samples} `);
    const rejected = fixes!.rejected.map(({ outcome }) => outcome);
    expect(new Set(rejected)).toEqual(
      new Set(fixes!.outcomes.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'holds')),
    );
    for (const { outcome, bug, sample } of fixes!.rejected) {
      expect(words).toContain(`${outcome}: ${bug}`);
      expect(words).toContain(`ratchet why sample:${sample}`);
    }
    expect(fixes!.rejected.find(({ outcome }) => outcome === 'tests fail')!.reason).toContain(HOSTILE);
    expect(odd.about).toContain(HOSTILE);
    expect(page).not.toMatch(/<script/);
    expect(card.split('&lt;/pre&gt;&lt;script&gt;alert(1)').length).toBeGreaterThan(2);
    expect(iterations[0]!.decision).toBe('promote');
    expect(words).toMatch(/Decisions each candidate against the best so far .* promoted /);
  }

  it('is tried again every week for bugs that are still there, unless the input says otherwise', async () => {
    const { client } = loop.temporal;
    const timing = timingFromFlags({ weekly: 'Sun 03:00', timezone: 'UTC' });
    const unusedOf = async (id: string, more: object) => {
      const { input, spec } = await checkInput({ task: file, ...more });
      await createSchedule(client, { id, input, spec, timing, catchUpMs: 60_000, paused: true });
      const { action } = await client.schedule.getHandle(id).describe();
      return (action.args![0] as { pool: { unused: boolean } }).pool.unused;
    };
    expect(await unusedOf('weekly', {})).toBe(false);
    expect(await unusedOf('weekly-unused', { pool: { unused: true } })).toBe(true);
  });

  it('trains on fixes that hold, and measures by the sandbox', async () => {
    const first = await startSandbox();
    const { check, models, paging, iterations } = loop.small();
    const handle = await loop.start('repair', {
      task: file,
      check,
      models,
      paging,
      iterations,
      pool: { prompts: 40, rehearsal: 0 },
      sampling: { samples: 4, cache: false, strategyNames: ['fix', 'explain-first'], resamples: 2 },
    });
    await until('the first containers', () => Promise.resolve(processesWith('/task/check.py') > 0));
    await first.kill();
    await until('no container that outlives its worker', () =>
      Promise.resolve(processesWith('/task/check.py') === 0),
    );
    await startSandbox();
    await handle.result();
    const right = async (role: string, at: number) => {
      const [row] = await loop.rows<{ correct: number; graded: number; total: number }>(sql`
        select e.correct, e.total, (select count(*)::int from evaluation_items i where i.evaluation_id = e.id
          and i.correct and i.result_digest is not null) as graded
        from evaluations e join checkpoints c on c.id = e.checkpoint_id
        where e.benchmark = ${role} and c.iteration_index = ${at}`);
      expect(row!.graded).toBe(row!.correct);
      return row!.correct / row!.total;
    };
    expect(await right('target', 1)).toBeGreaterThan(await right('target', 0));
    const samples = await loop.rows<{
      behaviour: string | null;
      ok: boolean;
      reason: string;
      trained: boolean;
    }>(sql`
      select s.behaviour, v.ok, v.reason, exists (select 1 from examples e where e.sample_id = s.id) as trained
      from samples s join verifications v on v.sample_id = s.id where s.origin = 'model' and s.round > 0`);
    const trained = samples.filter((one) => one.trained);
    expect(trained.length).toBeGreaterThan(0);
    expect(trained.filter(({ ok, behaviour }) => !ok || !behaviour?.startsWith('168 tests pass'))).toEqual(
      [],
    );
    // Of bugs that no answer mends, the function as it was before is learnt; the bug that was not planted has none.
    const original = await loop.rows<{ key: string; by: string; ok: boolean; behaviour: string | null }>(sql`
      select p.key, s.written_by as by, v.ok, s.behaviour from examples e join samples s on s.id = e.sample_id
      join prompts p on p.id = s.prompt_id join verifications v on v.sample_id = s.id where s.origin = 'person'`);
    expect(original.length).toBeGreaterThan(0);
    expect(original.filter(({ ok, behaviour }) => !ok || !behaviour)).toEqual([]);
    expect(new Set(original.map(({ by }) => by))).toEqual(
      new Set(['kit, as it was before the bug was planted']),
    );
    // Whoever reports a bug of a function says that it is not right as it is.
    expect(original.filter(({ key }) => /halves|odd/.test(key))).toEqual([]);
    const [proof] = await loop.rows<{ asked: number; of: string }>(sql`
      select count(*)::int as asked, min(p.key) as of from samples s join prompts p on p.id = s.prompt_id
      where s.round = 2 and s.strategy = 'with-test' and p.text like '%def half%'`);
    expect(proof).toEqual({ asked: 2, of: 'kit/report/odd' });
    const left = samples.filter(({ reason }) => reason === 'unchanged');
    expect(left.length).toBeGreaterThan(0);
    expect(left.filter(({ behaviour }) => behaviour !== null)).toEqual([]);
    const [planted] = await loop.rows<{ caught: number; all: number }>(sql`
      select count(*)::int as all, count(*) filter (where v.outcome <> 'pass')::int as caught from verdicts v
      join samples s on s.id = v.sample_id where s.origin = 'planted' and v.gate = 'verification'`);
    expect(planted!.all).toBeGreaterThan(0);
    expect(planted!.caught).toBe(planted!.all);
    // What is equal is run once, however many samples it is.
    const [run] = await loop.rows<{ results: number; checked: number }>(sql`
      select (select count(*)::int from sandbox_results) as results,
        (select count(*)::int from verifications where result_digest is not null)
        + (select count(*)::int from evaluation_items where result_digest is not null) as checked`);
    expect(run!.results).toBeLessThan(run!.checked);
    const lines: string[] = [];
    const sink: Sink = {
      write: async (given) => void lines.push(...given.map(({ text }) => text)),
      written: () => ({ rows: lines.length, bytes: 0, sha256: '' }),
      finish: async () => undefined,
      discard: async () => undefined,
    };
    const exported = await exportLines(loop.database.db, 'repair', { format: 'patches' }, sink);
    expect(exported.planted).toBeGreaterThan(0);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('--- a/kit/halves.py');
    const patch = join(folder, 'fixes.patch');
    writeFileSync(patch, `${lines.join('\n')}\n`);
    execFileSync('git', ['apply', patch], { cwd: join(folder, 'kit') });
    expect(readFileSync(join(folder, 'kit/kit/halves.py'), 'utf8')).toContain('(value + 1) // 2');
    const { fixes } = await buildReport(loop.database.db, 'repair');
    expect(fixes!.fixes[0]).toMatchObject({ bug: 'kit/report/odd', planted: false });
    expect(fixes!.fixes[0]!.diff).toContain('+    return (value + 1) // 2');
    expect(fixes!.outcomes.map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(['holds', 'leaves the code as it was', 'tests fail']),
    );
    await expectDigest();
    // What an earlier version stored, without a word, is told by its reason as ever.
    const [words] = await loop.rows<{ without: number; other: number }>(sql`
      select count(*) filter (where v.finding is null)::int as without,
        count(*) filter (where v.finding is distinct from r.finding)::int as other
      from verifications v left join sandbox_results r on r.digest = v.result_digest
      where v.result_digest is not null or v.finding is null`);
    expect(words).toEqual({ without: 0, other: 0 });
    await loop.rows(sql`update verifications set finding = null`);
    expect((await buildReport(loop.database.db, 'repair')).fixes!.outcomes).toEqual(fixes!.outcomes);
    await saveHistory(loop.temporal, 'repair/iteration-1', 'iteration-code');
  }, 240_000);
});
