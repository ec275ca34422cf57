/** What trained a checkpoint: the job and the training set. */
import { Empty, Fact, Said } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import { numbers } from '../../app/report/tables/table.ts';
import type { ExampleCount } from '../../db/queries/lineage.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import type { ExampleKind } from '../../db/schema.ts';
import { duration } from '../../process/text.ts';
import type { CheckpointWhy } from '../../app/lineage/types.ts';
import { checkpointPath } from '../checkpoints.ts';
import { visibleString } from '../text.ts';
import { iterationPath, RunLink } from './basics.tsx';
import { ROWS } from './lineage.tsx';

const parameterText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

export const Training = ({ why: { training, checkpoint } }: { why: CheckpointWhy }) => {
  if (!training) return <Empty>Nothing: it is the model that the run began with.</Empty>;
  return (
    <dl class="facts">
      {training.checkpoint === checkpoint.id ? null : (
        <Fact label="taken over">
          the adapter of <a href={checkpointPath(training.checkpoint)}>checkpoint {training.checkpoint}</a>,
          trained in <RunLink id={training.run.id} />
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
  'no-task': "as it was stored: the task's files are gone or have changed",
} as const;

/** An example of the training set that was revoked since. */
export type Revoked = { exampleId: number; sampleId: number; reason: string; by: string; at: Date };

export const Dataset = ({
  checkpoint,
  why,
  revoked,
}: {
  checkpoint: Checkpoint;
  why: CheckpointWhy;
  revoked: Revoked[];
}) => {
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
      <DataTable
        title="What the training set is made of"
        rows={rows.slice(-ROWS)}
        columns={[
          {
            title: 'accepted in',
            html: (one) => (
              <>
                <a href={iterationPath(one.run, one.iteration)}>iteration {one.iteration}</a>
                {one.run === checkpoint.runId ? null : (
                  <>
                    {' '}
                    of <Said text={one.run} most={40} />
                  </>
                )}
              </>
            ),
          },
          { title: '', class: 'muted', text: (one) => (one.replayed ? 'replayed' : 'new') },
          {
            title: 'written by',
            html: (one) => <a href={checkpointPath(one.generator)}>checkpoint {one.generator}</a>,
          },
          ...numbers<(typeof rows)[number]>(
            Object.fromEntries(
              kinds.map((kind) => [kind, (one) => one.examples[kind]?.toLocaleString('en-US') ?? null]),
            ),
          ),
        ]}
      />
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
