/** The head of a checkpoint's page, and what is known of it. */
import { Chip, Fact, Said } from '../../app/html/parts.ts';
import type { CheckpointWhy } from '../../app/lineage/types.ts';
import type { RoleScores } from '../../app/report/types.ts';
import type { Child } from '../../db/queries/checkpoints.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import type { TaskServing } from '../../engine/serving.ts';
import { checkpointPath, comparePath, taskPath } from '../checkpoints.ts';
import { DecisionChip, iterationPath, RunLink } from './basics.tsx';
import type { Revoked } from './training.tsx';
import { TEACHER } from '../../loop/words.ts';

export type CheckpointData = {
  checkpoint: Checkpoint;
  why: CheckpointWhy;
  /** Of its task. */
  serving: TaskServing;
  serves: boolean;
  passed: boolean;
  /** Trained from it, or a run's start at it. */
  pupils: Child[];
  /** Of its ancestors and pupils. */
  scores: Map<number, RoleScores>;
  revoked: Revoked[];
};

/** The way to what belongs to a task. */
export const TaskCrumbs = ({ task }: { task: string }) => (
  <p class="crumbs">
    <a href="/checkpoints">Checkpoints</a> /{' '}
    <a href={taskPath(task)}>
      <Said text={task} most={60} />
    </a>{' '}
    /
  </p>
);

export const Tags = ({ why, serving, serves, passed }: CheckpointData) => (
  <p class="tags">
    {serves ? <Chip tone="good">serves{serving.pinned ? ', pinned' : ''}</Chip> : null}
    {why.checkpoint.best ? <Chip tone="idle">best of its run</Chip> : null}
    {why.decision ? <DecisionChip kind={why.decision.kind} /> : null}
    {why.run.experiment === 'none' ? null : <Chip tone="warn">contrast arm {why.run.experiment}</Chip>}
    {passed ? null : <Chip tone="warn">never proven better</Chip>}
  </p>
);

export const Actions = ({
  checkpoint: { id, parentId, iterationIndex },
  why,
  serving,
  serves,
}: CheckpointData) => {
  const base = why.chain.at(-1)!.id;
  const served = serving.checkpoint;
  return (
    <div class="actions">
      {parentId !== null && iterationIndex > 0 ? (
        <a class="button" href={comparePath(parentId, id)}>
          Compare with its parent
        </a>
      ) : null}
      {base !== id && base !== parentId ? (
        <a class="button" href={comparePath(base, id)}>
          Compare with the base
        </a>
      ) : null}
      {served && !serves && served.id !== parentId && served.id !== base ? (
        <a class="button" href={comparePath(served.id, id)}>
          Compare with what is served
        </a>
      ) : null}
      {serves && serving.pinned ? null : (
        <a class={serves ? 'button' : 'button primary'} href={`${checkpointPath(id)}/promote`} data-dialog="">
          {serves ? 'Pin' : 'Serve this checkpoint'}
        </a>
      )}
    </div>
  );
};

export const Facts = ({ checkpoint, why }: CheckpointData) => {
  const { runId, iterationIndex } = checkpoint;
  return (
    <dl class="facts">
      <Fact label="made in">
        {iterationIndex > 0 ? (
          <>
            <a href={iterationPath(runId, iterationIndex)}>iteration {iterationIndex}</a> of{' '}
          </>
        ) : iterationIndex === TEACHER ? (
          'no run: the teacher of '
        ) : (
          'the start of '
        )}
        <RunLink id={runId} />
      </Fact>
      <Fact label="model">
        <code>
          <Said text={checkpoint.model} most={200} />
        </code>
      </Fact>
      <Fact label="fingerprint">
        {checkpoint.fingerprint ? (
          <code>
            <Said text={checkpoint.fingerprint} most={100} />
          </code>
        ) : (
          'the endpoint tells none'
        )}
      </Fact>
      {checkpoint.path ? (
        <Fact label="adapter">
          <code>
            <Said text={checkpoint.path} most={300} />
          </code>
        </Fact>
      ) : null}
      {why.decision ? (
        <Fact label="decision">
          <Said text={why.decision.reason} most={1000} />
        </Fact>
      ) : null}
      <Fact label="code">
        <code>
          <Said text={why.run.codeVersion} most={60} />
        </code>
        , settings <code>{why.run.settingsDigest.slice(0, 12)}</code>
      </Fact>
    </dl>
  );
};
