/** What the test does with each command of the documentation, and what a user must see. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { addReviews, reviewable } from '../../db/queries/reviews.ts';
import { addCheckpoint, addIteration, addPool, addRun } from '../cli/fixture.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/wait.ts';
import type { DocsStack, Ended, ShellOptions } from './stack.ts';

export type Step = {
  command: string;
  /** What it prints. */
  says: string | RegExp;
  /** 0 by default; several where the moment of a Ctrl-C decides. */
  code?: number | number[];
  options?: ShellOptions;
  before?(stack: DocsStack): Promise<void>;
  after?(stack: DocsStack, ended: Ended): void | Promise<void>;
};

/** Where the package of tasks in Python is: the line before says so. */
const PACKAGE = { PYTHONPATH: 'tasks/python' };

/** Starts everything; `stack.up` gives it the servers of the test. */
export const UP = 'npx ratchet up';

const written =
  (...names: string[]) =>
  (stack: DocsStack) => {
    for (const name of names)
      if (!existsSync(join(stack.folder, name))) throw new Error(`${name} was not written`);
  };

/** On the finished run `demo`, the newest there is; in any order, side by side. */
export const READ: Step[] = [
  { command: 'npx ratchet diagnose examples/tutor/answers.jsonl', says: /^ +mia +fractions +0\/8/m },
  { command: 'npx ratchet diagnose examples/tutor/answers.jsonl --learner mia', says: 'adds numerators and' },
  {
    command:
      'npx ratchet diagnose examples/tutor/answers.jsonl --catalogue examples/tutor/catalogue.yaml --html learners.html',
    says: 'learners.html',
    after: written('learners.html'),
  },
  { command: 'npx ratchet status', says: /Worker +running/ },
  { command: 'npx ratchet doctor', says: 'Node' },
  { command: 'npx node bench/cards.ts', says: '| 7 B | 19 GB |' },
  {
    command: 'npx node bench/cards.ts --models 8 --read 4000000 --written 900000 --trained 600000',
    says: '| 8 B |',
  },
  { command: 'npx ratchet check arithmetic', says: /What a run will cost/, code: [0, 1] },
  {
    command: 'npx ratchet check my-task.yaml --base-url http://gpu:8111/v1 --model my-model',
    says: /generator +my-model at http/,
    code: [0, 1],
  },
  { command: 'npx ratchet memory list arithmetic', says: 'No entries' },
  {
    command: 'npx ratchet corrections examples/support/task.yaml',
    says: '60 to learn from, 40 to keep up, 0 held out, 15 refused',
  },
  { command: 'npx node examples/support/make.mjs', says: '' },
  {
    command: 'python3 examples/python-task/task.py',
    says: '  - { name: target, role: target, command: [python3, task.py, target] }',
    options: { env: PACKAGE },
  },
  {
    command: 'python3 examples/python-task/task.py target | head -n 2',
    says: /^\{"prompt": "How many letters has the word \\"\w+\\"\?", "answer": "\d+"\}$/m,
    options: { env: PACKAGE },
  },
  { command: 'npx ratchet list', says: /^demo +arithmetic +completed +3\/3/m },
  { command: 'npx ratchet --version', says: /^\d+\.\d+\.\d+$/m },
  { command: 'npx ratchet serving', says: /^arithmetic[\s\S]*checkpoint:\d/m },
  { command: 'npx ratchet serving arithmetic', says: 'demo' },
  { command: 'npx ratchet report --json', says: '"run": "demo"' },
  { command: 'npx ratchet report --html report.html', says: 'report.html', after: written('report.html') },
  { command: 'npx ratchet report demo --html demo.html', says: 'demo.html', after: written('demo.html') },
  { command: 'npx ratchet why best', says: 'Chain, down to the base' },
  { command: 'npx ratchet why checkpoint:3 --examples 20', says: /^Examples 1–20 of \d+$/m },
  {
    command: 'npx ratchet why ~/adapters/adapter_model.safetensors',
    says: /^checkpoint:2 +iteration 1 of demo/m,
  },
  { command: 'npx ratchet why example:34', says: 'verdicts' },
  { command: 'npx ratchet why checkpoint:3 --all --json', says: '"example' },
  {
    command: 'npx ratchet export --format trl-sft > accepted.jsonl',
    says: 'sha256',
    after: written('accepted.jsonl'),
  },
  {
    command: 'npx ratchet export demo --format trl-sft > accepted.jsonl',
    says: 'sha256',
    after: written('accepted.jsonl'),
  },
  {
    command: 'npx ratchet export demo --format trl-preference --out pairs.jsonl',
    says: 'pairs.jsonl',
    after: written('pairs.jsonl', 'pairs.jsonl.sha256'),
  },
  {
    command: 'npx ratchet export demo --format openai --iteration 3 --out third.jsonl',
    says: 'third.jsonl',
    after: written('third.jsonl', 'third.jsonl.metadata.jsonl'),
  },
  {
    command: 'npx ratchet export --checkpoint best --format openai --out trained.jsonl',
    says: 'trained.jsonl',
    after: written('trained.jsonl'),
  },
];

/** Waits until the newest iteration of the live run is in the hands of its trainer, which takes its time. */
const training = (index: number) => async (stack: DocsStack) => {
  const handed = async () => {
    const jobs = await stack.rows(
      `select 1 from training_jobs j join datasets d on d.id = j.dataset_id
        join iterations i on i.id = d.iteration_id where i.run_id = 'live' and i.index = $1`,
      [index],
    );
    return jobs.length > 0;
  };
  await until(`iteration ${index} at the trainer`, handed, 150_000);
};

const status = (run: string, wanted: string) => async (stack: DocsStack) => {
  await until(`${run} to be ${wanted}`, async () => (await stack.status(run)) === wanted);
};

/** A run with accepted examples that wait for a person. */
async function runInReview(stack: DocsStack): Promise<void> {
  const { db } = stack.database;
  await addRun(db, 'reviewed', { review: { iterations: 1 } }, 'running');
  await stack.rows("update runs set created_at = now() where id = 'reviewed'");
  const base = await addCheckpoint(db, 'reviewed', 0, { target: 4 });
  const iterationId = await addIteration(db, 'reviewed', 1, base.id, false);
  await addPool(db, 'reviewed', iterationId, base.id, [
    { text: '1234+1000', answer: '2234', agreement: 1, samples: 1, accepted: 'vote' },
    { text: '1235+1000', answer: '2235', agreement: 1, samples: 1, accepted: 'vote' },
  ]);
  const { accepted } = await reviewable(db, iterationId);
  const items = accepted.map(({ sampleId }) => ({
    sampleId,
    reason: 'first-iterations' as const,
    audit: true,
  }));
  await addReviews(db, 'reviewed', iterationId, items);
}

/** An answer of the gateway of `ratchet up`, to which feedback can be given. */
async function askGateway(stack: DocsStack): Promise<void> {
  const { env } = JSON.parse(stack.file('.ratchet/stack.json')) as { env: { RATCHET_GATEWAY_URL: string } };
  const response = await fetch(`${env.RATCHET_GATEWAY_URL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'arithmetic',
      messages: [{ role: 'user', content: '0000000345+0000000678' }],
    }),
  });
  const { id } = (await response.json()) as { id: string };
  stack.placeholders.set('chatcmpl-…', id).set('http://127.0.0.1:8300/v1', env.RATCHET_GATEWAY_URL);
}

/** One after the other: each changes what the next one finds. */
export const ACT: Step[] = [
  {
    command: 'npx ratchet revoke example:34 --reason "wrong"',
    says: 'Revoked 1',
    options: { terminal: [['[y/N]', 'y\r']] },
  },
  {
    command: 'npx ratchet revoke example:4 --reason "mislabelled by the vote"',
    says: 'Revoked 1',
    options: { terminal: [['[y/N]', 'y\r']] },
  },
  {
    command: 'npx ratchet memory add arithmetic --heuristic "Hand every carry on."',
    says: /^memory:\d+ of arithmetic is unverified/m,
  },
  {
    command: 'npx ratchet import questions.jsonl --task my-task.yaml --as prompts',
    says: /20 .*prompts/,
  },
  {
    command:
      'npx ratchet diagnose examples/tutor/answers.jsonl --form long-addition --practice practice.jsonl',
    says: /\d+ practice items with worked answers/,
    after: written('practice.jsonl'),
  },
  {
    command:
      'npx ratchet import practice.jsonl --task examples/tutor/adder.yaml --as examples --skip-held-out',
    says: /examples/,
  },
  { command: 'npx ratchet import worked.jsonl --task arithmetic --as examples', says: /3 .*examples/ },
  {
    command:
      'npx ratchet import worked.jsonl --task arithmetic --as examples --by ada --note "checked by hand"',
    says: '3 lines were known',
  },
  { command: 'npx ratchet promote checkpoint:3 --reason "checked by hand"', says: 'checkpoint:3' },
  { command: 'npx ratchet rollback arithmetic --reason "wrong carries"', says: 'pinned' },
  { command: 'npx ratchet unpin arithmetic --reason "the new one mends it"', says: 'checkpoint:' },
  {
    command: 'npx ratchet serve --store arithmetic',
    // That of `ratchet up` has the usual port.
    options: { interruptAt: 'gateway ready', env: { RATCHET_GATEWAY_PORT: String(await freePort()) } },
    code: [0, 130],
    says: 'gateway ready',
  },
  {
    command:
      `curl -s http://127.0.0.1:8300/v1/feedback -H 'content-type: application/json' ` +
      `-d '{"completion": "chatcmpl-…", "correction": "1023", "by": "ada", "note": "checked by hand"}'`,
    before: askGateway,
    says: /"id"/,
  },
  { command: 'npx ratchet discover enzyme-inhibited', says: /Claim[\s\S]*True law .*exact/ },
  { command: 'npx ratchet study --html study.html', says: 'study.html', after: written('study.html') },
  { command: 'npx ratchet study --list', says: /^enzyme-inhibited-\S+ +enzyme-inhibited +finished/m },
  {
    command: 'npx ratchet schedule create arithmetic --weekly "Sun 03:00"',
    says: /arithmetic-weekly/,
  },

  {
    command: 'npx ratchet watch',
    before: async (stack) => {
      stack.model.script.jobMs = 600_000;
      await stack.begin('live', { iterations: 4, seed: 7 });
      await training(1)(stack);
    },
    options: { interruptAt: 'Run live' },
    code: 130,
    says: 'The run "live" goes on.',
  },
  { command: 'npx ratchet pause', says: 'live: iteration 1 pauses', after: status('live', 'paused') },
  { command: 'npx ratchet resume', says: /^live: .*goes on/, after: status('live', 'running') },
  { command: 'npx ratchet budget --tokens 5000000', says: 'limits hold' },
  { command: 'npx ratchet skip', says: 'live: iteration 1 is given up', after: training(2) },
  { command: 'npx ratchet reset --to best', says: 'live: iteration 2 is given up', after: training(3) },
  {
    command: 'npx ratchet stop --after-iteration',
    says: /^live: .*after iteration 3|live: .*iteration 3/,
    after: async (stack) => {
      await stack.end('live');
      stack.model.script.jobMs = 20;
    },
  },
  {
    command: 'npx ratchet retry',
    before: (stack) => stack.parkedRun('parked'),
    says: 'parked: trying again',
    after: status('parked', 'completed'),
  },
  {
    command: 'npx ratchet review',
    before: (stack) => runInReview(stack),
    options: { terminal: [['q quit', 'q']] },
    says: /1234\+1000|1235\+1000/,
  },

  {
    command:
      'npx ratchet run my-task.yaml --id first --iterations 1 --set pool.prompts=40 --set benchmark.majority=false ' +
      '--set budget.run.tokens=2000000',
    says: /^✓ completed {2}first$[\s\S]*Held-out accuracy/m,
  },
  { command: 'npx ratchet report first', says: 'Held-out accuracy' },
  { command: 'npx ratchet schedule list', says: 'arithmetic-weekly' },

  {
    command:
      'npx node bench/compare-runs.ts gated.json ungated.json --svg docs/measurements/twenty-iterations.svg',
    before: async (stack) => {
      await stack.type('npx ratchet report demo --json > gated.json && cp gated.json ungated.json');
    },
    says: /^\| 1 \|/m,
    after: written('docs/measurements/twenty-iterations.svg'),
  },

  // A new user's files.
  {
    command: 'cp .env.example .env && $EDITOR .env',
    says: '',
    after: written('.env'),
  },
  { command: 'cp .env.example .env', says: '', after: written('.env') },
];

/** Stops what `npx ratchet up` started: after everything else. */
export const END: Step[] = [
  { command: 'npx ratchet down', says: /^Stopped .*worker/im },
  {
    command: 'tar -czf ratchet-backup.tar.gz --exclude=.ratchet/python --exclude=.ratchet/uv .ratchet',
    says: '',
    after: written('ratchet-backup.tar.gz'),
  },
];
