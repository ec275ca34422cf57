/** How two checkpoints, and their answers to one problem, are named. */
import { Said } from '../../app/html/parts.ts';
import type { ComparedItem, Outcome } from '../../db/queries/comparisons.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { checkpointPath } from '../checkpoints.ts';
import type { Tone } from '../../app/html/parts.ts';
import { TEACHER } from '../../loop/words.ts';

export const WORDS: Record<Outcome, { tone: Tone; word: string; title: string }> = {
  fixed: { tone: 'good', word: 'fixed', title: 'only the second is right' },
  broken: { tone: 'bad', word: 'broken', title: 'only the first is right' },
  wrong: { tone: 'idle', word: 'both wrong', title: 'neither is right' },
  right: { tone: 'idle', word: 'both right', title: 'both are right' },
};

export const outcomeOf = ({ correctA, correctB }: Pick<ComparedItem, 'correctA' | 'correctB'>): Outcome =>
  correctA ? (correctB ? 'right' : 'broken') : correctB ? 'fixed' : 'wrong';

const placeOf = ({ iterationIndex, kind }: Checkpoint): string => {
  if (iterationIndex === TEACHER) return 'teacher';
  return iterationIndex > 0 ? `iteration ${iterationIndex}` : kind === 'base' ? 'base' : 'start';
};

export const Name = ({ one }: { one: Checkpoint }) => (
  <>
    <a href={checkpointPath(one.id)}>checkpoint {one.id}</a>{' '}
    <small class="muted">
      {placeOf(one)} of <Said text={one.runId} most={40} />
    </small>
  </>
);

export const Given = ({ id, answer, correct }: { id: number; answer: string | null; correct: boolean }) => (
  <span class={correct ? 'given yes' : 'given no'}>
    <small class="muted">checkpoint {id}:</small>{' '}
    <span class="mono">{answer === null ? <i>none read</i> : <Said text={answer} most={60} />}</span>{' '}
    <span aria-label={correct ? 'right' : 'wrong'} role="img">
      {correct ? '✓' : '✗'}
    </span>
  </span>
);
