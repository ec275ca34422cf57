/** What the sandbox found of a sample, as terminal and page show it. */
import { eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import type { Db } from '../../db/connect.ts';
import { sandboxResults, verifications } from '../../db/schema.ts';

/** As checks of code tell it (tasks/code/check/check.py); other checks tell what they like, or nothing. */
const detailsSchema = z.looseObject({
  tests: z
    .looseObject({ passed: z.number(), failed: z.record(z.string(), z.string().nullable()) })
    .optional(),
  mutants: z.array(z.looseObject({ what: z.string(), caught: z.string() })).default([]),
  ideas: z
    .array(z.looseObject({ call: z.string(), expected: z.string(), counts: z.boolean(), why: z.string() }))
    .default([]),
  probes: z.array(z.array(z.string()).length(3)).default([]),
  lint: z.string().default(''),
  output: z.string().default(''),
});

export type SandboxWhy = {
  ok: boolean | null;
  score: number | null;
  reason: string;
  /** What the work does: it votes by this. */
  behaviour: string | null;
  /** SHA-256 of all that the result depends on; null: it was not run. */
  digest: string | null;
  /** What the answer changes, as a unified diff. */
  patch: string | null;
  details: z.output<typeof detailsSchema> | null;
};

/** What was found of these samples; those that the sandbox has not looked at are left out. */
export async function sandboxOf(
  db: Db,
  sampleIds: number[],
): Promise<Map<number, Omit<SandboxWhy, 'patch'>>> {
  if (sampleIds.length === 0) return new Map();
  const rows = await db
    .select({ verification: verifications, result: sandboxResults })
    .from(verifications)
    .leftJoin(sandboxResults, eq(sandboxResults.digest, verifications.resultDigest))
    .where(inArray(verifications.sampleId, sampleIds));
  return new Map(
    rows.map(({ verification: { sampleId, ok, score, reason, resultDigest }, result }) => {
      const details = detailsSchema.safeParse(result?.details);
      return [
        sampleId,
        {
          ok,
          score,
          reason,
          behaviour: result?.behaviour ?? null,
          digest: resultDigest,
          details: details.success ? details.data : null,
        },
      ];
    }),
  );
}

const counted = (caught: number, all: number) => `${caught} of ${all}`;

/** The details in lines: tests that failed, mutants that nothing caught, test ideas. */
export function detailLines({ details }: SandboxWhy): string[] {
  if (!details) return [];
  const { tests, mutants, ideas } = details;
  const alive = mutants.filter(({ caught }) => caught === '');
  return [
    ...Object.entries(tests?.failed ?? {}).map(([name, said]) => `fails: ${name}: ${said ?? ''}`),
    ...(mutants.length > 0
      ? [`mutants of the fix that are caught: ${counted(mutants.length - alive.length, mutants.length)}`]
      : []),
    ...alive.map(({ what }) => `not caught: ${what}`),
    ...ideas.map(
      ({ call, expected, counts, why }) =>
        `test idea: ${call} gives ${expected}${counts ? '' : ` (does not count: it ${why})`}`,
    ),
  ];
}
