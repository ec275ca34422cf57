/** One sample, from its prompt to the weights that it trained. */
import type { CritiqueRow, SiblingRow } from '../../db/browse.ts';
import type { PieceWhy, SampleWhy } from '../../cli/why-types.ts';
import { percent } from '../../cli/text.ts';
import { changedShare, differences } from '../diff.ts';
import { Bar, Chip, Empty, iterationPath, runPath, type Tone } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Block, Pieces, Said } from '../parts/text.tsx';
import { cutText, visibleString } from '../text.ts';

/** Characters of a rationale that a page shows; the rest is a link away. */
export const SHOWN = 4_000;

export type SampleData = {
  why: SampleWhy;
  led: Pick<PieceWhy, 'datasets' | 'reached'>;
  critiques: CritiqueRow[];
  siblings: SiblingRow[];
  /** Of `siblings`: were there too many to show? */
  more: boolean;
};

const OUTCOMES: Record<string, Tone> = {
  pass: 'good',
  holds: 'good',
  fail: 'bad',
  fails: 'bad',
  unscored: 'warn',
};

const textPath = (id: number, field: string) => `/samples/${id}/text?field=${field}`;

/** Marked where it differs from the sample that the page is about. */
const Rationale = ({ one, reference }: { one: SiblingRow; reference: string | undefined }) => {
  const { text } = cutText(one.rationale, SHOWN);
  const stretches = reference === undefined ? undefined : differences(reference, text);
  // Where most of it differs, marks would only be paint.
  if (!stretches || changedShare(stretches) > 0.6)
    return <Block text={text} length={one.length} all={textPath(one.id, 'rationale')} />;
  return (
    <>
      <pre class="block">
        {stretches.map((stretch) =>
          stretch.changed ? (
            <mark>
              <Pieces text={stretch.text} />
            </mark>
          ) : (
            <Pieces text={stretch.text} />
          ),
        )}
      </pre>
      {one.length > text.length ? (
        <p class="cut">
          {(one.length - text.length).toLocaleString('en-US')} more characters.{' '}
          <a href={textPath(one.id, 'rationale')}>Read all {one.length.toLocaleString('en-US')}</a>
        </p>
      ) : null}
    </>
  );
};

const Standing = ({ one }: { one: SiblingRow }) => {
  if (one.example) return <Chip tone="good">example{one.example === 'vote' ? '' : `, ${one.example}`}</Chip>;
  if (one.failed) return <Chip tone="bad">fails {visibleString(one.failed.join(', '), 60)}</Chip>;
  if (one.unscored) return <Chip tone="warn">{visibleString(one.unscored.join(', '), 60)} unscored</Chip>;
  return <Chip tone="idle">{one.judged ? 'passed' : 'not judged'}</Chip>;
};

const One = ({
  one,
  current,
  reference,
}: {
  one: SiblingRow;
  current: boolean;
  reference: string | undefined;
}) => (
  <article class={current ? 'one this' : 'one'} aria-label={`sample ${one.id}`}>
    <header>
      {current ? (
        <b>sample {one.id}</b>
      ) : (
        <a href={`/samples/${one.id}`} data-row="">
          sample {one.id}
        </a>
      )}
      <Standing one={one} />
    </header>
    <p class="answer-line">
      {one.answer === null ? (
        <span class="muted">no answer read</span>
      ) : (
        <span class={one.agrees ? 'agrees' : one.agrees === false ? 'differs' : undefined}>
          <Said text={one.answer} most={80} />
        </span>
      )}
    </p>
    <p class="how">
      <Said text={one.request} most={120} />
      <br />
      <Said text={one.rewrite} most={40} />, <Said text={one.strategy} most={40} />
      {one.round > 1 ? ', asked again' : ''}
      {one.finishReason === 'stop' ? '' : `, ended by ${visibleString(one.finishReason, 40)}`}
    </p>
    <Rationale one={one} reference={reference} />
  </article>
);

/** The answers that the first round gave, most frequent first. */
const Votes = ({ why, siblings }: SampleData) => {
  const { vote } = why;
  if (!vote) return <Empty>No vote has been taken.</Empty>;
  const counts = new Map<string | null, number>();
  for (const { round, answer } of siblings)
    if (round === 1) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const answers = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, 8);
  return (
    <>
      <ul class="votes">
        {answers.map(([answer, count]) => (
          <li class={answer !== null && answer === vote.answer ? 'voted' : undefined}>
            <span>
              {answer === null ? <span class="muted">none read</span> : <Said text={answer} most={40} />}
            </span>
            <Bar
              share={count / Math.max(1, vote.samples)}
              tone={answer !== null && answer === vote.answer ? 'accent' : 'idle'}
              label={`${count} of ${vote.samples}`}
            />
            <span class="number">{count}</span>
          </li>
        ))}
      </ul>
      <p class="help">
        {vote.votes} of {vote.samples} gave the voted answer, the runner-up has {vote.runnerUpVotes}:
        agreement {vote.agreement.toFixed(2)}, margin {vote.margin.toFixed(2)}.{' '}
        {vote.trusted ? 'It is trusted.' : 'It is not trusted.'}
      </p>
    </>
  );
};

const Verdicts = ({ why }: SampleData) => {
  const { verdicts } = why.judged;
  if (verdicts.length === 0) return <Empty>It has not been judged.</Empty>;
  return (
    <ul class="verdicts">
      {verdicts.map(({ gate, outcome, reason, advisory }) => (
        <li>
          <b>
            <Said text={gate} most={60} />
            {advisory ? <small class="muted"> advisory</small> : null}
          </b>
          <span>
            <Chip tone={OUTCOMES[outcome] ?? 'idle'}>{outcome}</Chip>
          </span>
          <span class="why">
            <Said text={reason} most={1000} />
          </span>
        </li>
      ))}
    </ul>
  );
};

const Critiques = ({ critiques }: SampleData) =>
  critiques.length === 0 ? (
    <Empty>No critic was asked.</Empty>
  ) : (
    <>
      {critiques.map((one) => (
        <div class="said">
          <p>
            <Chip tone={OUTCOMES[one.outcome] ?? 'idle'}>{one.outcome}</Chip>{' '}
            <Said text={one.critic} most={60} />{' '}
            <span class="muted">{one.score === null ? '' : one.score.toFixed(2)}</span>
          </p>
          <p>
            <Said text={one.reason} most={1000} />
          </p>
          {one.reply ? (
            <details id={`critique-${one.id}`}>
              <summary>Its reply</summary>
              <Block text={one.reply} most={SHOWN} length={one.length} all={`/critiques/${one.id}/text`} />
            </details>
          ) : null}
        </div>
      ))}
    </>
  );

const DRAWS = {
  matches: 'as it was asked: the digest stored with the draw is the same',
  differs: 'not as it was asked: code, task or endpoint have changed since',
  unknown: 'no digest was stored with the draw',
};

const Asked = ({ why: { asked, sample, generator } }: SampleData) => (
  <>
    <dl class="facts">
      <dt>Generator</dt>
      <dd>
        checkpoint {generator.id}, <Said text={generator.model} most={120} />
        {generator.answeredBy ? (
          <span class="muted">
            {' '}
            <Said text={generator.answeredBy} most={80} />
          </span>
        ) : null}
      </dd>
      <dt>Drawn</dt>
      <dd>
        seed {sample.seed}, {sample.completionTokens.toLocaleString('en-US')} tokens, ended by{' '}
        {visibleString(sample.finishReason, 40)}
        {sample.cached ? ', taken from an equal earlier draw' : ''}
      </dd>
      {typeof asked === 'string' ? (
        <>
          <dt>Asked</dt>
          <dd>
            <Said text={asked} />
          </dd>
        </>
      ) : (
        <>
          <dt>Parameters</dt>
          <dd>
            temperature {asked.temperature}, top-p {asked.topP}, at most {asked.maxTokens} tokens, prompt
            version <code>{asked.promptVersion}</code>
            <br />
            <span class={asked.draw === 'differs' ? 'problem' : 'muted'}>{DRAWS[asked.draw]}</span>
          </dd>
        </>
      )}
    </dl>
    {typeof asked === 'string' ? null : (
      <details id="messages">
        <summary>Messages</summary>
        {asked.messages.map(({ role, content }) => (
          <div class="said">
            <p class="muted">{role}</p>
            <Block text={content} most={SHOWN} />
          </div>
        ))}
      </details>
    )}
  </>
);

const Became = ({ why: { example, prompt }, led: { datasets, reached } }: SampleData) => {
  if (!example) return <Empty>Nothing: it is no example.</Empty>;
  return (
    <>
      <p>
        <Chip tone={example.revoked ? 'bad' : 'good'}>
          {example.revoked ? 'revoked' : `example, ${example.kind}`}
        </Chip>{' '}
        <span class="muted">example {example.id}, answer</span> <Said text={example.answer} most={80} />
      </p>
      {example.revoked ? (
        <p class="problem">
          By <Said text={example.revoked.by} most={60} />: <Said text={example.revoked.reason} />
        </p>
      ) : null}
      {datasets.length === 0 ? <p class="muted">It stands in no training set.</p> : null}
      <ul class="limits">
        {datasets.map((one) => (
          <li>
            <span>
              training set {one.dataset} of{' '}
              <a href={iterationPath(one.run, one.iteration)}>
                {one.run === prompt.run ? '' : <Said text={`${one.run}, `} most={60} />}iteration{' '}
                {one.iteration}
              </a>
              , place {one.position + 1}
              {one.replayed ? ', replayed' : ''}
            </span>
            <span class="muted">
              {one.checkpoint ? `checkpoint ${one.checkpoint}` : (one.jobStatus ?? 'not trained')}
            </span>
          </li>
        ))}
      </ul>
      {reached.length > 0 ? (
        <p class="help">
          Reached {reached.length} {reached.length === 1 ? 'checkpoint' : 'checkpoints'}:{' '}
          {reached
            .slice(0, 20)
            .map(
              (one) => `${one.id} (${one.how}${one.best ? ', the best' : one.promoted ? ', promoted' : ''})`,
            )
            .join(', ')}
          {reached.length > 20 ? ' …' : ''}
        </p>
      ) : null}
    </>
  );
};

export const SamplePage = ({ frame, data }: { frame: Partial<Frame>; data: SampleData }) => {
  const { why, siblings, more } = data;
  const { prompt, sample, vote } = why;
  const { text: reference } = cutText(sample.rationale, SHOWN);
  const ordered = siblings.toSorted((a, b) => Number(b.id === sample.id) - Number(a.id === sample.id));
  return (
    <Layout {...frame} title={`Sample ${sample.id}`} section="/">
      <p class="crumbs">
        <a href="/">Runs</a> /{' '}
        <a href={runPath(prompt.run)}>
          <Said text={prompt.run} most={60} />
        </a>{' '}
        / <a href={iterationPath(prompt.run, prompt.iteration)}>iteration {prompt.iteration}</a>
      </p>
      <div class="heading">
        <div>
          <h1>Sample {sample.id}</h1>
          <p class="meta">
            <span>{prompt.purpose === 'learn' ? 'unlabeled prompt' : 'rehearsal prompt'}</span>
            {prompt.level === null ? null : <span>level {prompt.level}</span>}
            <span>
              round {sample.round}, number {sample.index + 1}
            </span>
            {vote ? <span>agreement {percent(vote.agreement, 0)}</span> : null}
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card two-thirds asks">
          <header>
            <h2>Prompt</h2>
            <small>prompt {prompt.id}</small>
          </header>
          <Block text={prompt.text} most={SHOWN} all={textPath(sample.id, 'prompt')} />
        </section>
        <section class="card third">
          <header>
            <h2>Vote</h2>
          </header>
          <Votes {...data} />
        </section>
        <section class="card half">
          <header>
            <h2>Verdicts</h2>
          </header>
          <Verdicts {...data} />
        </section>
        <section class="card half">
          <header>
            <h2>What it trained</h2>
          </header>
          <Became {...data} />
        </section>
        <section class="card">
          <header>
            <h2>All answers to this prompt</h2>
            <small>
              {more ? `the first ${siblings.length}; ` : ''}marked where they differ from sample {sample.id}
            </small>
          </header>
          <div class="sample-grid">
            {ordered.map((one) => (
              <One
                one={one}
                current={one.id === sample.id}
                reference={one.id === sample.id ? undefined : reference}
              />
            ))}
          </div>
        </section>
        <section class="card half">
          <header>
            <h2>Critiques</h2>
          </header>
          <Critiques {...data} />
        </section>
        <section class="card half">
          <header>
            <h2>How it was asked</h2>
          </header>
          <Asked {...data} />
        </section>
      </div>
    </Layout>
  );
};

export const TextPage = ({
  frame,
  title,
  back,
  text,
  from,
  length,
  size,
  path,
}: {
  frame: Partial<Frame>;
  title: string;
  back: string;
  text: string;
  from: number;
  length: number;
  size: number;
  /** Address of the text, to which `from` is added. */
  path: string;
}) => {
  const to = Math.min(length, from + size);
  const at = (place: number) => `${path}${path.includes('?') ? '&' : '?'}from=${place}`;
  const pages = (
    <nav class="pages" aria-label="Parts of the text">
      {from > 0 ? (
        <a href={at(Math.max(0, from - size))} rel="prev">
          Before
        </a>
      ) : (
        <span></span>
      )}
      {to < length ? (
        <a href={at(to)} rel="next">
          After
        </a>
      ) : null}
    </nav>
  );
  return (
    <Layout {...frame} title={title} section="/">
      <p class="crumbs">
        <a href={back}>Back</a>
      </p>
      <div class="heading">
        <h1>{title}</h1>
        <span class="muted">
          {length === 0
            ? 'empty'
            : `characters ${(from + 1).toLocaleString('en-US')}–${to.toLocaleString('en-US')}`}{' '}
          of {length.toLocaleString('en-US')}
        </span>
      </div>
      <section class="card">
        <Block text={text} most={size} />
      </section>
      {pages}
    </Layout>
  );
};
