/** One explained sample as text. */
import { fact, isOneLine, nameText, passage, placeOf, quoted, ROWS, type Colors } from './why-parts.ts';
import { sourceLines, storedLines, variantLines } from './why-production.ts';
import { cut, plain } from '../../process/text.ts';
import { debateText, turnText } from '../../app/lineage/debate.ts';
import { detailLines } from '../../app/lineage/sandboxed.ts';
import { nodeText } from '../../app/lineage/tree.ts';
import type { SampleWhy } from '../../app/lineage/types.ts';
import { ADVERSARIAL, DEBATE_ROUND } from '../../loop/words.ts';

/** Of code the beginning is enough to tell answers apart by. */
const inShort = (answer: string): string => (isOneLine(answer) ? quoted(answer) : cut(plain(answer), 160));
const score = (value: number | null): string => (value === null ? '' : ` ${value.toFixed(2)}`);

function voteText({ vote }: SampleWhy): string {
  if (!vote) return 'none was taken';
  const { answer, votes, samples, runnerUpVotes, agreement, margin, trusted } = vote;
  return (
    `${answer === null ? 'no answer won' : quoted(answer)}: ${votes} of K = ${samples}, runner-up ${runnerUpVotes}; ` +
    `agreement ${agreement.toFixed(2)}, margin ${margin.toFixed(2)}, ${trusted ? 'trusted' : 'not trusted'}`
  );
}

const list = (names: string[]): string =>
  names.length <= ROWS
    ? names.join(', ')
    : `${names.slice(0, ROWS).join(', ')} and ${names.length - ROWS} more`;

const share = (value: number | null): string => (value === null ? '–' : value.toFixed(2));

/** Who answered what, how the answers spread over the rewrites, and what a calibration asked for. */
function voteLines(why: SampleWhy): string[] {
  const { vote } = why;
  if (!vote) return fact('vote', voteText(why));
  const { answers, tallies, within, across, sharedMistake, unreadable, copies, required } = vote;
  const apart = [
    ...(unreadable > 0 ? [`${unreadable} could not be read`] : []),
    ...(copies > 0 ? [`${copies} copies of another did not vote`] : []),
  ];
  const spread =
    within === null && across === null ? '' : `; agree ${share(within)} within, ${share(across)} across`;
  return [
    ...fact('vote', `${voteText(why)}${apart.map((one) => `; ${one}`).join('')}`),
    ...answers
      .slice(0, ROWS)
      .flatMap(({ answer, samples }, i) =>
        fact(
          i === 0 ? 'answers' : '',
          `${answer === null ? 'none' : inShort(answer)}: ${samples.length} (${list(samples.map((id) => `sample:${id}`))})`,
        ),
      ),
    ...(answers.length > ROWS ? fact('', `and ${answers.length - ROWS} others (--json has them)`) : []),
    ...(tallies.length === 0
      ? []
      : fact(
          'by rewrite',
          `${list(tallies.map((one) => `${plain(one.rewrite)} ${one.votes} of ${one.samples}`))}${spread}` +
            (sharedMistake ? ': a SHARED MISTAKE' : ''),
        )),
    ...(required ? fact('calibrated', plain(required.reason)) : []),
  ];
}

/** What people decided about this sample, and about others of its prompt. */
function reviewLines({ judged, sample }: SampleWhy): string[] {
  const words = { accept: 'accepted', reject: 'rejected', correct: 'corrected' };
  return judged.reviews.slice(-ROWS).flatMap((one, i) => {
    const of = one.sample === sample.id ? '' : ` sample:${one.sample}`;
    const answer = one.correctedAnswer === null ? '' : ` to ${quoted(one.correctedAnswer)}`;
    const on = one.at === null ? '' : ` on ${one.at.slice(0, 10)}`;
    const from = one.feedback === null ? '' : ` (feedback:${one.feedback})`;
    const note = one.note === null ? '' : `: ${quoted(one.note)}`;
    const asked = `${REASONS[one.askedFor]}${one.audit ? ', counts in the audit' : ''}${one.unseen ? ', unseen' : ''}`;
    return fact(
      i === 0 ? 'reviewers' : '',
      `${words[one.decision]}${of}${answer} by ${plain(one.reviewer ?? 'nobody known')}${on}, item ${one.item}, ${asked}${from}${note}`,
    );
  });
}

const REASONS = {
  'first-iterations': 'as of the first iterations',
  audit: 'as of the audit share',
  disagreement: 'as gates disagreed',
  feedback: 'as corrected in production',
};

function personText(
  writtenBy: string | null,
  given: NonNullable<SampleWhy['example']>['given'] | undefined,
): string {
  if (writtenBy !== null) return `a person: ${plain(writtenBy)}`;
  if (!given) return 'a person';
  const note = given.note === null ? '' : `: ${quoted(given.note)}`;
  return `a person; ${plain(given.by)} vouches for it, from ${plain(given.origin)} (${given.source})${note}`;
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

/** The parts that it is put together of, below one another. */
const treeLines = ({ tree = [] }: SampleWhy): string[] =>
  tree.flatMap((node, i) =>
    fact(i === 0 ? 'parts' : '', `${'· '.repeat(node.depth)}${quoted(nodeText(node))}`),
  );

/** The memory entries that it saw. */
const memoryLines = ({ memory = [] }: SampleWhy): string[] =>
  memory.flatMap(({ id, kind, request, text }, i) =>
    fact(
      i === 0 ? 'saw' : '',
      `memory:${id} ${kind}: ${quoted(request === null ? text : `${request} → ${text}`)}`,
    ),
  );

/** What agents held round by round, each turn with its work. */
const debateLines = ({ debate }: SampleWhy): string[] =>
  debate === undefined
    ? []
    : [
        ...fact('debate', plain(debateText(debate))),
        ...debate.turns.flatMap((turn) => [
          ...fact('', plain(turnText(turn))),
          ...(turn.action === 'keep' ? [] : fact('', `· ${quoted(turn.rationale)}`)),
        ]),
      ];

/** What the sandbox found, and what the answer changes. */
const sandboxLines = ({ sandbox }: SampleWhy): string[] =>
  sandbox === undefined
    ? []
    : [
        ...fact('sandbox', plain(sandbox.behaviour ?? sandbox.reason)),
        ...detailLines(sandbox).flatMap((line) => fact('', plain(line))),
        ...(sandbox.patch ? passage('patch', sandbox.patch) : []),
      ];

function promptLines({ id, text, key, level, purpose }: SampleWhy['prompt']): string[] {
  const about = `(key ${quoted(key)}${level === null ? '' : `, level ${level}`}, ${purpose})`;
  return isOneLine(text)
    ? fact('prompt', `prompt:${id} ${quoted(text)} ${about}`)
    : passage('prompt', text, { note: `prompt:${id} ${about}` });
}

/** An answer of several lines is code, and stands in what was written. */
function answerLines({ answer, rationale }: SampleWhy['sample']): string[] {
  if (answer === null) return fact('answer', 'none could be read');
  return !isOneLine(answer) && rationale.includes(answer.trim())
    ? fact('answer', `${answer.trim().split('\n').length} lines of it`)
    : passage('answer', answer);
}

/** A sample from its prompt to its verdicts; `where` is its place in a dataset. */
export function renderSample(why: SampleWhy, c: Colors, where: string): string {
  const { prompt, sample, generator, judged, example } = why;
  const name = example ? `example:${example.id}  ${example.kind}` : `sample:${sample.id}`;
  const by = generator.answeredBy;
  const other = by !== null && by !== generator.fingerprint ? `; answered by ${plain(by)}` : '';
  const words = sample.paraphrasedBy;
  const worded = words
    ? `, put in other words by ${plain(words.model)}${words.fingerprint ? ` ${plain(words.fingerprint)}` : ''} (prompt version ${words.promptVersion})`
    : '';
  const given = example?.given;
  const taken =
    sample.cached && !why.tree && sample.round !== DEBATE_ROUND
      ? `; taken from an equal draw in run ${plain(generator.drawnIn)}`
      : '';
  return [
    `${c.bold(name)}  ${placeOf(prompt)}${where ? ` · ${where}` : ''}`,
    ...(example?.revoked
      ? fact(
          'REVOKED',
          `${example.revoked.at.slice(0, 10)} by ${plain(example.revoked.by)}: ${plain(example.revoked.reason)}`,
        )
      : []),
    ...promptLines(prompt),
    ...variantLines(prompt.variant),
    ...sourceLines(prompt.source),
    ...storedLines(prompt.stored),
    ...voteLines(why),
    ...fact(
      'sample',
      `sample:${sample.id}, ${sample.round > 0 ? `round ${sample.round} ` : ''}#${sample.index}, rewrite ${plain(sample.rewrite)}, strategy ` +
        `${plain(sample.strategy)}${worded}; ${sample.completionTokens} tokens, ${plain(sample.finishReason)}${taken}`,
    ),
    ...(sample.planted
      ? fact(
          'planted',
          `${sample.planted}, ${sample.planted === ADVERSARIAL ? `made of sample:${sample.host}` : 'in the place of a sample'} of ${nameText(generator)}; it never trains`,
        )
      : fact(
          'written by',
          sample.origin === 'person' ? personText(sample.writtenBy, given) : `${nameText(generator)}${other}`,
        )),
    ...askedLines(why),
    ...treeLines(why),
    ...sandboxLines(why),
    ...memoryLines(why),
    ...debateLines(why),
    ...passage('wrote', sample.rationale),
    ...(example && example.rationale !== null
      ? passage('trains as', example.rationale, { note: '(the words of a reviewer)' })
      : []),
    ...answerLines(sample),
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
    ...reviewLines(why),
  ].join('\n');
}
