/** What came through the gateway and what became of it, as text. */
import { fact, nameText, placeOf, reachedTable, type Colors } from './why-parts.ts';
import { sourceText } from '../../app/lineage/origin.ts';
import { originText, type VariantOrigin } from '../../app/lineage/variant.ts';
import { cut, plain } from '../../process/text.ts';
import type { PromptSource } from '../../tasks/documents/source.ts';
import type {
  CompletionWhy,
  FeedbackSaid,
  FeedbackWhy,
  StoredOrigin,
} from '../../app/lineage/production-types.ts';

const quoted = (text: string): string => cut(plain(text), 600);

function saidText({ id, by, at, rating, correction, use, note }: FeedbackSaid): string {
  const what = correction === null ? `rated ${rating}` : `corrected to ${quoted(correction)}`;
  const as = use === 'regression' ? ', to be held out' : '';
  return `feedback:${id} by ${plain(by)}, ${at.slice(0, 10)}: ${what}${as}${note ? ` (${quoted(note)})` : ''}`;
}

/** The passage that a prompt was written about. */
export function sourceLines(source: PromptSource | null): string[] {
  if (!source) return [];
  const { quote } = source;
  return [...fact('document', plain(sourceText(source))), ...(quote ? fact('', `“${quoted(quote)}”`) : [])];
}

/** What a prompt is an easier variant of. */
export const variantLines = (variant: VariantOrigin | undefined): string[] =>
  variant === undefined
    ? []
    : [...fact('easier', plain(`variant ${originText(variant)}`)), ...fact('', quoted(variant.text))];

/** Lines about where a prompt comes from outside the run. */
export function storedLines(stored: StoredOrigin | null): string[] {
  if (!stored) return [];
  const { source, origin, asked, completions, feedback } = stored;
  const answers = completions.length > 0 ? `: ${completions.map(plain).join(', ')}` : '';
  return [
    ...(source === 'import' ? fact('imported', plain(origin)) : []),
    ...(source === 'gateway' || asked > 0
      ? fact(
          'production',
          `came ${asked} times through the gateway${answers}${asked > completions.length ? ' …' : ''}`,
        )
      : []),
    ...feedback.flatMap((one) => fact('', `${saidText(one)}, on ${plain(one.completion)}`)),
  ];
}

function drawnLines(drawn: { prompt: number; run: string; iteration: number }[], title: string): string[] {
  return drawn.flatMap((one, i) => fact(i === 0 ? title : '', `prompt:${one.prompt}, ${placeOf(one)}`));
}

export function renderFeedbackWhy(why: FeedbackWhy, c: Colors): string {
  const { feedback, datasets, reached, examples, heldOut } = why;
  const trained = datasets.filter((one) => one.checkpoint !== null);
  const waits = feedback.use === 'example' && examples.length === 0 && why.supersededBy === null;
  return [
    `${c.bold(`feedback:${feedback.id}`)}  task ${plain(why.task)}`,
    ...fact('said', saidText(feedback)),
    ...fact('of', `${plain(feedback.completion)}, answered by ${nameText(why.checkpoint)}`),
    ...(why.prompt === null ? [] : fact('prompt', quoted(why.prompt))),
    ...(feedback.answer === null ? [] : fact('answer', quoted(feedback.answer))),
    ...drawnLines(why.drawn, 'in the pool'),
    ...examples.flatMap((one, i) => fact(i === 0 ? 'became' : '', `example:${one.example}, ${placeOf(one)}`)),
    ...(why.supersededBy === null
      ? []
      : fact(
          'superseded',
          `by feedback:${why.supersededBy}: the same person said something else later, so this trains no more`,
        )),
    ...(waits
      ? fact(
          'became',
          why.drawn.length === 0
            ? 'nothing yet: it waits for the next iteration of the task'
            : 'nothing yet: no sample leads to the answer in sound steps; each iteration tries again',
        )
      : []),
    ...trained.flatMap((one, i) =>
      fact(
        i === 0 ? 'trained' : '',
        `checkpoint:${one.checkpoint} with dataset ${one.dataset} at position ${one.position}${one.replayed ? ', replayed' : ''}`,
      ),
    ),
    ...heldOut.flatMap((one, i) =>
      fact(i === 0 ? 'measured' : '', `held out in run ${plain(one.run)} (${plain(one.benchmark)})`),
    ),
    ...(feedback.use === 'regression' && heldOut.length === 0
      ? fact('measured', 'by no run yet: later runs hold it out')
      : []),
    ...(reached.length === 0 ? [] : ['', c.bold('Checkpoints that it is part of'), ...reachedTable(reached)]),
  ].join('\n');
}

export function renderCompletionWhy(why: CompletionWhy, c: Colors): string {
  return [
    `${c.bold(plain(why.id))}  task ${plain(why.task)}, ${why.at}, ${why.latencyMs} ms, ${why.outcome}`,
    ...fact('answered by', nameText(why.checkpoint)),
    ...(why.fallback === null ? [] : fact('fallback', plain(why.fallback))),
    ...(why.prompt === null
      ? fact('prompt', why.notPooled === null ? 'not stored' : `not in the pool: it ${plain(why.notPooled)}`)
      : fact('prompt', quoted(why.prompt))),
    ...(why.replies ?? []).flatMap((reply, i) => fact(i === 0 ? 'answer' : '', quoted(reply))),
    ...why.feedback.flatMap((one, i) => fact(i === 0 ? 'feedback' : '', saidText(one))),
    ...drawnLines(why.drawn, 'drawn as'),
  ].join('\n');
}
