/** One checkpoint: what it scores, where it comes from, what trained it, and what came of it. */
import { Card, Chip, Figure, Interval, Said } from '../../app/html/parts.ts';
import type { Score } from '../../app/report/types.ts';
import { percent, points } from '../../process/text.ts';
import { checkpointPath } from '../checkpoints.ts';
import { Ago, Pages } from '../parts/basics.tsx';
import { Actions, Facts, Tags, TaskCrumbs, type CheckpointData } from '../parts/checkpoint.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Chain, Pupils, ROWS } from '../parts/lineage.tsx';
import { Dataset, Training } from '../parts/training.tsx';
import { Whisker } from '../parts/tree.tsx';
import { visibleString } from '../text.ts';

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
      <Pages
        label="More examples"
        first={examples.from > 0 && [`${path}#examples`, 'First']}
        next={examples.next !== null && [`${path}?from=${examples.next}#examples`, 'More']}
      />
    </>
  );
};

export const CheckpointPage = ({ frame, data }: { frame: Partial<Frame>; data: CheckpointData }) => {
  const { checkpoint, why, pupils, scores } = data;
  const { id, runId, parentId, iterationIndex } = checkpoint;
  const { task } = why.run;
  const own = scores.get(id);
  const parent = parentId === null || iterationIndex === 0 ? undefined : scores.get(parentId);
  const { examples } = why;
  return (
    <Layout {...frame} title={`Checkpoint ${id}`} section="/checkpoints">
      <TaskCrumbs task={task} />
      <div class="heading">
        <div>
          <h1>Checkpoint {id}</h1>
          <Tags {...data} />
        </div>
        <Actions {...data} />
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
          <Facts {...data} />
          <p class="help">
            In a terminal: <code>npx ratchet why checkpoint:{id}</code>
          </p>
        </section>
        <Card title="Trained from it" wide="third">
          <Pupils pupils={pupils} scores={scores} run={runId} />
        </Card>
        <Card title="Where it comes from" note="target" wide="half">
          <Chain why={why} scores={scores} />
        </Card>
        <Card title="Training" wide="half">
          <Training why={why} />
        </Card>
        <Card id="dataset" title="Training set">
          <Dataset {...data} />
        </Card>
        {why.course.length + why.messages.length > 0 ? (
          <Card title="Changes of course in force, and messages obeyed until then">
            <Course why={why} />
          </Card>
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
