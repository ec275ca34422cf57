/** What a task serves, since when and why, and what can be done about it. */
import { Chip, Said, type Tone } from '../../app/html/parts.ts';
import type { Child } from 'hono/jsx';
import type { TaskServing } from '../../engine/serving.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { checkpointPath, taskPath, type Standing } from '../checkpoints.ts';
import { Ago, runPath } from './basics.tsx';
import { ScoreCell } from './tree.tsx';

type Turn = TaskServing['turns'][number];

const WORDS: Record<Turn['kind'], { tone: Tone; word: string }> = {
  proven: { tone: 'good', word: 'proven better' },
  promote: { tone: 'run', word: 'chosen' },
  rollback: { tone: 'warn', word: 'rolled back' },
  follow: { tone: 'idle', word: 'unpinned' },
  'held-back': { tone: 'idle', word: 'not served' },
};

const TurnChip = ({ kind }: { kind: Turn['kind'] }) => (
  <Chip tone={WORDS[kind].tone}>{WORDS[kind].word}</Chip>
);

const CheckpointLink = ({ one }: { one: Checkpoint }) => (
  <a href={checkpointPath(one.id)}>checkpoint {one.id}</a>
);

const Origin = ({ one }: { one: Checkpoint }) => (
  <>
    {one.iterationIndex > 0
      ? `iteration ${one.iterationIndex}`
      : one.kind === 'base'
        ? 'the base'
        : 'the start'}{' '}
    of{' '}
    <a href={runPath(one.runId)}>
      <Said text={one.runId} most={40} />
    </a>
  </>
);

/** The turn that brought what is served now. */
const lastTurn = ({ turns }: TaskServing): Turn | undefined =>
  turns.findLast((turn) => turn.kind !== 'held-back');

/** Promotions since then that are not served. */
const heldBack = (serving: TaskServing): Turn[] =>
  serving.turns.slice(serving.turns.findLastIndex((turn) => turn.kind !== 'held-back') + 1);

const Fact = ({ label, children }: { label: string; children: Child }) => (
  <div>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);

export const ServingCard = ({
  standing: { task, serving, scores },
  title,
}: {
  standing: Standing;
  title: Child;
}) => {
  const { checkpoint, before, pinned, turns } = serving;
  const turn = lastTurn(serving);
  const held = heldBack(serving);
  // What people chose counts until somebody lets the promotions decide again.
  const chosen = turns.findLast((one) => one.by !== undefined);
  return (
    <section class="card serving" data-task={task}>
      <header>
        <h2>{title}</h2>
        <div class="actions">
          {before ? (
            <a class="button" href={`${taskPath(task)}/rollback`} data-dialog="">
              Roll back
            </a>
          ) : null}
          {chosen && chosen.kind !== 'follow' ? (
            <a class="button" href={`${taskPath(task)}/unpin`} data-dialog="">
              Unpin
            </a>
          ) : null}
        </div>
      </header>
      {checkpoint && turn ? (
        <>
          <p class="serves-line">
            <CheckpointLink one={checkpoint} /> {pinned ? <Chip tone="warn">pinned</Chip> : null}{' '}
            <span class="muted">
              <Origin one={checkpoint} />
            </span>
          </p>
          <dl class="detail">
            <Fact label="target">
              <ScoreCell score={scores?.target ?? null} whisker />
            </Fact>
            <Fact label="guard">
              <ScoreCell score={scores?.guard ?? null} />
            </Fact>
            <Fact label="final">
              <ScoreCell score={scores?.final ?? null} />
            </Fact>
            <Fact label="since">
              <Ago at={turn.at} />
            </Fact>
            <Fact label="before it">{before ? <CheckpointLink one={before} /> : 'nothing'}</Fact>
          </dl>
          <p class="because">
            <TurnChip kind={turn.kind} />{' '}
            {turn.by === undefined ? null : (
              <>
                by <Said text={turn.by} most={60} />:{' '}
              </>
            )}
            <Said text={turn.reason} most={600} />
          </p>
          {pinned ? (
            <p class="help">Pinned: no promotion replaces it until somebody chooses again or unpins it.</p>
          ) : null}
          {held.length > 0 ? (
            <p class="banner">
              {held.length === 1 ? 'A promotion is' : `${held.length} promotions are`} not served; the last is{' '}
              {held.at(-1)!.checkpoint ? <CheckpointLink one={held.at(-1)!.checkpoint!} /> : null}:{' '}
              <Said text={held.at(-1)!.reason} most={400} />
            </p>
          ) : null}
        </>
      ) : (
        <p class="empty">Nothing yet: no run of it has promoted a checkpoint.</p>
      )}
    </section>
  );
};

const MOST = 30;

/** Everything that changed what is served, newest first. */
export const Turns = ({ serving: { turns }, all }: { serving: TaskServing; all: string | undefined }) => {
  const shown = all === undefined ? turns.toReversed() : turns.toReversed().slice(0, MOST);
  return (
    <>
      <ol class="turns">
        {shown.map((turn) => (
          <li>
            <span class="muted">
              <Ago at={turn.at} />
            </span>
            <span>
              <TurnChip kind={turn.kind} />
            </span>
            <span class="text">
              {turn.checkpoint ? <CheckpointLink one={turn.checkpoint} /> : 'nothing'}
              {turn.by === undefined ? null : (
                <>
                  {' '}
                  by <Said text={turn.by} most={60} />
                </>
              )}
              <span class="muted">
                {' '}
                <Said text={turn.reason} most={600} />
              </span>
            </span>
          </li>
        ))}
      </ol>
      {shown.length < turns.length ? (
        <p class="pages">
          <a href={all}>All {turns.length}</a>
        </p>
      ) : null}
    </>
  );
};
