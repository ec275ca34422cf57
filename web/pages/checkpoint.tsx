/** One checkpoint: what it scores, where it comes from, what trained it, and what came of it. */
import type { TaskServing } from '../../activities/serving.ts';
import type { Child } from '../../db/checkpoints.ts';
import type { Checkpoint } from '../../db/runs.ts';
import type { RoleScores, Score } from '../../cli/report-types.ts';
import { percent, points } from '../../cli/text.ts';
import type { CheckpointWhy } from '../../cli/why-types.ts';
import { checkpointPath, comparePath, taskPath } from '../checkpoints.ts';
import { Ago, Chip, DecisionChip, Fact, Figure, Interval, iterationPath, runPath } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Chain, Pupils, ROWS } from '../parts/lineage.tsx';
import { Said } from '../parts/text.tsx';
import { Dataset, Training, type Revoked } from '../parts/training.tsx';
import { Whisker } from '../parts/tree.tsx';
import { visibleString } from '../text.ts';

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

const ScoreFigure = ({
  label,
  score,
  before,
}: {
  label: string;
  score: Score | null;
  before: Score | null;
}) => (
  <Figure
    label={label}
    note={
      score ? (
        <>
          <Interval score={score} /> · {score.correct} of {score.total}
          {before ? <> · {points(score.rate - before.rate)} against its parent</> : null}
          <Whisker score={score} />
        </>
      ) : (
        'not measured'
      )
    }
  >
    {score ? percent(score.rate) : '–'}
  </Figure>
);

const Course = ({ why: { course, messages } }: Pick<CheckpointData, 'why'>) => (
  <ul class="turns">
    {course.slice(-ROWS).map((one) => (
      <li>
        <span class="muted">iteration {one.fromIteration}</span>
        <span>
          <Chip tone="warn">{one.kind}</Chip>
        </span>
        <span class="text">
          by {one.cause}: <Said text={one.reason} />
        </span>
      </li>
    ))}
    {messages.slice(-ROWS).map((one) => (
      <li>
        <span class="muted">iteration {one.iteration}</span>
        <span>
          <Chip tone="run">{visibleString(one.name, 40)}</Chip>
        </span>
        <span class="text">
          by <Said text={one.by} most={60} />: <Said text={one.answer} />
        </span>
      </li>
    ))}
  </ul>
);

const Examples = ({ checkpoint, why: { examples } }: Pick<CheckpointData, 'checkpoint' | 'why'>) => {
  const path = checkpointPath(checkpoint.id);
  return (
    <>
      <div class="scroll" tabindex={0} role="region" aria-label="Examples">
        <table>
          <thead>
            <tr>
              <th class="number">place</th>
              <th>sample</th>
              <th>prompt</th>
              <th>answer</th>
              <th>kind</th>
            </tr>
          </thead>
          <tbody>
            {examples.items.map(({ position, replayed, sample, prompt, example }) => (
              <tr>
                <td class="number">{position + 1}</td>
                <td>
                  <a href={`/samples/${sample.id}`} data-row="">
                    {sample.id}
                  </a>
                </td>
                <td class="mono">
                  <Said text={prompt.text} most={100} />
                </td>
                <td class="mono">
                  <Said text={example?.answer ?? sample.answer ?? '–'} most={60} />
                </td>
                <td>
                  {example?.kind ?? '–'}
                  {replayed ? <span class="muted">, replayed</span> : null}{' '}
                  {example?.revoked ? <Chip tone="bad">revoked</Chip> : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <nav class="pages" aria-label="More examples">
        {examples.from > 0 ? <a href={`${path}#examples`}>First</a> : <span></span>}
        {examples.next === null ? null : (
          <a href={`${path}?from=${examples.next}#examples`} rel="next">
            More
          </a>
        )}
      </nav>
    </>
  );
};

export const CheckpointPage = ({ frame, data }: { frame: Partial<Frame>; data: CheckpointData }) => {
  const { checkpoint, why, serving, serves, passed, pupils, scores } = data;
  const { id, runId, parentId, iterationIndex } = checkpoint;
  const { task } = why.run;
  const own = scores.get(id);
  const parent = parentId === null || iterationIndex === 0 ? undefined : scores.get(parentId);
  const base = why.chain.at(-1)!.id;
  const served = serving.checkpoint;
  const { examples } = why;
  return (
    <Layout {...frame} title={`Checkpoint ${id}`} section="/checkpoints">
      <p class="crumbs">
        <a href="/checkpoints">Checkpoints</a> /{' '}
        <a href={taskPath(task)}>
          <Said text={task} most={60} />
        </a>{' '}
        /
      </p>
      <div class="heading">
        <div>
          <h1>Checkpoint {id}</h1>
          <p class="tags">
            {serves ? <Chip tone="good">serves{serving.pinned ? ', pinned' : ''}</Chip> : null}
            {why.checkpoint.best ? <Chip tone="idle">best of its run</Chip> : null}
            {why.decision ? <DecisionChip kind={why.decision.kind} /> : null}
            {why.run.experiment === 'none' ? null : (
              <Chip tone="warn">contrast arm {why.run.experiment}</Chip>
            )}
            {passed ? null : <Chip tone="warn">never proven better</Chip>}
          </p>
        </div>
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
            <a
              class={serves ? 'button' : 'button primary'}
              href={`${checkpointPath(id)}/promote`}
              data-dialog=""
            >
              {serves ? 'Pin' : 'Serve this checkpoint'}
            </a>
          )}
        </div>
      </div>
      <dl class="figures">
        <ScoreFigure label="Target" score={own?.target ?? null} before={parent?.target ?? null} />
        <ScoreFigure label="Guard" score={own?.guard ?? null} before={parent?.guard ?? null} />
        <ScoreFigure label="Final" score={own?.final ?? null} before={parent?.final ?? null} />
      </dl>
      <div class="grid">
        <section class="card two-thirds">
          <header>
            <h2>What it is</h2>
            <small>
              <Ago at={checkpoint.createdAt} />
            </small>
          </header>
          <dl class="facts">
            <Fact label="made in">
              {iterationIndex > 0 ? (
                <>
                  <a href={iterationPath(runId, iterationIndex)}>iteration {iterationIndex}</a> of{' '}
                </>
              ) : (
                'the start of '
              )}
              <a href={runPath(runId)}>
                <Said text={runId} most={60} />
              </a>
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
          <p class="help">
            In a terminal: <code>npx ratchet why checkpoint:{id}</code>
          </p>
        </section>
        <section class="card third">
          <header>
            <h2>Trained from it</h2>
          </header>
          <Pupils pupils={pupils} scores={scores} run={runId} />
        </section>
        <section class="card half">
          <header>
            <h2>Where it comes from</h2>
            <small>target</small>
          </header>
          <Chain why={why} scores={scores} />
        </section>
        <section class="card half">
          <header>
            <h2>Training</h2>
          </header>
          <Training why={why} />
        </section>
        <section class="card" id="dataset">
          <header>
            <h2>Training set</h2>
          </header>
          <Dataset {...data} />
        </section>
        {why.course.length + why.messages.length > 0 ? (
          <section class="card">
            <header>
              <h2>Changes of course in force, and messages obeyed until then</h2>
            </header>
            <Course why={why} />
          </section>
        ) : null}
        {examples.total > 0 ? (
          <section class="card" id="examples">
            <header>
              <h2>Examples</h2>
              <small>
                {(examples.from + 1).toLocaleString('en-US')}–
                {(examples.from + examples.items.length).toLocaleString('en-US')} of{' '}
                {examples.total.toLocaleString('en-US')}
              </small>
            </header>
            <Examples checkpoint={checkpoint} why={why} />
          </section>
        ) : null}
      </div>
    </Layout>
  );
};
