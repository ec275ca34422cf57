/** One explained sample as text. */
import { fact, nameText, placeOf, type Colors } from './render-why-parts.ts';
import { storedLines } from './render-why-production.ts';
import { cut, plain } from './text.ts';
import type { SampleWhy } from './why-types.ts';

/** Characters shown of a text by a model; `--json` has it whole. */
const TEXT = 600;

const quoted = (text: string): string => cut(plain(text), TEXT);
const score = (value: number | null): string => (value === null ? '' : ` ${value.toFixed(2)}`);

function voteText({ vote }: SampleWhy): string {
  if (!vote) return 'none was taken';
  const { answer, votes, samples, runnerUpVotes, agreement, margin, trusted } = vote;
  return (
    `${answer === null ? 'no answer won' : quoted(answer)}: ${votes} of K = ${samples}, runner-up ${runnerUpVotes}; ` +
    `agreement ${agreement.toFixed(2)}, margin ${margin.toFixed(2)}, ${trusted ? 'trusted' : 'not trusted'}`
  );
}

const drawWords = {
  matches: 'the very request: it gives the digest stored with the draw',
  differs: 'NOT the very request: code, task or endpoint have changed since the draw',
  unknown: 'no digest was stored with the draw, or its endpoint is not known here',
};

function askedLines({ asked, sample }: SampleWhy): string[] {
  if (typeof asked === 'string') return fact('asked', plain(asked));
  return [
    ...fact(
      'asked',
      `prompt version ${asked.promptVersion}, seed ${sample.seed}, temperature ${asked.temperature}, top-p ${asked.topP}, ` +
        `at most ${asked.maxTokens} tokens; ${drawWords[asked.draw]}`,
    ),
    ...asked.messages.flatMap(({ role, content }) => fact('', `${role}: ${quoted(content)}`)),
  ];
}

/** A sample from its prompt to its verdicts; `where` is its place in a dataset. */
export function renderSample(why: SampleWhy, c: Colors, where: string): string {
  const { prompt, sample, generator, judged, example } = why;
  const name = example ? `example:${example.id}  ${example.kind}` : `sample:${sample.id}`;
  const by = generator.answeredBy;
  const other = by !== null && by !== generator.fingerprint ? `; answered by ${plain(by)}` : '';
  const level = prompt.level === null ? '' : `, level ${prompt.level}`;
  const taken = sample.cached ? `; taken from an equal draw in run ${plain(generator.drawnIn)}` : '';
  return [
    `${c.bold(name)}  ${placeOf(prompt)}${where ? ` · ${where}` : ''}`,
    ...(example?.revoked
      ? fact(
          'REVOKED',
          `${example.revoked.at.slice(0, 10)} by ${plain(example.revoked.by)}: ${plain(example.revoked.reason)}`,
        )
      : []),
    ...fact(
      'prompt',
      `prompt:${prompt.id} ${quoted(prompt.text)} (key ${quoted(prompt.key)}${level}, ${prompt.purpose})`,
    ),
    ...storedLines(prompt.stored),
    ...fact('vote', voteText(why)),
    ...fact(
      'sample',
      `sample:${sample.id}, round ${sample.round} #${sample.index}, rewrite ${plain(sample.rewrite)}, strategy ` +
        `${plain(sample.strategy)}; ${sample.completionTokens} tokens, ${plain(sample.finishReason)}${taken}`,
    ),
    ...(sample.planted
      ? fact(
          'planted',
          `${sample.planted}, in the place of a sample of ${nameText(generator)}; it never trains`,
        )
      : fact('written by', sample.strategy === 'given' ? 'a person' : `${nameText(generator)}${other}`)),
    ...askedLines(why),
    ...fact('wrote', quoted(sample.rationale)),
    ...fact('answer', sample.answer === null ? 'none could be read' : quoted(sample.answer)),
    ...judged.verdicts.flatMap((one, i) =>
      fact(
        i === 0 ? 'verdicts' : '',
        `${plain(one.gate)} ${one.outcome}${one.advisory ? ' (advises)' : ''}: ${quoted(one.reason)}`,
      ),
    ),
    ...judged.critiques.flatMap((one, i) =>
      fact(
        i === 0 ? 'critiques' : '',
        `${plain(one.critic)} ${one.outcome}${score(one.score)}: ${quoted(one.reason)} (${plain(one.model)}` +
          `${one.fingerprint ? ` ${plain(one.fingerprint)}` : ''}${one.promptVersion ? `, prompt version ${one.promptVersion}` : ''})`,
      ),
    ),
  ].join('\n');
}
