/** The checkpoints of one run as a tree: one row each, lines from parent to child. */
import { Chip, Interval, Said } from '../../app/html/parts.ts';
import { percent } from '../../process/text.ts';
import type { Score } from '../../app/report/types.ts';
import { checkpointPath, comparePath, type RunTree, type TreeNode } from '../checkpoints.ts';
import { lanesOf, type GraphRow } from '../graph.ts';
import { DecisionChip, iterationPath, RunLink } from './basics.tsx';

const LANE = 18;
/** Height of a node within its row. */
const NODE = 24;
const at = (lane: number) => 14 + lane * LANE;

const Graph = ({ row, lanes, tone }: { row: GraphRow; lanes: number; tone: string }) => (
  <svg class="graph" width={at(lanes - 1) + 14} aria-hidden="true">
    {row.lines.map(({ lane, above, below }) => (
      <line x1={at(lane)} x2={at(lane)} y1={above ? 0 : NODE} y2={below ? '100%' : NODE} />
    ))}
    {row.from === null ? null : (
      <path
        d={`M${at(row.from)} 0 C${at(row.from)} ${NODE * 0.7} ${at(row.lane)} ${NODE * 0.3} ${at(row.lane)} ${NODE}`}
      />
    )}
    <circle class={tone} cx={at(row.lane)} cy={NODE} r={tone === 'base' ? 5 : 5.5} />
    {tone === 'serves' ? <circle class="ring" cx={at(row.lane)} cy={NODE} r={9} /> : null}
  </svg>
);

/** A score on a line from 0 to 100 %, with its interval. */
export const Whisker = ({ score }: { score: Score }) => {
  const x = (rate: number) => (100 * rate).toFixed(2);
  return (
    <svg class="whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <line class="axis" x1="0" x2="100" y1="5" y2="5" />
      <line class="spread" x1={x(score.low)} x2={x(score.high)} y1="5" y2="5" />
      <line class="rate" x1={x(score.rate)} x2={x(score.rate)} y1="0.5" y2="9.5" />
    </svg>
  );
};

export const ScoreCell = ({ score, whisker = false }: { score: Score | null; whisker?: boolean }) =>
  score ? (
    <>
      <b>{percent(score.rate)}</b> <Interval score={score} />
      {whisker ? <Whisker score={score} /> : null}
    </>
  ) : (
    <span class="muted">–</span>
  );

function toneOf({ made, serves }: TreeNode): string {
  if (serves) return 'serves';
  if (made.checkpoint.iterationIndex === 0) return 'base';
  return made.decision?.kind === 'promote' ? 'promoted' : 'discarded';
}

const placeWords = ({ made: { checkpoint } }: TreeNode) =>
  checkpoint.iterationIndex > 0
    ? `iteration ${checkpoint.iterationIndex}`
    : checkpoint.kind === 'base'
      ? 'the base model'
      : 'where the run began';

const Row = ({
  node,
  graph,
  lanes,
  chosen,
  pinned,
}: {
  node: TreeNode;
  graph: GraphRow;
  lanes: number;
  chosen: { a?: number; b?: number };
  pinned: boolean;
}) => {
  const { made, scores, revoked, best, serves, continuedBy, continues } = node;
  const { checkpoint, decision, dataset, job } = made;
  const { id, parentId, runId, iterationIndex } = checkpoint;
  return (
    <tr class={serves ? 'serves' : undefined} id={`checkpoint-${id}`}>
      <td class="lines">
        <Graph row={graph} lanes={lanes} tone={toneOf(node)} />
      </td>
      <td class="choose">
        <input
          type="radio"
          name="a"
          value={id}
          checked={chosen.a === id}
          aria-label={`from checkpoint ${id}`}
        />
        <input
          type="radio"
          name="b"
          value={id}
          checked={chosen.b === id}
          aria-label={`to checkpoint ${id}`}
        />
      </td>
      <td class="name">
        <a href={checkpointPath(id)} data-row="">
          checkpoint {id}
        </a>{' '}
        {serves ? <Chip tone="good">serves{pinned ? ', pinned' : ''}</Chip> : null}{' '}
        {best && !serves ? <Chip tone="idle">best of the run</Chip> : null}{' '}
        {revoked > 0 ? <Chip tone="bad">{revoked} revoked</Chip> : null}
        <div class="sub">
          {iterationIndex > 0 ? (
            <a href={iterationPath(runId, iterationIndex)}>{placeWords(node)}</a>
          ) : (
            placeWords(node)
          )}
          {checkpoint.fingerprint ? (
            <>
              {' · '}
              <code>
                <Said text={checkpoint.fingerprint} most={20} />
              </code>
            </>
          ) : null}
          {continues ? (
            <>
              {' · from '}
              <a href={checkpointPath(continues.id)}>checkpoint {continues.id}</a> of{' '}
              <Said text={continues.runId} most={40} />
            </>
          ) : null}
          {continuedBy.slice(0, 4).map((child) => (
            <>
              {' · began '}
              <a href={checkpointPath(child.id)}>
                <Said text={child.runId} most={40} />
              </a>
            </>
          ))}
          {continuedBy.length > 4 ? ` and ${continuedBy.length - 4} more runs` : ''}
        </div>
      </td>
      <td data-label="decision">
        {iterationIndex === 0 ? null : <DecisionChip kind={decision?.kind ?? null} />}
      </td>
      <td class="score" data-label="target">
        <ScoreCell score={scores.target} whisker />
      </td>
      <td class="score" data-label="guard">
        <ScoreCell score={scores.guard} />
      </td>
      <td class="score" data-label="final">
        <ScoreCell score={scores.final} />
      </td>
      <td class="number" data-label="trained on">
        {dataset && job ? dataset.examples.toLocaleString('en-US') : null}
      </td>
      <td class="number">
        {parentId !== null && iterationIndex > 0 ? (
          <a href={comparePath(parentId, id)} title={`compare checkpoint ${id} with its parent ${parentId}`}>
            vs {parentId}
          </a>
        ) : null}
      </td>
    </tr>
  );
};

export const Tree = ({
  tree: { run, nodes },
  chosen,
  pinned,
}: {
  tree: RunTree;
  chosen: { a?: number; b?: number };
  pinned: boolean;
}) => {
  const { rows, lanes } = lanesOf(
    nodes.map(({ made: { checkpoint, decision } }) => ({
      id: checkpoint.id,
      parentId: checkpoint.parentId,
      main: decision?.kind === 'promote',
    })),
  );
  return (
    <section class="card tree" id={`run-${run.id}`}>
      <header>
        <h2>
          <RunLink id={run.id} />
        </h2>
        <small>
          {run.createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC · {run.status}
          {run.settings.experiment === 'none' ? '' : ` · contrast arm ${run.settings.experiment}`}
        </small>
      </header>
      <table>
        <thead>
          <tr>
            <th class="lines">
              <span class="sr">lineage</span>
            </th>
            <th class="choose">
              <span>from</span>
              <span>to</span>
            </th>
            <th>checkpoint</th>
            <th class="decided">decision</th>
            <th class="score">target</th>
            <th class="score">guard</th>
            <th class="score">final</th>
            <th class="number amount">trained on</th>
            <th class="number versus">compare</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node, i) => (
            <Row node={node} graph={rows[i]!} lanes={lanes} chosen={chosen} pinned={pinned} />
          ))}
        </tbody>
      </table>
    </section>
  );
};
