/** What is shown before questions, entry by entry, and what was found of each. */
import { Block, Card, Chip, Empty, Figure, Said, type Tone } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import type { MemoryDetail } from '../../app/memory/memory.ts';
import { memoryLine, memoryTable, stateTable } from '../../app/memory/tables.ts';
import type { ListedMemory } from '../../db/queries/memory-tests.ts';
import type { MemoryState } from '../../db/schema.ts';
import { SHOWN } from '../parts/answers.tsx';
import { memoryPath } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';

const TONES: Record<MemoryState, Tone> = {
  unverified: 'idle',
  admitted: 'good',
  rejected: 'bad',
  stale: 'warn',
  revoked: 'bad',
};

/** Of examples and entries that descend from one. */
const NAMED = 40;
const LINE = 80;

export const MemoryPage = ({
  frame,
  task,
  entries,
  more,
}: {
  frame: Partial<Frame>;
  task: string | undefined;
  entries: ListedMemory[];
  more: boolean;
}) => {
  const id = {
    title: 'entry',
    html: ({ entry }: ListedMemory) => (
      <a href={memoryPath(entry.id)} data-row="">
        {entry.id}
      </a>
    ),
  };
  const says = { title: 'says', html: (one: ListedMemory) => <Said text={memoryLine(one)} most={LINE} /> };
  return (
    <Layout {...frame} title="Memory" section="/memory">
      <h1>Memory</h1>
      <p class="help">
        {task === undefined ? 'Of all tasks' : <Said text={`Of ${task}`} most={80} />}, newest first. An entry
        stands before questions once a test on problems with known answers has admitted it.
      </p>
      {entries.length === 0 ? (
        <Empty>
          There are no entries. Runs with memory.mode=on make them of accepted examples; ratchet memory add
          gives one.
        </Empty>
      ) : (
        <DataTable {...memoryTable(entries, id, says)} />
      )}
      {more ? <p class="help">There are older ones: ratchet memory list shows them.</p> : null}
    </Layout>
  );
};

const Ids = ({ ids, kind }: { ids: number[]; kind: string }) => (
  <>
    {ids
      .slice(0, NAMED)
      .map((one) => `${kind} ${one}`)
      .join(', ')}
    {ids.length > NAMED ? ` and ${ids.length - NAMED} more` : ''}
  </>
);

export const MemoryEntryPage = ({ frame, detail }: { frame: Partial<Frame>; detail: MemoryDetail }) => {
  const { entry, state, sources, descent, shown, accepted, right, wrong } = detail;
  return (
    <Layout {...frame} title={`Memory ${entry.id}`} section="/memory">
      <p class="crumbs">
        <a href="/memory">Memory</a> /{' '}
        <a href={`/memory?task=${encodeURIComponent(entry.task)}`}>
          <Said text={entry.task} most={80} />
        </a>
      </p>
      <div class="heading">
        <div>
          <h1>Memory {entry.id}</h1>
          <p class="meta">
            <Chip tone={TONES[state!]}>{state}</Chip>
            <span>{entry.kind}</span>
            <span>
              from <Said text={entry.by} most={80} />
            </span>
          </p>
        </div>
      </div>
      <dl class="figures">
        <Figure label="tokens">{entry.tokens}</Figure>
        <Figure label="shown before">{shown} samples</Figure>
        <Figure label="accepted">{accepted}</Figure>
        <Figure label="in tests">
          {right} right, {wrong} wrong
        </Figure>
      </dl>
      <div class="grid">
        {entry.request === null ? null : (
          <Card title="Problem" wide="half">
            <Block text={entry.request} most={SHOWN} />
          </Card>
        )}
        <Card title={entry.request === null ? 'Heuristic' : 'Work'} wide="half">
          <Block text={entry.text} most={SHOWN} />
        </Card>
        <Card title="Made of" wide="half">
          {sources.length === 0 ? (
            <Empty>No problem: it was given as it is.</Empty>
          ) : (
            <ul>
              {sources.map(({ key, exampleId }) => (
                <li>
                  <Said text={key} most={200} />
                  {exampleId === null ? null : <span class="muted"> example {exampleId}</span>}
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card title="Led to" wide="half">
          {descent.examples.length === 0 ? (
            <Empty>No example: no sample that saw it was accepted.</Empty>
          ) : (
            <p>
              <Ids ids={descent.examples} kind="example" />
            </p>
          )}
          {descent.entries.length === 0 ? null : (
            <p>
              <Ids ids={descent.entries} kind="memory" />
            </p>
          )}
        </Card>
      </div>
      <DataTable {...stateTable(detail)} />
    </Layout>
  );
};
