/** The answers to `why` as text for a terminal. Whatever comes from models or other people goes through `plain`. */
import pc from 'picocolors';
import { fact, placeOf, reachedTable, ROWS, short, type Colors } from './why-parts.ts';
import {
  sourceLines,
  storedLines,
  variantLines,
  renderCompletionWhy,
  renderFeedbackWhy,
} from './why-production.ts';
import { madeText } from '../../app/lineage/variant.ts';
import { renderSample } from './why-sample.ts';
import { cut, duration, percent, plain, pValueText, table } from '../../process/text.ts';
import { decisionWords } from '../../app/report/wording.ts';
import type {
  CheckpointWhy,
  Membership,
  PieceWhy,
  PromptWhy,
  RunOrigin,
  Training,
  Why,
} from '../../app/lineage/types.ts';

function parametersText(parameters: Record<string, unknown>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name} ${plain(JSON.stringify(value))}`)
    .join(', ');
}

function originLines(run: RunOrigin, title: string): string[] {
  const now = run.codeVersion === run.codeNow ? '' : `; this is ${plain(run.codeNow)}`;
  const arm = run.experiment === 'none' ? '' : ` (${run.experiment})`;
  return [
    ...fact(title, `${plain(run.id)} of task ${plain(run.task)}${arm}, ${run.status}, ${run.startedAt}`),
    ...fact('code', `${plain(run.codeVersion)}${now}`),
    ...fact('settings', `digest ${short(run.settingsDigest)}`),
  ];
}

function trainingLines(training: Training, own: CheckpointWhy): string[] {
  const { dataset } = training;
  const checks = {
    verified: 'digest verified: the stored examples give it again',
    differs: 'DIGEST DIFFERS: the stored examples give another one',
    large: 'digest not compared, since it is large (--verify does)',
    skipped: 'digest not compared',
  };
  const took = training.seconds === null ? '' : `, ${duration(training.seconds)}`;
  return [
    ...(training.checkpoint === own.checkpoint.id
      ? []
      : fact(
          'taken over',
          `the adapter of checkpoint:${training.checkpoint}, which run ${plain(training.run.id)} trained`,
        )),
    ...fact(
      'training job',
      `${plain(training.job)}, ${training.status}, from ${plain(training.parentModel)}`,
    ),
    ...fact('', `${training.trainedTokens ?? '–'} tokens${took}, seed ${training.seed ?? '–'}`),
    ...fact('parameters', parametersText(training.parameters)),
    ...fact('dataset', `${dataset.id}: ${dataset.examples} examples, ${dataset.bytes} bytes`),
    ...fact('', `sha256 ${short(dataset.digest)}, ${checks[dataset.check]}`),
    ...(dataset.revoked.length === 0
      ? []
      : fact(
          'revoked',
          `${dataset.revoked.length} of its examples since: ${some(dataset.revoked.map((id) => `example:${id}`))}`,
        )),
  ];
}

const some = (items: string[]): string =>
  items.length <= ROWS
    ? items.join(', ')
    : `${items.slice(0, ROWS).join(', ')} and ${items.length - ROWS} more`;

function decisionLines({ decision }: CheckpointWhy): string[] {
  if (!decision) return [];
  const { numbers } = decision;
  const target =
    numbers.after === undefined || numbers.after === null
      ? []
      : fact(
          '',
          `target ${percent(numbers.before)} → ${percent(numbers.after)}, p ${pValueText(numbers.pValue)}; ` +
            `${numbers.fixed ?? '–'} put right, ${numbers.broken ?? '–'} broken`,
        );
  return [...fact('decision', `${decisionWords[decision.kind]}: ${plain(decision.reason)}`), ...target];
}

/** The newest rows of a list, and how many are left out. */
function lastRows<T>(rows: T[]): { shown: T[]; left: string[] } {
  const left = rows.length - ROWS;
  return {
    shown: rows.slice(-ROWS),
    left: left > 0 ? [`  … and ${left} earlier ones (--json has them)`] : [],
  };
}

function chainLines(why: CheckpointWhy, c: Colors): string[] {
  const shown = why.chain.length <= ROWS ? why.chain : [...why.chain.slice(0, ROWS - 1), why.chain.at(-1)!];
  const rows = shown.map((link) => [
    `checkpoint:${link.id}`,
    placeOf(link),
    plain(link.model),
    plain(link.fingerprint ?? '–'),
    link.examples === null ? '' : String(link.examples),
    link.decision ? decisionWords[link.decision] : link.kind === 'base' ? 'base' : '',
  ]);
  const [title, ...lines] = table(
    [
      { title: '' },
      { title: 'made in' },
      { title: 'model' },
      { title: 'fingerprint' },
      { title: 'examples', align: 'right' },
      { title: '' },
    ],
    rows,
    '  ',
  );
  const hidden = why.chain.length - shown.length;
  if (hidden > 0) lines.splice(-1, 0, `  … ${hidden} more (--json has them)`);
  return [c.bold('Chain, down to the base'), c.dim(title!), ...lines, ''];
}

function courseLines(why: CheckpointWhy, c: Colors): string[] {
  const lines: string[] = [];
  const course = lastRows(why.course);
  if (why.course.length > 0) {
    lines.push(
      c.bold('Changes of course in force'),
      ...course.left,
      ...course.shown.flatMap((one) =>
        fact(one.kind, `by ${one.cause} from iteration ${one.fromIteration}: ${plain(one.reason)}`),
      ),
      '',
    );
  }
  const messages = lastRows(why.messages);
  if (why.messages.length > 0) {
    lines.push(
      c.bold('Messages obeyed until then'),
      ...messages.left,
      ...messages.shown.flatMap((one) =>
        fact(plain(one.name), `by ${plain(one.by)} in iteration ${one.iteration}: ${plain(one.answer)}`),
      ),
      '',
    );
  }
  return lines;
}

function countLines(why: CheckpointWhy, c: Colors): string[] {
  if (why.counts.length === 0) return [];
  const [title, ...lines] = table(
    [
      { title: 'accepted in' },
      { title: 'kind' },
      { title: '' },
      { title: 'written by' },
      { title: 'examples', align: 'right' },
    ],
    why.counts
      .slice(-2 * ROWS)
      .map((one) => [
        placeOf(one),
        one.kind,
        one.replayed ? 'replayed' : 'new',
        `checkpoint:${one.generator}`,
        String(one.examples),
      ]),
    '  ',
  );
  const left = why.counts.length - lines.length;
  return [
    c.bold('What it was trained on'),
    c.dim(title!),
    ...(left > 0 ? [`  … and ${left} earlier rows (--json has them)`] : []),
    ...lines,
    '',
  ];
}

export function checkpointHead(why: CheckpointWhy, c: Colors): string {
  const { checkpoint, scores, descendants } = why;
  const state = [
    checkpoint.kind === 'base' ? 'the base' : undefined,
    checkpoint.promoted ? 'promoted' : undefined,
    checkpoint.best ? 'best now' : undefined,
  ].filter((word) => word !== undefined);
  return [
    `${c.bold(`checkpoint:${checkpoint.id}`)}  ${placeOf(checkpoint)}${state.length > 0 ? ` · ${state.join(', ')}` : ''}`,
    ...fact('model', plain(checkpoint.model)),
    ...fact('fingerprint', plain(checkpoint.fingerprint ?? 'the endpoint tells none')),
    ...(checkpoint.path ? fact('adapter', plain(checkpoint.path)) : []),
    ...originLines(why.run, 'run'),
    ...(why.training ? trainingLines(why.training, why) : []),
    ...decisionLines(why),
    ...(scores.length === 0
      ? []
      : fact(
          'measured',
          scores
            .map(({ benchmark, correct, total }) => `${plain(benchmark)} ${correct ?? '–'}/${total}`)
            .join(', '),
        )),
    '',
    ...chainLines(why, c),
    ...courseLines(why, c),
    ...countLines(why, c),
    ...(descendants.length === 0 ? [] : [c.bold('Trained from it'), ...reachedTable(descendants), '']),
  ].join('\n');
}

/** The examples of one page, each in full. */
export function renderItems({ items }: CheckpointWhy['examples'], c: Colors): string {
  return items
    .map((item) => renderSample(item, c, `position ${item.position}${item.replayed ? ', replayed' : ''}`))
    .join('\n\n');
}

function renderCheckpoint(why: CheckpointWhy, c: Colors): string {
  const { items, total, from, next } = why.examples;
  const title = `Examples ${from + 1}–${from + items.length} of ${total}`;
  const more =
    next === null
      ? []
      : [
          '',
          c.dim(`More: ratchet why checkpoint:${why.checkpoint.id} --from ${next}  (or --examples N, --all)`),
        ];
  return [
    checkpointHead(why, c),
    ...(items.length === 0 ? [] : [c.bold(title), '', renderItems(why.examples, c), ...more]),
  ].join('\n');
}

function membershipTable(datasets: Membership[]): string[] {
  return table(
    [{ title: '' }, { title: '' }, { title: '' }, { title: '' }, { title: '' }],
    datasets
      .slice(-2 * ROWS)
      .map((one) => [
        `dataset ${one.dataset}`,
        placeOf(one),
        `position ${one.position}${one.replayed ? ', replayed' : ''}`,
        one.job === null ? 'not trained on' : `${plain(one.job)} ${one.jobStatus}`,
        one.checkpoint === null ? '' : `checkpoint:${one.checkpoint}`,
      ]),
    '  ',
  ).slice(1);
}

function renderPiece(why: PieceWhy, c: Colors): string {
  const { piece, datasets, reached } = why;
  const failed = piece.judged.verdicts.filter((one) => !one.advisory && one.outcome !== 'pass');
  const fate =
    failed.length > 0
      ? `It is no example: ${failed.map((one) => `${plain(one.gate)} ${one.outcome}`).join(', ')}.`
      : piece.judged.verdicts.length > 0
        ? 'It is no example: it passed every required gate, but others of its prompt were selected.'
        : 'It is no example: the gates have not judged it.';
  return [
    renderSample(piece, c, ''),
    ...originLines(why.run, 'run'),
    '',
    ...(piece.example
      ? [
          c.bold('What it trained'),
          ...(datasets.length === 0 ? ['  nothing: no dataset holds it'] : membershipTable(datasets)),
          ...(reached.length === 0
            ? []
            : ['', c.bold('Checkpoints that it is part of'), ...reachedTable(reached)]),
        ]
      : [fate]),
  ].join('\n');
}

function renderPrompt(why: PromptWhy, c: Colors): string {
  const { prompt, variants = [], samples, given, total } = why;
  const left = total - samples.length;
  return [
    `${c.bold(`prompt:${prompt.id}`)}  ${placeOf(prompt)} · ${prompt.purpose}`,
    ...fact('text', cut(plain(prompt.text), 1000)),
    ...fact('key', plain(prompt.key)),
    ...variantLines(prompt.variant),
    ...sourceLines(prompt.source),
    ...storedLines(prompt.stored),
    ...variants.flatMap((one, i) => fact(i === 0 ? 'easier ones' : '', cut(plain(madeText(one)), 1000))),
    ...originLines(why.run, 'run'),
    '',
    ...[...given, ...samples].flatMap((sample) => [renderSample(sample, c, ''), '']),
    ...(left > 0
      ? [c.dim(`${left} of ${total} samples more: ratchet why prompt:${prompt.id} --examples ${total}`)]
      : []),
  ].join('\n');
}

export function renderWhy(why: Why, color: boolean): string {
  const c = pc.createColors(color);
  if (why.what === 'checkpoint') return renderCheckpoint(why, c);
  if (why.what === 'feedback') return renderFeedbackWhy(why, c);
  if (why.what === 'completion') return renderCompletionWhy(why, c);
  return why.what === 'prompt' ? renderPrompt(why, c) : renderPiece(why, c);
}
