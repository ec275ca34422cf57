/** Studies (schema/discovery.ts): every write is safe to repeat, and what stands stays. */
import { and, asc, desc, eq, isNull } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import { studies, studyExperiments, studyPredictions, studyRefutations } from '../schema.ts';

export type Study = typeof studies.$inferSelect;
export type StudyExperiment = typeof studyExperiments.$inferSelect;
export type StudyPrediction = typeof studyPredictions.$inferSelect;
export type StudyRefutation = typeof studyRefutations.$inferSelect;

export async function findStudy(db: Db, id: string): Promise<Study | undefined> {
  return db.query.studies.findFirst({ where: eq(studies.id, id) });
}

/** The newest ones first. */
export async function listStudies(db: Db, most: number): Promise<Study[]> {
  return db.query.studies.findMany({ orderBy: [desc(studies.createdAt), desc(studies.id)], limit: most });
}

export async function addStudy(db: Db, row: typeof studies.$inferInsert): Promise<void> {
  await db.insert(studies).values(row).onConflictDoNothing();
}

export async function experimentsOf(db: Db, studyId: string): Promise<StudyExperiment[]> {
  return db.query.studyExperiments.findMany({
    where: eq(studyExperiments.studyId, studyId),
    orderBy: asc(studyExperiments.number),
  });
}

/** Stores what is to be done next, with what is foretold of it, before it is done. */
export async function planExperiment(
  db: Db,
  row: typeof studyExperiments.$inferInsert,
  predictions: (typeof studyPredictions.$inferInsert)[],
): Promise<void> {
  await db.transaction(async (tx) => {
    const [added] = await tx.insert(studyExperiments).values(row).onConflictDoNothing().returning();
    if (added && predictions.length > 0) await tx.insert(studyPredictions).values(predictions);
  });
}

type Result = Pick<StudyExperiment, 'measured' | 'sigma' | 'failed'>;

/** Stores what came of an experiment; the first result stays. */
export async function storeResult(db: Db, studyId: string, number: number, result: Result): Promise<void> {
  await db
    .update(studyExperiments)
    .set({ ...result, observedAt: new Date() })
    .where(
      and(
        eq(studyExperiments.studyId, studyId),
        eq(studyExperiments.number, number),
        isNull(studyExperiments.observedAt),
      ),
    );
}

/** Stores what was concluded from the experiments up to one. */
export async function storeConclusions(
  db: Db,
  studyId: string,
  number: number,
  found: Pick<StudyExperiment, 'leaders' | 'alive' | 'told'>,
  refutations: (typeof studyRefutations.$inferInsert)[],
): Promise<void> {
  await db.transaction(async (tx) => {
    await insertNew(tx, studyRefutations, refutations);
    await tx
      .update(studyExperiments)
      .set(found)
      .where(
        and(
          eq(studyExperiments.studyId, studyId),
          eq(studyExperiments.number, number),
          isNull(studyExperiments.leaders),
        ),
      );
  });
}

/** In the order of the experiments that they came with, the clearest first. */
export async function refutationsOf(db: Db, studyId: string): Promise<StudyRefutation[]> {
  return db.query.studyRefutations.findMany({
    where: eq(studyRefutations.studyId, studyId),
    orderBy: [
      asc(studyRefutations.number),
      desc(studyRefutations.chiSquare),
      asc(studyRefutations.hypothesis),
    ],
  });
}

export async function predictionsOf(db: Db, studyId: string): Promise<StudyPrediction[]> {
  return db.query.studyPredictions.findMany({
    where: eq(studyPredictions.studyId, studyId),
    orderBy: [asc(studyPredictions.number), asc(studyPredictions.hypothesis)],
  });
}

/** Ends a study; the first ending stays. */
export async function finishStudy(
  db: Db,
  id: string,
  { ending, claims, followUps }: Pick<Study, 'ending' | 'claims' | 'followUps'>,
): Promise<void> {
  await db
    .update(studies)
    .set({ ending, claims, followUps, finishedAt: new Date() })
    .where(and(eq(studies.id, id), isNull(studies.finishedAt)));
}
