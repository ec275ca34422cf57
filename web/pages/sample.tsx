/** One sample, from its prompt to the weights that it trained. */
import { Bar, Block, Card, Chip, Empty, Said, type Tone } from '../../app/html/parts.ts';
import type { CritiqueRow, SiblingRow } from '../../db/queries/browse.ts';
import { debateText, turnText, type DebateWhy } from '../../app/lineage/debate.ts';
import { sourceText } from '../../app/lineage/origin.ts';
import { treeText } from '../../app/lineage/tree.ts';
import { originText } from '../../app/lineage/variant.ts';
import type { PieceWhy, SampleWhy } from '../../app/lineage/types.ts';
import { DEBATE_ROUND } from '../../loop/words.ts';
import { percent } from '../../process/text.ts';
import { One, SHOWN, textPath } from '../parts/answers.tsx';
import { iterationPath, memoryPath, RunLink } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Sandbox } from '../parts/sandbox.tsx';
import { cutText, visibleString } from '../text.ts';

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

const Asked = ({ why: { asked, sample, generator, tree, memory } }: SampleData) => (
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
        {sample.cached && !tree && sample.round !== DEBATE_ROUND ? ', taken from an equal earlier draw' : ''}
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
      {memory ? (
        <>
          <dt>Saw</dt>
          <dd>
            {memory.map(({ id }, i) => (
              <>
                {i > 0 ? ', ' : ''}
                <a href={memoryPath(id)}>memory {id}</a>
              </>
            ))}
          </dd>
        </>
      ) : null}
    </dl>
    {tree ? <Block text={treeText(tree)} most={SHOWN} /> : null}
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

const Debate = ({ debate }: { debate: DebateWhy }) => (
  <section class="card">
    <header>
      <h2>Debate</h2>
      <small>
        <Said text={debateText(debate)} most={400} />
      </small>
    </header>
    {debate.turns.map((turn) => (
      <div class="said">
        <p class="muted">
          <Said text={turnText(turn)} most={400} />
        </p>
        {turn.action === 'keep' ? null : <Block text={turn.rationale} most={SHOWN} />}
      </div>
    ))}
  </section>
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
        <a href="/">Runs</a> / <RunLink id={prompt.run} /> /{' '}
        <a href={iterationPath(prompt.run, prompt.iteration)}>iteration {prompt.iteration}</a>
      </p>
      <div class="heading">
        <div>
          <h1>Sample {sample.id}</h1>
          <p class="meta">
            <span>{prompt.purpose === 'learn' ? 'unlabeled prompt' : 'rehearsal prompt'}</span>
            {prompt.level === null ? null : <span>level {prompt.level}</span>}
            <span>
              {sample.round > 0 ? `round ${sample.round}, ` : ''}number {sample.index + 1}
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
          {prompt.variant ? (
            <p class="help">
              An easier variant <Said text={originText(prompt.variant)} most={600} />:{' '}
              <Said text={prompt.variant.text} most={600} />
            </p>
          ) : null}
          {prompt.source ? (
            <p class="help">
              Of <Said text={sourceText(prompt.source)} most={600} />
              {prompt.source.quote ? (
                <>
                  : “
                  <Said text={prompt.source.quote} most={600} />”
                </>
              ) : null}
            </p>
          ) : null}
        </section>
        <Card title="Vote" wide="third">
          <Votes {...data} />
        </Card>
        <Card title="Verdicts" wide="half">
          <Verdicts {...data} />
        </Card>
        <Card title="What it trained" wide="half">
          <Became {...data} />
        </Card>
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
        {why.sandbox ? <Sandbox sandbox={why.sandbox} /> : null}
        {why.debate ? <Debate debate={why.debate} /> : null}
        <Card title="Critiques" wide="half">
          <Critiques {...data} />
        </Card>
        <Card title="How it was asked" wide="half">
          <Asked {...data} />
        </Card>
      </div>
    </Layout>
  );
};
