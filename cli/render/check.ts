/** What `ratchet check` found, for a terminal of 80 columns. */
import type pc from 'picocolors';
import { AT_ONCE } from '../../engine/check/cost.ts';
import type { CheckReport, Cost, Finding, Judgement, Read, Trace } from '../../engine/check/types.ts';
import { compact, cut, duration, plain, width, wrap } from '../../process/text.ts';

type Colors = ReturnType<typeof pc.createColors>;

const COLUMNS = 80;
/** Beginning of a text that is quoted: enough to see what kind of text it is. */
const QUOTED = 230;
const REPLIES_SHOWN = 2;

const NAME = 11;

/** A name in front, the text beside it, broken at blanks. */
function labelled(name: string, text: string, indent = '  '): string[] {
  const inner = indent + ' '.repeat(NAME + 1);
  const [first = '', ...rest] = wrap(text, COLUMNS, inner);
  return [`${indent}${name.padEnd(NAME)} ${first.slice(inner.length)}`, ...rest];
}

function findingLines(finding: Finding, c: Colors): string[] {
  const { role, ok, what, mend, unreached } = finding;
  const mark = ok ? (mend ? c.yellow('!') : c.green('✓')) : unreached ? c.yellow('?') : c.red('✗');
  const [first = '', ...rest] = labelled(role, plain(what), '  ');
  const inner = ' '.repeat(NAME + 3);
  return [
    `${mark} ${first.slice(2)}`,
    ...rest,
    ...(mend ? wrap(`→ ${plain(mend)}`, COLUMNS, inner).map((line) => (ok ? c.dim(line) : line)) : []),
  ];
}

const quoted = (text: string) => cut(plain(text), QUOTED) || '(nothing)';

function readLines(read: Read, name: string): string[] {
  const verdict =
    read.answer === null ? `no answer: ${read.format.reason}` : `answer ${cut(plain(read.answer), 60)}`;
  const more = [
    ...(read.answer !== null && !read.format.ok ? [`out of form: ${read.format.reason}`] : []),
    ...(read.answer !== null && !read.coherence.ok
      ? [`does not hang together: ${read.coherence.reason}`]
      : []),
    ...(read.finishReason === 'stop' ? [] : [`ended by ${read.finishReason}`]),
  ];
  return [
    ...labelled(name, quoted(read.text)),
    ...labelled('read', cut(plain([verdict, ...more].join('; ')), QUOTED)),
  ];
}

function traceLines(trace: Trace, c: Colors): string[] {
  const { of, parameters, messages, reads, known, promptTokens, completionTokens, seconds } = trace;
  const { n, seed, temperature, maxTokens } = parameters;
  const sent = [
    ...(n === undefined ? [] : [`n ${n}`]),
    `temperature ${temperature}`,
    `max_tokens ${maxTokens}`,
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ].join(', ');
  const before = messages.length - 1;
  const shown = reads.slice(0, REPLIES_SHOWN);
  const answers = new Map<string, number>();
  for (const { answer } of reads) answers.set(answer ?? 'none', (answers.get(answer ?? 'none') ?? 0) + 1);
  const tally = [...answers]
    .toSorted((a, b) => b[1] - a[1])
    .map(([answer, count]) => `${cut(plain(answer), 24)} ×${count}`);
  return [
    c.bold(of === 'pool' ? 'One prompt of the pool' : 'One held-out problem'),
    ...labelled(
      'sent',
      `${quoted(messages.at(-1)!.content)}${before > 0 ? ` (after ${before} other messages)` : ''}`,
    ),
    ...labelled('with', sent),
    ...shown.flatMap((read, i) => readLines(read, i === 0 ? 'came' : 'and')),
    ...(reads.length > REPLIES_SHOWN ? labelled('all answers', tally.join(', ')) : []),
    ...(known
      ? labelled('known', `${cut(plain(known.answer), 60)}: ${known.right ? 'right' : 'not right'}`)
      : []),
    ...labelled('took', `${duration(seconds)}, ${promptTokens} + ${completionTokens} tokens`).map(c.dim),
    '',
  ];
}

const judgementLines = ({ critic, outcome, reason, reply }: Judgement, c: Colors): string[] => [
  c.bold(`What ${plain(critic)} said of it`),
  ...labelled('came', quoted(reply)),
  ...labelled('read', `${outcome}: ${quoted(reason)}`),
  '',
];

const minutes = ([least, most]: Cost['minutes']) =>
  duration(60 * least) === duration(60 * most)
    ? duration(60 * most)
    : `${duration(60 * least)} to ${duration(60 * most)}`;

function costLines({ cost }: CheckReport, c: Colors): string[] {
  if (!cost) return [];
  const line = (name: string, one: Cost) =>
    `  ${name.padEnd(NAME)} ${compact(one.calls)} requests, ${compact(one.tokens)} tokens, ${minutes(one.minutes)}` +
    (one.money === null ? '' : `, ${one.money.toFixed(2)} in money`);
  return [
    c.bold('What a run will cost, by these answers'),
    line('iteration', cost.iteration),
    line(`run of ${cost.iterations}`, cost.run),
    ...wrap(
      `Least: ${AT_ONCE} requests are answered in the time of one; most: one after the other. Training comes on top.`,
      COLUMNS,
      '  ',
    ).map(c.dim),
    '',
  ];
}

/** @param full with what was sent and read; without it the findings alone */
export function renderCheck(report: CheckReport, c: Colors, full = true): string {
  const { endpoints, findings, traces, judgements, ok } = report;
  const faults = findings.filter((one) => !one.ok).length;
  const roles = endpoints.flatMap(({ role, model, baseURL }) =>
    labelled(role, `${plain(model)} at ${plain(baseURL)}`),
  );
  const end = ok
    ? c.green('Ready to run.')
    : c.red(`${faults} ${faults === 1 ? 'fault' : 'faults'} to mend before a run.`);
  return [
    ...(full ? [c.bold(cut(plain(report.task), COLUMNS)), ...roles, ''] : []),
    ...(full ? traces.flatMap((trace) => traceLines(trace, c)) : []),
    ...(full ? judgements.flatMap((one) => judgementLines(one, c)) : []),
    ...(full ? costLines(report, c) : []),
    ...findings.filter((one) => full || !one.ok || one.mend).flatMap((one) => findingLines(one, c)),
    ...(full ? ['', `${end} ${c.dim(`(${duration(report.seconds)})`)}`] : []),
  ].join('\n');
}

/** For tests: no line is wider than a terminal, but for words that can't be broken. */
export const widest = (text: string) => Math.max(...text.split('\n').map(width));
