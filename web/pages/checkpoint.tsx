/** One checkpoint: what it scores, where it comes from, what trained it, and what came of it. */
import type { Child as Node } from 'hono/jsx';
import type { TaskServing } from '../../activities/serving.ts';
import type { Child } from '../../db/checkpoints.ts';
import type { ExampleCount } from '../../db/lineage.ts';
import type { ExampleKind } from '../../db/schema.ts';
import type { Checkpoint } from '../../db/runs.ts';
import type { RoleScores, Score } from '../../cli/report-types.ts';
import { duration, percent, points } from '../../cli/text.ts';
import type { CheckpointWhy } from '../../cli/why-types.ts';
import { checkpointPath, comparePath, taskPath } from '../checkpoints.ts';
import {
  Ago,
  Chip,
  DecisionChip,
  Empty,
  Figure,
  Interval,
  iterationPath,
  runPath,
} from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Said } from '../parts/text.tsx';
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
  revoked: { exampleId: number; sampleId: number; reason: string; by: string; at: Date }[];
};

/** Rows of a list; the command line has all. */
const ROWS = 30;

const Fact = ({ label, children }: { label: string; children: Node }) => (
  <>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </>
);

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

const Chain = ({ why, scores }: Pick<CheckpointData, 'why' | 'scores'>) => {
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

const Pupils = ({ pupils, scores, run }: Pick<CheckpointData, 'pupils' | 'scores'> & { run: string }) =>
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
              {child.iterationIndex > 0 ? `iteration ${child.iterationIndex}` : 'start'} of{' '}
              {child.runId === run ? 'the same run' : <Said text={child.runId} most={40} />}
            </small>
          </span>
          <span></span>
          <span class="number">{percent(scores.get(child.id)?.target?.rate)}</span>
        </li>
      ))}
      {pupils.length > ROWS ? <li class="muted">and {pupils.length - ROWS} more</li> : null}
    </ol>
  );

const parameterText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

const Training = ({ why: { training, checkpoint } }: Pick<CheckpointData, 'why'>) => {
  if (!training) return <Empty>Nothing: it is the model that the run began with.</Empty>;
  return (
    <dl class="facts">
      {training.checkpoint === checkpoint.id ? null : (
        <Fact label="taken over">
          the adapter of <a href={checkpointPath(training.checkpoint)}>checkpoint {training.checkpoint}</a>,
          trained in{' '}
          <a href={runPath(training.run.id)}>
            <Said text={training.run.id} most={60} />
          </a>
        </Fact>
      )}
      <Fact label="job">
        <code>
          <Said text={training.job} most={80} />
        </code>
        , {training.status}
      </Fact>
      <Fact label="from">
        <code>
          <Said text={training.parentModel} most={120} />
        </code>
      </Fact>
      <Fact label="took">
        {duration(training.seconds)}, {training.trainedTokens?.toLocaleString('en-US') ?? '–'} tokens, seed{' '}
        {training.seed ?? '–'}
      </Fact>
      {Object.entries(training.parameters).map(([name, value]) => (
        <Fact label={visibleString(name, 40)}>
          <Said text={parameterText(value)} most={200} />
        </Fact>
      ))}
    </dl>
  );
};

const KINDS: ExampleKind[] = ['vote', 'hard', 'rehearsal', 'human'];

type Origin = Omit<ExampleCount, 'kind' | 'examples'> & { examples: Partial<Record<ExampleKind, number>> };

/** One row for each iteration that accepted some, the kinds side by side. */
function byOrigin(counts: ExampleCount[]): Origin[] {
  const rows: Origin[] = [];
  for (const { kind, examples, ...origin } of counts) {
    const same = rows.find(
      (row) =>
        row.run === origin.run && row.iteration === origin.iteration && row.replayed === origin.replayed,
    );
    if (same) same.examples[kind] = (same.examples[kind] ?? 0) + examples;
    else rows.push({ ...origin, examples: { [kind]: examples } });
  }
  return rows;
}

const CHECKS = {
  verified: 'read anew: the stored examples give this digest',
  differs: 'read anew: the stored examples give ANOTHER digest',
  large: 'as it was stored',
  skipped: 'as it was stored',
} as const;

const Dataset = ({ checkpoint, why, revoked }: Pick<CheckpointData, 'checkpoint' | 'why' | 'revoked'>) => {
  const { training, counts } = why;
  if (!training) return <Empty>None.</Empty>;
  const { dataset } = training;
  const kinds = KINDS.filter((kind) => counts.some((one) => one.kind === kind));
  const rows = byOrigin(counts);
  const check = dataset.check;
  return (
    <>
      <dl class="facts">
        <Fact label="size">
          {dataset.examples.toLocaleString('en-US')} examples, {dataset.bytes.toLocaleString('en-US')} bytes
        </Fact>
        <Fact label="SHA-256">
          <code class="digest">{dataset.digest}</code>
          <br />
          <span class={check === 'differs' ? 'problem' : 'muted'}>{CHECKS[check]}</span>
          {check === 'skipped' || check === 'large' ? (
            <>
              {' '}
              <a href={`${checkpointPath(checkpoint.id)}?verify=yes#dataset`}>Compare it now</a>
            </>
          ) : null}
        </Fact>
      </dl>
      <div class="scroll" tabindex={0} role="region" aria-label="What the training set is made of">
        <table>
          <thead>
            <tr>
              <th>accepted in</th>
              <th></th>
              <th>written by</th>
              {kinds.map((kind) => (
                <th class="number">{kind}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(-ROWS).map((one) => (
              <tr>
                <td>
                  <a href={iterationPath(one.run, one.iteration)}>iteration {one.iteration}</a>
                  {one.run === checkpoint.runId ? null : (
                    <>
                      {' '}
                      of <Said text={one.run} most={40} />
                    </>
                  )}
                </td>
                <td class="muted">{one.replayed ? 'replayed' : 'new'}</td>
                <td>
                  <a href={checkpointPath(one.generator)}>checkpoint {one.generator}</a>
                </td>
                {kinds.map((kind) => (
                  <td class="number">{one.examples[kind]?.toLocaleString('en-US') ?? '–'}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > ROWS ? <p class="help">and {rows.length - ROWS} earlier rows</p> : null}
      {dataset.revoked.length > 0 ? (
        <div class="revoked">
          <p class="problem">
            {dataset.revoked.length} of its examples {dataset.revoked.length === 1 ? 'was' : 'were'} revoked
            after it was built. Its weights have seen them.
          </p>
          <ul>
            {revoked.map((one) => (
              <li>
                <a href={`/samples/${one.sampleId}`}>sample {one.sampleId}</a>{' '}
                <span class="muted">
                  by <Said text={one.by} most={60} />: <Said text={one.reason} most={300} />
                </span>
              </li>
            ))}
          </ul>
          {dataset.revoked.length > revoked.length ? (
            <p class="help">and {dataset.revoked.length - revoked.length} more</p>
          ) : null}
        </div>
      ) : null}
    </>
  );
};

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
              with the base
            </a>
          ) : null}
          {served && !serves && served.id !== parentId && served.id !== base ? (
            <a class="button" href={comparePath(served.id, id)}>
              with what is served
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
        <ScoreFigure label="target" score={own?.target ?? null} before={parent?.target ?? null} />
        <ScoreFigure label="guard" score={own?.guard ?? null} before={parent?.guard ?? null} />
        <ScoreFigure label="final" score={own?.final ?? null} before={parent?.final ?? null} />
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
