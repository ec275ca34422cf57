/** Two checkpoints on the same held-out problems: what the second fixed and broke, problem by problem. */
import { Chip, Empty, Said } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import { pValueText, percent, points } from '../../process/text.ts';
import { OUTCOMES, type ComparedItem, type Outcome } from '../../db/queries/comparisons.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { comparePath, type Compared } from '../checkpoints.ts';
import { DecisionChip, Pages } from '../parts/basics.tsx';
import { TaskCrumbs } from '../parts/checkpoint.tsx';
import { Given, Name, outcomeOf, WORDS } from '../parts/compared.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Marked } from '../parts/marked.tsx';

export const SHOWS = ['changed', ...OUTCOMES, 'all'] as const;
/** Which problems: changed is fixed or broken. */
export type Show = (typeof SHOWS)[number];
export type Decided = { kind: string; reason: string; iteration: number };

export type CompareData = {
  task: string;
  a: Checkpoint;
  b: Checkpoint;
  benchmarks: Compared[];
  current: Compared | undefined;
  show: Show;
  items: ComparedItem[];
  next: number | null;
  later: boolean;
  /** What was decided when the second was measured against the first. */
  decided: Decided | undefined;
  /** The rest of a rationale is a link away after so many characters. */
  characters: number;
};

const listPath = ({ a, b, current }: CompareData, show?: Show, after?: number) =>
  `${comparePath(a.id, b.id)}&benchmark=${encodeURIComponent(current!.benchmark)}` +
  (show === undefined ? '' : `&show=${show}`) +
  (after === undefined ? '' : `&after=${after}`);

/** Two by two: rows are the first's answers, columns the second's. */
const Square = ({ one, a, b }: { one: Compared; a: Checkpoint; b: Checkpoint }) => (
  <table class="square">
    <caption class="sr">Problems by who answered them right</caption>
    <thead>
      <tr>
        <td></td>
        <th scope="col">{b.id} is right</th>
        <th scope="col">{b.id} is wrong</th>
      </tr>
    </thead>
    <tbody>
      <tr>
        <th scope="row">{a.id} is right</th>
        <td>{one.right}</td>
        <td class="broken">
          {one.broken} <small>broken</small>
        </td>
      </tr>
      <tr>
        <th scope="row">{a.id} is wrong</th>
        <td class="fixed">
          {one.fixed} <small>fixed</small>
        </td>
        <td>{one.wrong}</td>
      </tr>
    </tbody>
  </table>
);

const Benchmark = ({ one, data }: { one: Compared; data: CompareData }) => {
  const { a, b, current } = data;
  const [before, after] = [(one.right + one.broken) / one.pairs, (one.right + one.fixed) / one.pairs];
  return (
    <section
      class={current?.benchmark === one.benchmark ? 'card third benchmark this' : 'card third benchmark'}
    >
      <header>
        <h2>
          <a href={listPath({ ...data, current: one }) + '#problems'}>
            <Said text={one.benchmark} most={40} />
          </a>
        </h2>
        <small>{one.benchmark === one.role ? '' : one.role}</small>
      </header>
      {one.pairs === 0 ? (
        <Empty>No problem was put to both.</Empty>
      ) : (
        <>
          <p class="change">
            <b>
              {percent(before)} → {percent(after)}
            </b>{' '}
            <span class="muted">{points(after - before)} points</span>
          </p>
          <Square one={one} a={a} b={b} />
          <p class="help">
            Exact one-sided McNemar p = {pValueText(one.pValue)}, of {one.pairs.toLocaleString('en-US')}{' '}
            problems
            {one.pairs === one.totalA && one.pairs === one.totalB
              ? ''
              : ` that both answered (${one.totalA} and ${one.totalB} in all)`}
            .{one.role === 'final' ? ' Read once, at the end of a run; it decides nothing.' : ''}
          </p>
        </>
      )}
    </section>
  );
};

const all = ({ fixed, broken, wrong, right }: Record<Outcome, number>) => fixed + broken + wrong + right;

const marked = (mark: string, count: number) => <span class={count > 0 ? mark : undefined}>{count}</span>;

const Groups = ({ current, beside }: { current: Compared; beside: boolean }) =>
  current.groups.length < 2 ? null : (
    <section class={beside ? 'card third' : 'card'}>
      <header>
        <h2>By level</h2>
        <small>
          <Said text={current.benchmark} most={40} />
        </small>
      </header>
      <DataTable
        title="By level"
        class="levels"
        rows={current.groups}
        columns={[
          { title: 'level', text: (one) => one.group },
          { title: 'before', align: 'right', text: (one) => percent((one.right + one.broken) / all(one)) },
          { title: 'after', align: 'right', text: (one) => percent((one.right + one.fixed) / all(one)) },
          { title: 'fixed', align: 'right', html: (one) => marked('good-text', one.fixed) },
          { title: 'broken', align: 'right', html: (one) => marked('problem', one.broken) },
        ]}
      />
    </section>
  );

const Item = ({ item, data }: { item: ComparedItem; data: CompareData }) => {
  const { a, b, current, characters } = data;
  const outcome = outcomeOf(item);
  const { tone, word } = WORDS[outcome];
  const all = `/compare/item?a=${a.id}&b=${b.id}&benchmark=${encodeURIComponent(current!.benchmark)}&item=${item.id}`;
  return (
    <li class={outcome} data-item={item.id}>
      <details id={`item-${item.id}`}>
        <summary data-row="">
          <span>
            <Chip tone={tone}>{word}</Chip>
          </span>
          <span class="question mono">
            <Said text={item.text} most={160} />
          </span>
          <span class="expected">
            <small class="muted">right answer:</small>{' '}
            <span class="mono">
              <Said text={item.answer} most={60} />
            </span>
          </span>
          <Given id={a.id} answer={item.answerA} correct={item.correctA} />
          <Given id={b.id} answer={item.answerB} correct={item.correctB} />
        </summary>
        <div class="sides">
          <div>
            <h3>checkpoint {a.id}</h3>
            <Marked text={item.rationaleA} other={item.rationaleB} />
          </div>
          <div>
            <h3>checkpoint {b.id}</h3>
            <Marked text={item.rationaleB} other={item.rationaleA} />
          </div>
        </div>
        <p class="help">
          problem {item.position + 1}
          {item.group === null ? null : (
            <>
              {' '}
              of level <Said text={item.group} most={40} />
            </>
          )}
          {' · '}
          {item.lengthA > characters || item.lengthB > characters || item.lengthText > 160 ? (
            <a href={all}>
              Read all ({item.lengthA.toLocaleString('en-US')} and {item.lengthB.toLocaleString('en-US')}{' '}
              characters)
            </a>
          ) : (
            <a href={all}>on a page of its own</a>
          )}
        </p>
      </details>
    </li>
  );
};

const TITLES: Record<Show, string> = {
  changed: 'fixed or broken',
  fixed: WORDS.fixed.title,
  broken: WORDS.broken.title,
  wrong: WORDS.wrong.title,
  right: WORDS.right.title,
  all: 'every problem that both answered',
};

function total(one: Compared, show: Show): number {
  if (show === 'all') return one.pairs;
  return show === 'changed' ? one.fixed + one.broken : one[show];
}

export const ComparePage = ({ frame, data }: { frame: Partial<Frame>; data: CompareData }) => {
  const { task, a, b, benchmarks, current, show, items, next, later, decided } = data;
  return (
    <Layout {...frame} title={`Checkpoints ${a.id} and ${b.id}`} section="/checkpoints">
      <TaskCrumbs task={task} />
      <div class="heading">
        <div>
          <h1>
            {a.id} → {b.id}
          </h1>
          <p class="between">
            From <Name one={a} /> to <Name one={b} />
          </p>
        </div>
        <div class="actions">
          <a class="button" href={comparePath(b.id, a.id)}>
            Swap
          </a>
        </div>
      </div>
      {decided ? (
        <p class="because decided">
          <DecisionChip kind={decided.kind} /> in iteration {decided.iteration}:{' '}
          <Said text={decided.reason} most={600} />
        </p>
      ) : null}
      {benchmarks.length === 0 ? (
        <Empty>
          No benchmark has measured both. A checkpoint is measured on target and guards when it is trained,
          and on final at the end of its run if it is the best.
        </Empty>
      ) : (
        <div class="grid">
          {benchmarks.map((one) => (
            <Benchmark one={one} data={data} />
          ))}
          {current ? <Groups current={current} beside={benchmarks.length < 3} /> : null}
        </div>
      )}
      {current && current.pairs > 0 ? (
        <div class="stack">
          <section class="card problems" id="problems">
            <header>
              <h2>
                Problems of <Said text={current.benchmark} most={40} />
              </h2>
              <nav class="filters" aria-label="Which problems">
                {SHOWS.map((one) => (
                  <a
                    href={listPath(data, one) + '#problems'}
                    aria-current={one === show ? 'true' : undefined}
                    title={TITLES[one]}
                  >
                    {one === 'all' || one === 'changed' ? one : WORDS[one].word}{' '}
                    <b>{total(current, one).toLocaleString('en-US')}</b>
                  </a>
                ))}
              </nav>
            </header>
            {items.length === 0 ? (
              <Empty>There are none.</Empty>
            ) : (
              <ol class="items">
                {items.map((item) => (
                  <Item item={item} data={data} />
                ))}
              </ol>
            )}
            <Pages
              label="More problems"
              first={later && [listPath(data, show) + '#problems', 'First']}
              next={next !== null && [listPath(data, show, next) + '#problems', 'More']}
            />
          </section>
        </div>
      ) : null}
    </Layout>
  );
};
