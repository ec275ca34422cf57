/** The debates of a run, iteration by iteration, and what they were worth beside votes with as many tokens. */
import { runDebates, runTurns } from '../../db/queries/debates.ts';
import type { Db } from '../../db/connect.ts';
import { pairedGain } from '../../loop/interval.ts';
import { mcnemar } from '../../loop/mcnemar.ts';
import type { Task } from '../../tasks/task.ts';
import { compact } from '../../process/text.ts';
import type { DebateReport, DebateRow } from './debate-types.ts';

type Same = Task['sameAnswer'];
type Held = Awaited<ReturnType<typeof runDebates>>[number];
type Turn = Awaited<ReturnType<typeof runTurns>>[number];

/** Least sure that a debate may be called better. */
const LEVEL = 0.05;

/**
 * Null for a run without debates.
 *
 * @param same the task's own equality; without it nothing is said of right and wrong
 */
export async function debateReport(db: Db, runId: string, same?: Same): Promise<DebateReport | null> {
  const held = await runDebates(db, runId);
  if (held.length === 0) return null;
  const turns = Map.groupBy(await runTurns(db, runId), ({ promptId }) => promptId);
  const iterations = [...Map.groupBy(held, ({ iteration }) => iteration)].map(([iteration, own]) => ({
    iteration,
    ...countRow(own, turns, same),
  }));
  const total = countRow(held, turns, same);
  const { onlyDebate, onlyVote, pairs } = total.known;
  const pValue = pairs === 0 ? null : mcnemar(onlyDebate, onlyVote);
  return { iterations, total, judged: same !== undefined, pValue, better: pValue !== null && pValue < LEVEL };
}

function countRow(
  held: readonly Held[],
  turns: ReadonlyMap<number, Turn[]>,
  same: Same | undefined,
): Omit<DebateRow, 'iteration'> {
  const closed = held.filter(({ debate }) => debate.status === 'closed');
  const said = held.flatMap(({ debate }) => turns.get(debate.promptId) ?? []);
  const sum = (of: (one: Held['debate']) => number | null) =>
    closed.reduce((total, { debate }) => total + (of(debate) ?? 0), 0);
  const known = { pairs: 0, debate: 0, vote: 0, onlyDebate: 0, onlyVote: 0 };
  const changes = { toRight: 0, toWrong: 0 };
  for (const { debate, truth } of closed) {
    if (truth === null || !same) continue;
    const right = (answer: string | null) => answer !== null && same(answer, truth);
    const [a, b] = [right(debate.answer), right(debate.besideAnswer)];
    known.pairs += 1;
    known.debate += Number(a);
    known.vote += Number(b);
    known.onlyDebate += Number(a && !b);
    known.onlyVote += Number(b && !a);
    for (const [before, after] of changesOf(turns.get(debate.promptId) ?? [])) {
      changes.toRight += Number(!right(before) && right(after));
      changes.toWrong += Number(right(before) && !right(after));
    }
  }
  return {
    debates: held.length,
    open: held.length - closed.length,
    rounds: closed.length === 0 ? 0 : sum(({ rounds }) => rounds) / closed.length,
    turns: said.filter(({ asked }) => asked).length,
    kept: said.filter(({ action }) => action === 'keep').length,
    goneOn: said.filter(({ keptLines }) => keptLines > 0).length,
    tokens: sum(({ tokens }) => tokens),
    samples: sum(({ besideSamples }) => besideSamples),
    voteTokens: sum(({ besideTokens }) => besideTokens),
    short: closed.filter(({ debate }) => (debate.besideTokens ?? 0) < (debate.tokens ?? 0)).length,
    known,
    changes,
  };
}

/** What each agent answered before and after each of its later turns. */
function changesOf(turns: readonly Turn[]): [string | null, string | null][] {
  return turns.flatMap((turn) => {
    const before = turns.find(({ agent, round }) => agent === turn.agent && round === turn.round - 1);
    return before ? [[before.answer, turn.answer] as [string | null, string | null]] : [];
  });
}

const times = (count: number): string => `${count} ${count === 1 ? 'time' : 'times'}`;

function gainText({ onlyDebate, onlyVote, pairs }: DebateRow['known']): string {
  const { low, high } = pairedGain(onlyDebate, onlyVote, pairs);
  const gain = points((onlyDebate - onlyVote) / pairs);
  return `a gain of ${gain} points, 95 % interval ${points(low)} to ${points(high)}`;
}

const points = (share: number): string => (100 * share).toFixed(1);

/** Whether debates were worth their tokens, as far as it can be said. */
export function debateSentences({ total, judged, pValue, better }: DebateReport): string[] {
  const { known, changes, tokens, voteTokens, short } = total;
  const worse = mcnemar(known.onlyVote, known.onlyDebate);
  const nothing = judged
    ? 'No problem with a known answer was debated to its end, so nothing says whether debates are better than votes.'
    : 'What was right is not looked at here: it takes code of the task (ratchet report).';
  const said =
    pValue === null
      ? nothing
      : `On ${known.pairs} problems with known answers debates were right on ${known.debate}, votes with as many tokens on ${known.vote} ` +
        `(${known.onlyDebate} by debate alone, ${known.onlyVote} by vote alone; ${gainText(known)}; exact one-sided McNemar p = ${pValue.toFixed(3)}): ` +
        (better
          ? 'debates were better.'
          : worse < LEVEL
            ? `votes were better (p = ${worse.toFixed(3)}).`
            : `it is not shown that debates are better than votes (p < ${LEVEL} would).`);
  const minds =
    pValue === null
      ? []
      : [
          `There agents changed their mind from wrong to right ${times(changes.toRight)}, from right to wrong ${times(changes.toWrong)}.`,
        ];
  const cost =
    `Debates took ${compact(tokens)} tokens, the votes beside them ${compact(voteTokens)}` +
    (short === 0
      ? '.'
      : `; ${short} of the votes had fewer than their debate, since they were at their cap (strategy.debate.votes).`);
  return [said, ...minds, cost];
}
