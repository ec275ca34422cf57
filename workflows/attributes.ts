import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import type { HistoryRow } from '../db/queries/history.ts';
import { SEARCH_ATTRIBUTE } from './names.ts';

/** The keys of the search attributes that a run and its iterations upsert, and of those that a schedule sets. */
export const attribute = {
  task: defineSearchAttributeKey(SEARCH_ATTRIBUTE.task, 'KEYWORD'),
  stage: defineSearchAttributeKey(SEARCH_ATTRIBUTE.stage, 'KEYWORD'),
  iteration: defineSearchAttributeKey(SEARCH_ATTRIBUTE.iteration, 'INT'),
  decision: defineSearchAttributeKey(SEARCH_ATTRIBUTE.decision, 'KEYWORD'),
  targetAccuracy: defineSearchAttributeKey(SEARCH_ATTRIBUTE.targetAccuracy, 'DOUBLE'),
  scheduledById: defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD'),
  scheduledFor: defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME'),
};

/** What a decision changes: itself, and the target accuracy of the checkpoint that is best after it. */
export function decisionAttributes(row: HistoryRow): SearchAttributeUpdatePair[] {
  const best = row.decision === 'promote' ? row.after : row.before;
  return [
    { key: attribute.decision, value: row.decision },
    ...(best === undefined ? [] : [{ key: attribute.targetAccuracy, value: best }]),
  ];
}
