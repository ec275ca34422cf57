/**
 * Users' corrections, learnt by a scripted model that answers as of old until it has been trained: right ones change it, planted ones
 * don't, and what nobody corrected stays. The workers are stopped on the way.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import OpenAI from 'openai';
import pc from 'picocolors';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSampleReader } from '../../app/lineage/sample.ts';
import { writePage } from '../../app/report/html/write.ts';
import { buildReport } from '../../app/report/report.ts';
import { gatewayConversations } from '../../app/support/from-gateway.ts';
import { makeCorrections } from '../../app/support/make-corrections.ts';
import { renderReport } from '../../cli/render/report.ts';
import { renderSample } from '../../cli/render/why-sample.ts';
import { gatewaySettings } from '../../gateway/environment.ts';
import { startGateway } from '../../gateway/server.ts';
import { actAsUser } from '../../tasks/access.ts';
import { canonical } from '../../tasks/support/claims.ts';
import { readSupportTask } from '../../tasks/support/resolve.ts';
import { readYaml } from '../../tasks/yaml.ts';
import { startSite } from '../web/site.ts';
import { useLoop } from '../support/loop.ts';
import { until } from '../support/wait.ts';

const example = fileURLToPath(new URL('../../examples/support/', import.meta.url));
const lines = <T>(name: string): T[] =>
  readFileSync(join(example, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
type Fact = {
  id: string;
  policy: string;
  say: string;
  now: string;
  was?: string;
  old?: string;
  ask: string[];
};
const facts = lines<Fact>('facts.jsonl');
const now = (fact: Fact) => fact.say.replace('{}', fact.now);
const before = (fact: Fact) =>
  fact.was === undefined ? now(fact) : (fact.old ?? fact.say.replace('{}', fact.was));
const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9 ]/g, '');

/** Reads what the policy says where it is shown; else as of old, and after training what it was taught, in whatever words. */
const loop = useLoop({
  baseModel: 'm',
  latencyMs: 5,
  answer({ messages, seed, generation }) {
    const asked = messages.at(-1)!.content;
    const fact = facts.find(({ ask }) => ask.some((text) => plain(asked).includes(plain(text))));
    if (!fact) return 'Hello.';
    // Of samples with the rule before them some are wrong all the same, and of every fourth fact all are.
    if (asked.startsWith('Rule: '))
      return seed % 7 === 0 || facts.indexOf(fact) % 4 === 0 ? before(fact) : now(fact);
    return generation === 0 ? before(fact) : now(fact);
  },
});

const folder = mkdtempSync(join(tmpdir(), 'ratchet-support-run-'));
const file = join(folder, 'task.yaml');
beforeAll(async () => {
  actAsUser();
  const own = ['policies', 'conversations.jsonl', 'held-out.jsonl', 'untouched.jsonl'].map((name) =>
    join(example, name),
  );
  const [policies, conversations, heldOut, untouched] = own;
  const given = {
    kind: 'support',
    name: 'shop',
    policies,
    conversations,
    corrections: join(folder, 'corrections.jsonl'),
    common: ['Nordholm', 'Trail Club'],
    benchmarks: [
      { name: 'corrected', role: 'target', file: heldOut },
      { name: 'untouched', role: 'guard', file: untouched },
    ],
  };
  writeFileSync(file, stringify(given));
  const { rows } = await makeCorrections(readSupportTask(await readYaml(file)), {});
  writeFileSync(given.corrections, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('learns what was put right, and nothing that was planted', async () => {
  const { check, models, paging, gates } = loop.small();
  const handle = await loop.start('support', {
    task: file,
    iterations: 1,
    check,
    models,
    paging,
    gates,
    pool: { prompts: 80, rehearsal: 40 },
    sampling: { cache: false },
  });
  await until('the first samples', async () => {
    const [row] = await loop.rows<{ n: number }>(sql`select count(*)::int as n from samples`);
    return row!.n > 40;
  });
  await loop.restartWorkers();
  await handle.result();

  const scores = await loop.rows<{ benchmark: string; at: number; correct: number; total: number }>(sql`
    select e.benchmark, c.iteration_index as at, e.correct, e.total from evaluations e
    join checkpoints c on c.id = e.checkpoint_id order by c.iteration_index, e.benchmark`);
  expect(scores).toEqual([
    { benchmark: 'corrected', at: 0, correct: 0, total: 60 },
    { benchmark: 'untouched', at: 0, correct: 60, total: 60 },
    { benchmark: 'corrected', at: 1, correct: 60, total: 60 },
    { benchmark: 'untouched', at: 1, correct: 60, total: 60 },
  ]);
  const [decision] = await loop.rows<{ kind: string }>(sql`select kind from decisions`);
  expect(decision!.kind).toBe('promote');

  // What trains is the plain request, with an answer that the policy has.
  const trained = await loop.rows<{ key: string; answer: string; kind: string }>(sql`
    select p.key, e.answer, e.kind from examples e join prompts p on p.id = e.prompt_id`);
  const right = new Map(facts.flatMap((fact) => fact.ask.map((text) => [text.toLowerCase(), fact] as const)));
  expect(new Set(trained.map(({ key }) => key)).size).toBeGreaterThan(90);
  const names = new Set(['ottilie', 'bergmoor', 'postino']);
  const common = new Set(['nordholm', 'trail', 'club']);
  expect(
    trained.filter(({ key, answer }) => canonical(now(right.get(key)!), names, common) !== answer),
  ).toEqual([]);
  const dataset = [...loop.endpoint.files.values()][0]!
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { messages: { role: string; content: string }[] });
  expect(dataset.filter(({ messages }) => messages.some(({ content }) => content.includes('Rule:')))).toEqual(
    [],
  );

  // What was put right is five samples more, in each form of the request, that had no vote.
  const written = await loop.rows<{ id: number; by: string; trains: boolean }>(sql`
    select s.id, s.written_by as by, exists (select 1 from examples e where e.sample_id = s.id) as trains
    from samples s where s.written_by is not null order by s.id`);
  expect(written).toHaveLength(5 * 100);
  const [voted] = await loop.rows<{ most: number }>(sql`select max(samples) as most from votes`);
  expect(voted!.most).toBe(5);
  const asExample = written.find(({ trains }) => trains)!;
  const [why] = await createSampleReader(loop.database.db)([asExample.id]);
  expect(why).toMatchObject({
    sample: {
      origin: 'person',
      strategy: 'written',
      writtenBy: expect.stringMatching(/^customer-\d+ \(c\d+\/1\)$/),
    },
    asked: 'no model was asked: a person wrote it',
    example: { kind: 'vote' },
  });
  expect(why!.judged.verdicts.find(({ gate }) => gate === 'verification')).toMatchObject({ outcome: 'pass' });
  expect(renderSample(why!, pc.createColors(false), '').replaceAll(/\s+/g, ' ')).toContain(
    `a person: ${asExample.by}`,
  );

  const report = await buildReport(loop.database.db, 'support');
  const ends = Object.fromEntries(report.corrections!.counts.map((one) => [one.end, one.corrections]));
  expect(ends).toMatchObject({ refused: 15, 'kept up': 40 });
  // Where no sample of the model passed, the correction itself is one more.
  expect(ends.trained).toBe(60);
  expect(renderReport(report, { color: false })).toMatch(
    /Of 75 corrections 60 trained \(\d+ of them in the words of the correction, [^)]+\), 15 were refused/,
  );

  // The same on the page and in the HTML report, where the reasons stand too; both as they were when the run was started.
  writeFileSync(join(folder, 'corrections.jsonl'), '');
  const site = await startSite(loop.database.db);
  const page = await (await fetch(`${site.url}/runs/support`)).text();
  await site.close();
  const html = join(folder, 'report.html');
  await writePage(loop.database.db, 'support', html);
  for (const text of [page, readFileSync(html, 'utf8')]) {
    expect(text).toContain('What became of the corrections');
    expect(text).toContain('the policy says 5 business days, the answer 2 business days (returns.md#4)');
  }
}, 240_000);

it('takes corrections by the gateway where a policy says the same, and finds others in what was said there', async () => {
  const gateway = await startGateway(
    gatewaySettings({
      DATABASE_URL: loop.database.url,
      RATCHET_GATEWAY_PORT: '0',
      RATCHET_GATEWAY_STORE: 'shop',
      RATCHET_GATEWAY_REDACT: 'email,name',
    }),
    pino({ level: 'silent' }),
  );
  try {
    const client = new OpenAI({ baseURL: `${gateway.address}/v1`, apiKey: 'x', maxRetries: 0 });
    const request = 'How long do I have to return an order?';
    const turn = (role: 'user' | 'assistant', content: string) => ({ role, content });
    const ask = (...messages: OpenAI.ChatCompletionMessageParam[]) =>
      client.chat.completions.create({ model: 'shop', messages });
    const first = await ask(turn('user', request));
    const answer = first.choices[0]!.message.content!;
    const last = await ask(
      turn('user', request),
      turn('assistant', answer),
      turn('user', 'No, it is 30 days. Regards, Anna Smith'),
    );
    const feedback = async (correction: string) => {
      const response = await fetch(`${gateway.address}/v1/feedback`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ completion: first.id, correction, by: 'ada' }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect(await feedback('30 days')).toMatchObject({
      status: 422,
      body: {
        error: {
          message: 'The correction is not taken: the policy says 45 days, the answer 30 days (returns.md#1).',
        },
      },
    });
    expect(await feedback('six weeks and three days')).toMatchObject({ status: 422 });
    expect(await feedback('You have 45 days.')).toMatchObject({ status: 200, body: { becomes: 'example' } });

    // Each request repeats what was said before: it is one conversation.
    const conversations = await gatewayConversations(loop.database.db, 'shop');
    expect(conversations).toMatchObject([
      {
        id: last.id,
        turns: [{ text: request }, { text: answer }, { text: 'No, it is 30 days. Regards, [name]' }, {}],
      },
    ]);
    const task = readSupportTask(await readYaml(file));
    const { rows } = await makeCorrections({ ...task, conversations: undefined }, { more: conversations });
    expect(rows).toMatchObject([{ id: `${last.id}/1`, answer: '30 days', fate: 'refused' }]);
  } finally {
    await gateway.close();
  }
}, 60_000);
