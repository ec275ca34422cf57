/** Where a checkpoint comes from, and what came of it. */
import { Empty, Said } from '../../app/html/parts.ts';
import type { Child } from '../../db/queries/checkpoints.ts';
import type { RoleScores } from '../../app/report/types.ts';
import { percent } from '../../process/text.ts';
import type { CheckpointWhy } from '../../app/lineage/types.ts';
import { checkpointPath } from '../checkpoints.ts';
import { DecisionChip } from './basics.tsx';
import { TEACHER } from '../../loop/words.ts';

/** Rows of a list; the command line has all. */
export const ROWS = 30;

type Scores = Map<number, RoleScores>;

export const Chain = ({ why, scores }: { why: CheckpointWhy; scores: Scores }) => {
  const { chain } = why;
  // Itself and what is near it, then the base.
  const shown = chain.length <= ROWS ? chain : [...chain.slice(0, ROWS - 1), chain.at(-1)!];
  return (
    <ol class="chain">
      {shown.map((link, i) => (
        <li>
          <span>
            {i === 0 ? (
              <b>checkpoint {link.id}</b>
            ) : (
              <a href={checkpointPath(link.id)}>checkpoint {link.id}</a>
            )}
            <small class="muted">
              {' '}
              {link.iteration > 0
                ? `iteration ${link.iteration}`
                : link.kind === 'base'
                  ? 'base'
                  : 'start'}{' '}
              of <Said text={link.run} most={40} />
              {link.examples === null ? '' : `, ${link.examples.toLocaleString('en-US')} examples`}
            </small>
          </span>
          <span>{link.decision ? <DecisionChip kind={link.decision} /> : null}</span>
          <span class="number">{percent(scores.get(link.id)?.target?.rate)}</span>
          {i === ROWS - 2 && shown.length < chain.length ? (
            <small class="muted left">… {chain.length - shown.length} between, back to the base</small>
          ) : null}
        </li>
      ))}
    </ol>
  );
};

export const Pupils = ({ pupils, scores, run }: { pupils: Child[]; scores: Scores; run: string }) =>
  pupils.length === 0 ? (
    <Empty>Nothing was trained from it.</Empty>
  ) : (
    <ol class="chain">
      {pupils.slice(0, ROWS).map((child) => (
        <li>
          <span>
            <a href={checkpointPath(child.id)}>checkpoint {child.id}</a>
            <small class="muted">
              {' '}
              {child.iterationIndex > 0
                ? `iteration ${child.iterationIndex}`
                : child.iterationIndex === TEACHER
                  ? 'teacher'
                  : 'start'}{' '}
              of {child.runId === run ? 'the same run' : <Said text={child.runId} most={40} />}
            </small>
          </span>
          <span></span>
          <span class="number">{percent(scores.get(child.id)?.target?.rate)}</span>
        </li>
      ))}
      {pupils.length > ROWS ? <li class="muted">and {pupils.length - ROWS} more</li> : null}
    </ol>
  );
