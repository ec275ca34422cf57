/** The model card: a README.md as the Hugging Face hub reads it, with the proof in front and how to load it in copyable lines. */
import { stringify } from 'yaml';
import type { Comparison, Score } from '../../report/types.ts';
import { markdownTable } from '../../../loop/markdown.ts';
import { percent, plain, points, pValueText } from '../../../process/text.ts';
import type { Licence } from './base-id.ts';
import type { AdapterFacts } from './facts.ts';
import type { AdapterConfig, Measured } from './inspect.ts';
import { loading } from './loading.ts';

export type Card = {
  facts: AdapterFacts;
  config: AdapterConfig;
  base: string;
  licence: Licence | undefined;
  measured: Measured;
  /** Under which servers are told to serve it. */
  name: string;
};

/** Text of other people in Markdown: no markup, no HTML, no table's bars. */
const said = (text: string) => plain(text).replaceAll(/[\\`*_{}[\]<>|#]/g, (mark) => `\\${mark}`);
const code = (text: string) => `\`${plain(text).replaceAll('`', "'")}\``;

const table = (head: string[], rows: string[][]): string =>
  markdownTable(
    head.map((title, i) => ({ title, cell: (row: string[]) => row[i]! })),
    rows,
  );

const scoreText = ({ rate, low, high, correct, total }: Score) =>
  `${percent(rate)} [${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}], ${correct}/${total}`;

const slug = (text: string) =>
  plain(text)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '') || 'task';

/** The front matter. `model-index` is what the hub shows as results. */
function frontMatter({ facts, base, licence, name }: Card): string {
  const dataset = (role: string) => ({
    name: `${plain(facts.task.title)}: ${role}`,
    type: slug(facts.task.name),
    split: role,
  });
  const results = facts.comparison.map(({ role, best }) => ({
    task: { type: 'text-generation', name: plain(facts.task.title) },
    dataset: dataset(role),
    metrics: [
      {
        type: 'accuracy',
        name: 'held-out accuracy, greedy',
        value: Number(best.rate.toFixed(4)),
        verified: false,
      },
    ],
  }));
  return stringify({
    base_model: base,
    base_model_relation: 'adapter',
    library_name: 'peft',
    ...licence,
    pipeline_tag: 'text-generation',
    tags: ['lora', 'peft', 'ratchet', 'self-improvement', slug(facts.task.name)],
    metrics: ['accuracy'],
    ...(results.length === 0 ? {} : { 'model-index': [{ name, results }] }),
  });
}

function proof({ comparison, startForm, heldOut, looks, checkpoint }: AdapterFacts): string {
  if (comparison.length === 0)
    return 'Base and adapter were not both measured on held-out problems: there is no proof.';
  const digests = heldOut.map((one) => [said(one.benchmark), one.role, String(one.items), code(one.digest)]);
  const row = ({ role, base, best, onlyBest, onlyBase, pValue }: Comparison) => [
    role,
    scoreText(base),
    scoreText(best),
    points(best.rate - base.rate),
    String(onlyBest),
    String(onlyBase),
    pValueText(pValue),
  ];
  return [
    table(['', 'before', 'with the adapter', 'points', 'fixed', 'broken', 'p'], comparison.map(row)),
    '',
    'The same held-out problems, answered greedily. Intervals: 95 % Wilson. Fixed: only the adapter answers it right; broken: only the',
    'model before does. p: exact one-sided McNemar test of these two numbers.',
    startForm === 'examples'
      ? 'Before: asked with worked examples in front, the form in which it did better; the adapter is asked without them.'
      : 'Both were asked in the same words.',
    `${checkpoint.best ? 'It was promoted by this test' : 'It is not the best of its run'}; the target was looked at ${looks} ${looks === 1 ? 'time' : 'times'} in the run` +
      `${comparison.some((one) => one.role === 'final') ? '. `final` decided nothing: it was read once, at the end, and is the number to quote.' : ', and no `final` set was read.'}`,
    '',
    table(['held-out set', 'role', 'problems', 'SHA-256 of problems and answers'], digests),
  ].join('\n');
}

function trained({ facts, config }: Card): string {
  const { training, accepted, settings } = facts;
  const parameters = {
    ...training.parameters,
    r: config.r,
    lora_alpha: config.lora_alpha,
    target_modules: config.target_modules,
  };
  return [
    `- ${training.examples} examples, SHA-256 of the file ${code(training.dataset)}${training.revoked > 0 ? `; ${training.revoked} of them have been revoked since` : ''}`,
    `- of ${accepted.prompts} pseudo-labels that the run had accepted by then (${accepted.examples} examples): answers of the model itself that passed the gates; no label was given`,
    ...(accepted.right === null
      ? []
      : [`- ${percent(accepted.right)} of these pseudo-labels were right, which the loop never saw`]),
    `- fine-tuning job ${code(training.job)}${training.trainedTokens ? `, ${training.trainedTokens} trained tokens` : ''}; seed ${settings.seed}`,
    '',
    '```json',
    JSON.stringify(parameters, null, 2),
    '```',
  ].join('\n');
}

function gates({ gates: rows, probes, reviewed, experiment }: AdapterFacts): string {
  const lines =
    rows.length === 0
      ? ['No gate judged a sample.']
      : [
          table(
            ['gate', '', 'pass', 'fail', 'unscored'],
            rows.map((one) => [
              said(one.gate),
              one.advisory ? 'advised only' : 'required',
              String(one.pass),
              String(one.fail),
              String(one.unscored),
            ]),
          ),
        ];
  lines.push(
    '',
    probes
      ? `Planted bad samples: ${probes.caught} of ${probes.planted} caught.`
      : 'The gates were not tested with planted bad samples.',
  );
  if (reviewed > 0) lines.push(`People reviewed ${reviewed} samples.`);
  if (experiment !== 'none') lines.push(`This run was a contrast arm (${experiment}).`);
  return lines.join('\n');
}

function unchecked({ facts, measured }: Card): string[] {
  const roles = new Set(facts.comparison.map((one) => one.role));
  return [
    'Whether the base has seen the held-out problems in its own training. That no training example is one of them, exactly or nearly, was checked.',
    roles.has('guard')
      ? 'Any skill beyond the guard set: an adapter may lose what nobody measured.'
      : 'Any skill but the target: there was no guard set, and an adapter may lose what nobody measured.',
    'Safety, bias, and answers to prompts of another kind than the pool’s.',
    ...(roles.has('final') ? [] : ['A final set: the target set decided, so its gain may flatter.']),
    ...(facts.reviewed === 0 ? ['The pseudo-labels by people: nobody reviewed them.'] : []),
    ...(measured.same === null
      ? [`That these are the very weights that were measured: ${measured.why}.`]
      : []),
  ];
}

const lineage = ({ lineage: rows }: AdapterFacts): string =>
  table(
    ['checkpoint', 'run', 'iteration', 'model', 'fingerprint', 'examples', 'SHA-256 of its training file'],
    rows.map((one) => [
      String(one.checkpoint),
      code(one.run),
      one.iteration === 0 ? 'start' : String(one.iteration),
      code(one.model),
      one.fingerprint === null ? '–' : code(one.fingerprint),
      String(one.examples ?? '–'),
      one.dataset === null ? '–' : code(one.dataset),
    ]),
  );

export function modelCard(card: Card): string {
  const { facts, base, measured } = card;
  const section = (title: string, ...body: string[]) => [`## ${title}`, '', ...body, ''];
  return [
    `---\n${frontMatter(card)}---`,
    '',
    `# ${said(card.name)}`,
    '',
    `A LoRA adapter of [${base}](https://huggingface.co/${base}) for: ${said(facts.task.title)}. It was trained by`,
    'Ratchet on answers of the model itself that passed gates, and kept because it is measurably better on held-out problems.',
    '',
    ...section('Proof', proof(facts)),
    ...section('How to load it', ...loading(card)),
    ...section('What trained it', trained(card)),
    ...section('Gates', gates(facts)),
    ...section(
      'What was not checked',
      unchecked(card)
        .map((one) => `- ${one}`)
        .join('\n'),
    ),
    ...section(
      'Where it comes from',
      lineage(facts),
      '',
      `Code ${code(facts.code)}; task ${code(facts.task.name)}, SHA-256 ${code(facts.task.digest)}.`,
      measured.same
        ? `Base and adapter have the fingerprint ${code(facts.checkpoint.fingerprint ?? '')}, which is that of the measured weights.`
        : '',
      'All of this as data, with the settings: `ratchet.json`.',
    ),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
