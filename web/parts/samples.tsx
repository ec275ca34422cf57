/** The samples of an iteration, a page at a time, and the form that narrows them. */
import { Chip, Empty, Said } from '../../app/html/parts.ts';
import type { GateRow, SampleCursor, SampleFilter, SampleRow } from '../../db/queries/browse.ts';
import { DEBATE_ROUND } from '../../loop/words.ts';
import { visibleString } from '../text.ts';

/** The filter as a query, without the place in the list. */
function filterQuery(filter: SampleFilter): URLSearchParams {
  return new URLSearchParams(
    Object.entries(filter).filter(([, value]) => value !== undefined && value !== ''),
  );
}

/** A gate that is filtered by can be chosen before the gates are counted. */
const gateNames = (gates: GateRow[] | undefined, { gate }: SampleFilter): string[] => [
  ...new Set([...(gates ?? []).map((row) => row.gate), ...(gate ? [gate] : [])]),
];

type Choosing = {
  title: string;
  name: keyof SampleFilter;
  /** Value and what it is called, the one that narrows nothing first. */
  options: readonly (readonly [string, string])[];
};

const CHOICES: Choosing[] = [
  {
    title: 'Outcome',
    name: 'outcome',
    options: [
      ['', 'any'],
      ['pass', 'pass'],
      ['fail', 'fail'],
      ['unscored', 'unscored'],
    ],
  },
  {
    title: 'Answer',
    name: 'answer',
    options: [
      ['', 'any'],
      ['agrees', 'as voted'],
      ['differs', 'another'],
      ['none', 'unreadable'],
    ],
  },
  {
    title: 'Became',
    name: 'became',
    options: [
      ['', 'anything'],
      ['example', 'an example'],
      ['trained', 'trained on'],
      ['out', 'nothing'],
    ],
  },
  {
    title: 'Pool',
    name: 'purpose',
    options: [
      ['', 'both'],
      ['learn', 'unlabeled'],
      ['rehearse', 'rehearsal'],
    ],
  },
];

const Choice = ({ title, name, options, filter }: Choosing & { filter: SampleFilter }) => (
  <label>
    {title}
    <select name={name}>
      {options.map(([value, text]) => (
        <option value={value} selected={filter[name] === value}>
          {text}
        </option>
      ))}
    </select>
  </label>
);

/** @param path of the iteration */
export const Filter = ({
  path,
  gates,
  filter,
}: {
  path: string;
  /** Undefined while they are being counted. */
  gates: GateRow[] | undefined;
  filter: SampleFilter;
}) => (
  <form class="filter" method="get" action={`${path}#samples`} data-submit-on-change="">
    <Choice
      title="Gate"
      name="gate"
      filter={filter}
      options={[
        ['', 'any'],
        ...gateNames(gates, filter).map((gate) => [gate, visibleString(gate, 60)] as const),
      ]}
    />
    {CHOICES.map((one) => (
      <Choice {...one} filter={filter} />
    ))}
    <label class="grow">
      Prompt contains
      <input name="prompt" value={filter.prompt ?? ''} data-filter="" autocomplete="off" type="search" />
    </label>
    <button>Show</button>
  </form>
);

const Verdict = ({ row }: { row: SampleRow }) => {
  if (row.example)
    return <Chip tone="good">{row.example === 'vote' ? 'example' : `example, ${row.example}`}</Chip>;
  if (row.failed)
    return (
      <Chip tone="bad" title={visibleString(`fails ${row.failed.join(', ')}`)}>
        <Said text={row.failed[0]!} most={40} />
        {row.failed.length > 1 ? ` +${row.failed.length - 1}` : ''}
      </Chip>
    );
  if (row.unscored) return <Chip tone="warn">{visibleString(row.unscored[0]!, 40)} unscored</Chip>;
  if (row.passed > 0) return <Chip tone="idle">passed</Chip>;
  return <Chip tone="idle">not judged</Chip>;
};

export type SamplesData = {
  filter: SampleFilter;
  samples: SampleRow[];
  next: SampleCursor | null;
  /** Is this a later page of samples? */
  later: boolean;
};

/** @param path of the iteration */
export const Samples = ({ path, samples, next, later, filter }: SamplesData & { path: string }) => {
  const query = filterQuery(filter);
  const first = query.toString();
  if (next) query.set('after', `${next.position}.${next.round}.${next.index}`);
  return (
    <>
      {samples.length === 0 ? (
        <Empty>
          {later
            ? 'There are no more.'
            : first
              ? 'No sample is like that. Take a filter away.'
              : 'No sample has been generated yet.'}
        </Empty>
      ) : (
        <div class="scroll" tabindex={0} role="region" aria-label="Samples">
          <table class="samples">
            <thead>
              <tr>
                <th scope="col">sample</th>
                <th scope="col">prompt</th>
                <th scope="col">answer</th>
                <th scope="col" class="rationale">
                  rationale
                </th>
                <th scope="col">verdict</th>
              </tr>
            </thead>
            <tbody>
              {samples.map((row, i) => (
                <tr class={row.promptId === samples[i - 1]?.promptId ? 'same' : undefined}>
                  <td>
                    <a href={`/samples/${row.id}`} data-row="">
                      {row.id}
                    </a>
                  </td>
                  <td class="text">
                    {row.promptId === samples[i - 1]?.promptId ? null : <Said text={row.prompt} most={60} />}
                    <small class="muted">
                      <Said text={row.rewrite} most={40} />
                      {row.round === 2 ? ', asked again' : row.round === DEBATE_ROUND ? ', of a debate' : ''}
                      {row.purpose === 'rehearse' ? ', rehearsal' : ''}
                    </small>
                  </td>
                  <td class="text">
                    {row.answer === null ? (
                      <span class="muted">unreadable</span>
                    ) : (
                      <span class={row.agrees ? 'agrees' : row.agrees === false ? 'differs' : undefined}>
                        <Said text={row.answer} most={40} />
                      </span>
                    )}
                    {row.agrees === false && row.voted !== null ? (
                      <small class="muted">
                        voted <Said text={row.voted} most={40} />
                      </small>
                    ) : null}
                  </td>
                  <td class="text mono rationale">
                    <Said text={row.beginning.replaceAll('\n', ' ⏎ ')} most={90} />
                  </td>
                  <td>
                    <Verdict row={row} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <nav class="pages" aria-label="More samples">
        {later ? <a href={`${path}${first ? `?${first}` : ''}#samples`}>First page</a> : <span></span>}
        {next ? (
          <a href={`${path}?${query.toString()}#samples`} rel="next" data-key="n" data-key-title="Next page">
            Next page
          </a>
        ) : null}
      </nav>
    </>
  );
};
