/** A run whose samples another model writes: what the teacher says is learnt, by a student that is measured as itself. */
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { findResetTarget } from '../../activities/run/course.ts';
import { distillationSentences } from '../../app/report/distillation.ts';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { checkpointsMade, exampleCounts, taughtIds } from '../../db/queries/lineage.ts';
import { findCheckpoint } from '../../db/queries/runs.ts';
import { TEACHER } from '../../loop/words.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { answerSum, longAddition } from '../support/scripted-adder.ts';

/** The teacher adds without a fault; the student as the scripted adder, which gets better with each training. */
const loop = useLoop({
  baseModel: 'student',
  otherModels: ['teacher'],
  answer: (request) =>
    request.model === 'teacher' && /^\d{10}\+\d{10}$/.test(request.messages.at(-1)!.content)
      ? longAddition(request.messages.at(-1)!.content)
      : answerSum(request),
});

const taughtBy = (model: string) =>
  loop.small({
    paging: { promptsPerPage: 12 },
    models: { generator: { baseURL: loop.endpoint.url, model: 'student' }, teacher: { model } },
  });

it('trains and promotes the student on what the teacher wrote, and sets them side by side', async () => {
  const { db } = loop.database;
  expect(await loop.improve('distil', taughtBy('teacher'))).toMatchObject({ iterations: 1, promoted: 1 });
  await saveHistory(loop.temporal, 'distil', 'improve-taught');

  const teacher = (await findCheckpoint(db, 'distil', TEACHER))!;
  expect(teacher).toMatchObject({ model: 'teacher', kind: 'base', parentId: null });
  const asked = (model: string) => loop.endpoint.received.filter(({ body }) => body.model === model);
  // The student is only measured, and that greedily; nobody but it is trained.
  expect(asked('teacher').filter(({ body }) => Number(body.temperature) > 0).length).toBeGreaterThan(20);
  expect(asked('student').filter(({ body }) => Number(body.temperature) > 0)).toEqual([]);
  expect([...loop.endpoint.jobs.values()].map(({ model }) => model)).toEqual(['student']);
  const writers = await loop.rows(sql`select distinct checkpoint_id::int as id from samples`);
  expect(writers).toEqual([{ id: teacher.id }]);
  // Every level is drawn from at once: the teacher has no frontier.
  const [plan] = await loop.rows<{ levels: number[] }>(sql`select plan->'levels' as levels from iterations`);
  expect(plan!.levels).toEqual([4, 5, 6, 7, 8, 9]);

  const report = await buildReport(db, 'distil');
  const { rows, ...ratios } = report.distillation!;
  expect(rows.map(({ who }) => who)).toEqual(['teacher', 'student before', 'student after']);
  const [taught, before, after] = rows;
  expect(taught).toMatchObject({
    model: 'teacher',
    target: { rate: 1 },
    final: { rate: 1 },
    parameters: null,
  });
  expect(before!.final!.rate).toBeLessThan(after!.final!.rate);
  expect(after!.rounds).toHaveLength(3);
  expect(ratios).toMatchObject({ on: 'final', kept: after!.final!.rate, atOnce: 16, size: null });
  expect(ratios.faster).toBe(after!.tokensPerSecond! / taught!.tokensPerSecond!);
  expect(renderReport(report)).toContain(distillationSentences(report.distillation!)[0]!.slice(0, 60));
  // The comparison stays that of the student with itself.
  expect(report.base!.model).toBe('student');

  // Lineage: whoever doubts the teacher finds the student.
  const student = report.best!.id;
  const [made] = await checkpointsMade(db, [student]);
  const counts = await exampleCounts(db, made!.dataset!.id);
  expect([...new Set(counts.map(({ generator }) => generator))]).toEqual([teacher.id]);
  expect(await taughtIds(db, [teacher.id])).toContain(student);
  // It is no state of the student's to go back to.
  expect(await findResetTarget({ db }, { runId: 'distil', to: teacher.id })).toEqual({
    unknown: `run distil has no checkpoint ${teacher.id}`,
  });
}, 240_000);

it('refuses a student that would teach itself, before anything is asked', async () => {
  const before = loop.endpoint.requests.length;
  await expect(loop.improve('itself', taughtBy('student'))).rejects.toMatchObject({
    cause: { message: expect.stringContaining('The teacher is the student itself, student') },
  });
  expect(loop.endpoint.requests.length).toBe(before);
}, 60_000);
