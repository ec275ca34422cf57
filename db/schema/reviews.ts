/** What people were asked, and said. */
import { boolean, index, pgTable, text, type AnyPgColumn } from 'drizzle-orm/pg-core';
import { gatewayFeedback } from './gateway.ts';
import { runs, iterations } from './runs.ts';
import { samples } from './samples.ts';
import { at, createdAt, id, ref, to } from './columns.ts';

/** `feedback`: a correction from production, decided before anybody was asked. */
export type ReviewReason = 'first-iterations' | 'audit' | 'disagreement' | 'feedback';

export type ReviewDecision = 'accept' | 'reject' | 'correct';

/** What a person is asked about a sample, and says. */
export const reviews = pgTable(
  'reviews',
  {
    id: id(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    iterationId: to('iteration_id', () => iterations.id),
    sampleId: ref('sample_id')
      .notNull()
      .unique()
      .references(() => samples.id),
    reason: text('reason').$type<ReviewReason>().notNull(),
    /** Drawn at random among the accepted pseudo-labels, so that it counts in the estimate of their precision. */
    audit: boolean('audit').notNull(),
    decision: text('decision').$type<ReviewDecision>(),
    /** Decided unseen, with all that were left: counts in no statistic. */
    bulk: boolean('bulk').notNull().default(false),
    correctedAnswer: text('corrected_answer'),
    /** The reviewer's own rationale for the corrected answer. */
    correctedRationale: text('corrected_rationale'),
    note: text('note'),
    reviewer: text('reviewer'),
    decidedAt: at('decided_at'),
    /** One reviewer's session looks at it; the claim expires. */
    claimedBy: text('claimed_by'),
    claimedAt: at('claimed_at'),
    /** The correction from production that it carries out. */
    feedbackId: ref('feedback_id').references((): AnyPgColumn => gatewayFeedback.id),
    createdAt: createdAt(),
  },
  (t) => [index().on(t.runId, t.iterationId), index().on(t.feedbackId)],
);

/** Decisions that their reviewers took back, as they stood. No row is ever changed or deleted (a trigger refuses it). */
export const undoneReviews = pgTable(
  'undone_reviews',
  {
    id: id(),
    reviewId: to('review_id', () => reviews.id),
    decision: text('decision').$type<ReviewDecision>().notNull(),
    correctedAnswer: text('corrected_answer'),
    correctedRationale: text('corrected_rationale'),
    note: text('note'),
    bulk: boolean('bulk').notNull(),
    reviewer: text('reviewer').notNull(),
    decidedAt: at('decided_at').notNull(),
    undoneAt: createdAt(),
  },
  (t) => [index().on(t.reviewId)],
);
