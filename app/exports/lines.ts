/**
 * One accepted example, or one pair, as a line of a file. OpenAI's fine-tuning and our trainer take `messages` and nothing
 * else, so there the metadata goes into a file of its own, line by line; TRL's trainers leave other columns alone.
 *
 * Every field of the metadata is on every line and keeps its type, and whole numbers that may be fractions elsewhere are
 * written with a point: `datasets` takes a file's columns from its first ten megabytes.
 */
import type { AcceptedRow, CandidateRow, GateVerdict } from '../../db/queries/export.ts';
import { sameVote, votesFor } from '../../engine/judged.ts';
import { trainingLine } from '../../activities/adapt/dataset.ts';
import type { Extra } from '../../models/endpoint.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import type { ChatMessage, Task } from '../../tasks/task.ts';
import { taughtOf } from '../../tasks/thinking.ts';

/** Of what was accepted, whatever the task is. */
export const DATASETS = ['openai', 'trl-sft', 'trl-preference', 'jsonl'] as const;
export const FORMATS = [...DATASETS, 'critic', 'patches'] as const;
export type Format = (typeof FORMATS)[number];

/** `metadata` only where it does not stand in the line itself. */
export type Line = { text: string; metadata?: string };

declare global {
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

/** A number that stays a floating-point one for readers that tell 1 from 1.0. */
const float = (value: number) => JSON.rawJSON(Number.isInteger(value) ? value.toFixed(1) : String(value));

const gateOf = ({ gate, outcome, advisory, reason }: GateVerdict) => ({ gate, outcome, advisory, reason });

/** The vote's agreement; 1 where no vote was held, since a person vouches for the answer. */
const agreementOf = (row: AcceptedRow) => float(row.agreement ?? 1);

function metadataOf(task: Task, row: AcceptedRow, gates: GateVerdict[]) {
  return {
    task: task.name,
    run: row.runId,
    iteration: row.iteration,
    checkpoint: row.checkpoint,
    example: row.exampleId,
    sample: row.sampleId,
    promptId: row.promptId,
    kind: row.kind,
    answer: row.answer,
    agreement: agreementOf(row),
    revoked: row.revoked,
    gates: gates.map(gateOf),
  };
}

const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });

/** A column that TRL's trainers and our own give the chat template, where generation gave it something. */
const columnOf = (kwargs: Extra | undefined) => (kwargs ? { chat_template_kwargs: kwargs } : {});

export function acceptedLine(
  format: Exclude<Format, 'trl-preference' | 'critic' | 'patches'>,
  task: Task,
  row: AcceptedRow,
  gates: GateVerdict[],
  kwargs?: Extra,
): Line {
  const metadata = metadataOf(task, row, gates);
  // The bytes of a dataset's line, as the loop itself writes it.
  if (format === 'openai') return { text: trainingLine(task, row, kwargs), metadata: jsonLine(metadata) };
  if (format === 'trl-sft') {
    return {
      text: jsonLine({
        prompt: task.ask(row.request),
        completion: [assistant(taughtOf(task, row.rationale))],
        ...columnOf(kwargs),
        metadata,
      }),
    };
  }
  const { key, prompt, level, request, strategy, rationale } = row;
  return {
    text: jsonLine({
      prompt,
      request,
      rationale,
      key,
      ...(level === null ? {} : { level }),
      strategy,
      ...metadata,
      gates: gates.map((one) => ({
        ...gateOf(one),
        ...(one.score === null ? {} : { score: float(one.score) }),
        ...(one.threshold === null ? {} : { threshold: float(one.threshold) }),
      })),
    }),
  };
}

export type Pair = { chosen: AcceptedRow; rejected: CandidateRow };

export function pairLine(
  task: Task,
  { chosen, rejected }: Pair,
  gatesOf: (sampleId: number) => GateVerdict[],
  kwargs?: Extra,
): Line {
  const side = (row: AcceptedRow | CandidateRow) => ({
    sample: row.sampleId,
    checkpoint: row.checkpoint,
    // No answer could be read: a text all the same, since columns keep their type.
    answer: row.answer ?? '',
    gates: gatesOf(row.sampleId).map(gateOf),
  });
  return {
    text: jsonLine({
      prompt: task.ask(chosen.request),
      chosen: [assistant(taughtOf(task, chosen.rationale))],
      rejected: [assistant(taughtOf(task, rejected.rationale))],
      ...columnOf(kwargs),
      metadata: {
        task: task.name,
        run: chosen.runId,
        iteration: chosen.iteration,
        promptId: chosen.promptId,
        example: chosen.exampleId,
        kind: chosen.kind,
        answer: chosen.answer,
        agreement: agreementOf(chosen),
        pair: chosen.request === rejected.request ? 'same request' : 'same prompt',
        rejectedRequest: rejected.request,
        chosen: side(chosen),
        rejected: side(rejected),
      },
    }),
  };
}

/** What makes a sample a bad answer: a required gate failed it, or it misses the answer that the vote trusts. */
const isRejected = (task: Task, row: CandidateRow): boolean => row.failed || misses(task, row);

function misses(task: Task, { trusted, ...row }: CandidateRow): boolean {
  const own = votesFor(task, row);
  return own !== null && trusted !== null && !sameVote(task)(own, trusted);
}

/**
 * Pairs of one prompt. Each accepted example, in order, takes the best rejected sample that is left: one of the same
 * request before one of another form of the prompt, one that misses the trusted answer before one that only failed a
 * gate, an earlier before a later one. No sample is in two pairs, and no pair has one text twice.
 */
export function pairsOf(
  task: Task,
  accepted: AcceptedRow[],
  others: CandidateRow[],
  sameRequestOnly: boolean,
): Pair[] {
  const left = others.filter((one) => isRejected(task, one));
  return accepted.flatMap((chosen) => {
    const fits = left
      .filter((one) => one.rationale !== chosen.rationale)
      .filter((one) => !sameRequestOnly || one.request === chosen.request);
    const rank = (one: CandidateRow) =>
      (one.request === chosen.request ? 0 : 2) + (misses(task, one) ? 0 : 1);
    const [rejected] = fits.toSorted((a, b) => rank(a) - rank(b) || a.round - b.round || a.index - b.index);
    if (!rejected) return [];
    left.splice(left.indexOf(rejected), 1);
    return [{ chosen, rejected }];
  });
}
