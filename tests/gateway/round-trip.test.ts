/** Production closes the loop: what comes through the gateway is drawn, corrected, learnt, held out and traced. */
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import OpenAI from 'openai';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderWhy } from '../../cli/render/why.ts';
import { findTarget } from '../../app/lineage/target.ts';
import { explain } from '../../app/lineage/why.ts';
import { gatewayCounts } from '../../db/queries/gateway.ts';
import { gatewaySettings } from '../../gateway/environment.ts';
import { startGateway, type RunningGateway } from '../../gateway/server.ts';
import { useLoop } from '../support/loop.ts';
import { until } from '../support/wait.ts';
import { adder, longAddition } from '../support/scripted-adder.ts';

const loop = useLoop(adder);
const folder = mkdtempSync(join(tmpdir(), 'ratchet-gateway-'));
let gateway: RunningGateway;

const open = (env: Record<string, string>) =>
  startGateway(
    gatewaySettings({ DATABASE_URL: loop.database.url, RATCHET_GATEWAY_PORT: '0', ...env }),
    pino({ level: 'silent' }),
  );
beforeAll(async () => {
  await loop.improve('one', loop.small());
  writeFileSync(
    join(folder, 'redact.mjs'),
    `export function redact(text) {
      if (text.includes('secret')) return null;
      if (text.includes('broken')) throw new Error('no');
      return text.replaceAll('Ada', '[name]');
    }`,
  );
  gateway = await open({
    RATCHET_GATEWAY_STORE: 'arithmetic',
    RATCHET_GATEWAY_REDACT_MODULE: join(folder, 'redact.mjs'),
  });
}, 180_000);
afterAll(async () => {
  await gateway?.close();
  rmSync(folder, { recursive: true, force: true });
});

const padded = (a: number, b: number) => `${String(a).padStart(10, '0')}+${String(b).padStart(10, '0')}`;

async function ask(content: string, of = gateway, more: OpenAI.ChatCompletionMessageParam[] = []) {
  const client = new OpenAI({ baseURL: `${of.address}/v1`, apiKey: 'x', maxRetries: 0 });
  return client.chat.completions.create({
    model: 'arithmetic',
    messages: [...more, { role: 'user', content }],
  });
}

async function feedback(body: Record<string, unknown>, of = gateway) {
  const response = await fetch(`${of.address}/v1/feedback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ by: 'ada', ...body }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const rows = <T>(query: ReturnType<typeof sql>) => loop.rows<T>(query);

describe('what is stored', () => {
  test('is nothing where nobody asked for it', async () => {
    const silent = await open({});
    const { id } = await ask(padded(777, 888), silent);
    expect(
      await rows(sql`select messages, replies, stored_prompt_id from gateway_completions where id = ${id}`),
    ).toEqual([{ messages: null, replies: null, stored_prompt_id: null }]);
    const refused = await feedback({ completion: id, correction: '1665' }, silent);
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { param: 'prompt', message: expect.stringContaining('send it as `prompt`') } },
    });
    // With the problem beside it, a correction is one all the same.
    const taken = await feedback({ completion: id, correction: '1665', prompt: '777+888' }, silent);
    expect(taken).toMatchObject({ status: 200, body: { becomes: 'example', known: false } });
    await silent.close();
  });

  test('is each problem once, redacted, and what is none is counted with the reason', async () => {
    const first = await ask(padded(1234, 5678));
    const again = await ask(' 5678 + 1234');
    const ids = await rows<{ stored_prompt_id: string }>(
      sql`select distinct stored_prompt_id from gateway_completions where id in (${first.id}, ${again.id})`,
    );
    expect(ids).toHaveLength(1);
    await ask('Write to ada@example.org or +49 170 1234567, pay with 4111 1111 1111 1111, Ada');
    await ask('3+4', gateway, [
      { role: 'user', content: '1+2' },
      { role: 'assistant', content: '3' },
    ]);
    await ask('my secret');
    await ask('broken');
    const { left, pooled } = await gatewayCounts(loop.database.db, 'arithmetic');
    // The one of the correction above, and this.
    expect(pooled).toEqual([{ task: 'arithmetic', source: 'gateway', prompts: 2 }]);
    expect(Object.fromEntries(left.map(({ why, answers }) => [why, answers]))).toEqual({
      'is no sum of two whole numbers such as 345+678': 1,
      'is a conversation': 1,
      'the redaction module refused it': 1,
      'the redaction module failed': 1,
    });
    const [said] = await rows<Record<string, unknown>>(
      sql`select messages, redacted from gateway_completions where messages::text like '%Write to%'`,
    );
    expect(said).toEqual({
      messages: [{ role: 'user', content: 'Write to [email] or [phone], pay with [card], [name]' }],
      redacted: { email: 1, phone: 1, card: 1, module: 1 },
    });
    const [silent] = await rows<{ n: number }>(
      sql`select count(*)::int as n from gateway_completions where messages::text ~ 'secret|broken'
        or replies::text ~ 'secret|broken'`,
    );
    expect(silent!.n).toBe(0);
  });
});

test('feedback that makes no sense is refused with the reason, and one that is sent twice counts once', async () => {
  const { id } = await ask(padded(4444, 3333));
  const bad = await Promise.all([
    feedback({ completion: id }),
    feedback({ completion: 'chatcmpl-none', rating: 'up' }),
    feedback({ completion: id, rating: 'great' }),
    feedback({ completion: id, correction: 'about eight thousand' }),
    feedback({
      completion: id,
      correction: longAddition(padded(4444, 3333)).replace('4+3+0=7,0', '4+3+0=8,0'),
    }),
    feedback({ completion: id, correction: '7777', prompt: 'how much is it?' }),
    feedback({ completion: id, rating: 'up', by: '' }),
  ]);
  expect(bad.map(({ status }) => status)).toEqual([400, 404, 400, 400, 400, 400, 400]);
  expect(bad[0]!.body).toMatchObject({ error: { message: 'give a rating, a correction or both' } });
  expect(bad[3]!.body).toMatchObject({
    error: { message: expect.stringContaining('is no answer to this problem') },
  });
  expect(bad[4]!.body).toMatchObject({
    error: { message: expect.stringContaining('does not hang together') },
  });
  const once = await feedback({ completion: id, rating: 'down', note: 'ask ada@example.org' });
  const twice = await feedback({ completion: id, rating: 'down', note: 'ask ada@example.org' });
  expect(once.body).toMatchObject({ becomes: 'rating', known: false });
  expect(twice.body).toEqual({ ...once.body, known: true });
  expect(await rows(sql`select note from gateway_feedback where completion_id = ${id}`)).toEqual([
    { note: 'ask [email]' },
  ]);
});

test('stored prompts are the next pool, corrections become reviewed examples, regression items are held out', async () => {
  // Levels 4 to 6, so that the model needs the help.
  for (let i = 0; i < 20; i++) await ask(padded(10_001 + 317 * i, 20_003 + 119 * i));
  const bare = await ask(padded(54_321, 12_345));
  const whole = await ask(padded(86_421, 13_579));
  const held = await ask(padded(98_765, 11_111));
  const rationale = longAddition(padded(86_421, 13_579));
  const given = [
    await feedback({ completion: bare.id, correction: '66666', note: 'by hand' }),
    await feedback({ completion: whole.id, correction: rationale, by: 'bob' }),
    await feedback({ completion: held.id, correction: '109876', as: 'regression' }),
  ];
  expect(given.map(({ status, body }) => [status, body.becomes])).toEqual([
    [200, 'example'],
    [200, 'example'],
    [200, 'regression'],
  ]);
  const [bareId, wholeId, heldId] = given.map(({ body }) => body.id as number);

  await loop.improve(
    'two',
    loop.small({ start: 'promoted', pool: { stored: 'only', prompts: 24, rehearsal: 4 } }),
  );

  const pool = await rows<{ key: string; gateway: boolean; feedback: string | null }>(
    sql`select p.key, s.source = 'gateway' as gateway, p.feedback_id as feedback from prompts p
      join stored_prompts s on s.id = p.stored_prompt_id
      join iterations i on i.id = p.iteration_id where i.run_id = 'two' and p.purpose = 'learn' order by p.position`,
  );
  expect(pool).toHaveLength(24);
  expect(pool.every((one) => one.gateway)).toBe(true);
  // Corrections first; the correction of the first test is among them.
  expect(pool.slice(0, 3).map((one) => one.key)).toEqual(['777+888', '12345+54321', '13579+86421']);
  // What is held out is not learnt.
  expect(pool.map((one) => one.key)).not.toContain('11111+98765');

  const made = await rows<Record<string, unknown>>(
    sql`select r.feedback_id::int as feedback, r.reviewer, r.note, e.id::int as example, e.answer, s.request,
        coalesce(e.rationale, s.rationale) as rationale, d.position
      from reviews r join samples rs on rs.id = r.sample_id join examples e on e.prompt_id = rs.prompt_id and e.kind = 'human'
      join samples s on s.id = e.sample_id join dataset_examples d on d.example_id = e.id
      where r.run_id = 'two' and r.feedback_id in (${bareId!}, ${wholeId!}) order by r.feedback_id`,
  );
  expect(made).toMatchObject([
    { feedback: bareId, reviewer: 'ada', note: 'by hand', answer: '66666' },
    {
      feedback: wholeId,
      reviewer: 'bob',
      answer: '100000',
      rationale,
    },
  ]);
  // In the bytes that were trained on, under a question that the rationale answers.
  const trained = [...loop.endpoint.files.values()].join('');
  expect(trained).toContain(JSON.stringify(rationale).slice(1, -1));
  expect([padded(86_421, 13_579), padded(13_579, 86_421)]).toContain(made[1]!.request);
  // Whatever a vote thought of a corrected problem, nothing else with another answer was trained on.
  const [against] = await rows<{ n: number }>(
    sql`select count(*)::int as n from dataset_examples d join examples e on e.id = d.example_id
      join prompts p on p.id = e.prompt_id where p.key = '12345+54321' and e.answer <> '66666'`,
  );
  expect(against!.n).toBe(0);

  const guard = await rows(
    sql`select i.role, i.answer, i.feedback_id::int as feedback, e.correct is not null as measured
      from benchmark_items i join evaluation_items e on e.item_id = i.id
      where i.run_id = 'two' and i.benchmark = 'feedback-regressions' limit 1`,
  );
  expect(guard).toEqual([{ role: 'guard', answer: '109876', feedback: heldId, measured: true }]);

  // Traceable both ways.
  const { db } = loop.database;
  const options = { count: 1, from: 0, verify: false };
  const why = async (what: string) =>
    renderWhy(await explain(db, await findTarget(db, what), options), false);
  const example = await why(`example:${String(made[1]!.example)}`);
  expect(example).toContain(`feedback:${wholeId} by bob`);
  expect(example).toContain(whole.id);
  const back = await why(`feedback:${wholeId}`);
  expect(back).toContain(`example:${String(made[1]!.example)}`);
  expect(back).toMatch(/trained .*checkpoint:\d+/s);
  expect(await why(`feedback:${heldId}`)).toMatch(/held out in run two/);
  expect(await why(bare.id)).toContain(`feedback:${bareId}`);

  // Once per run, but again in a later one, where it is measured and learnt anew.
  const later = loop.small({
    iterations: 2,
    pool: { prompts: 12, rehearsal: 4 },
    start: 'promoted',
    seed: 5,
  });
  await loop.improve('three', later);
  const again = await rows<{ index: number; n: number }>(
    sql`select i.index, count(*)::int as n from prompts p join iterations i on i.id = p.iteration_id
      where i.run_id = 'three' and p.feedback_id = ${wholeId!} group by i.index`,
  );
  expect(again).toEqual([{ index: 1, n: 1 }]);
}, 300_000);

test('of one person’s two corrections of a problem the later counts, within a run as well', async () => {
  const { id } = await ask(padded(70_001, 20_002));
  const wrong = await feedback({ completion: id, correction: '90004', by: 'cleo' });
  const input = loop.small({ iterations: 2, pool: { prompts: 8, rehearsal: 4 }, seed: 11 });
  // Sent when the first iteration has been trained on the earlier one.
  const handle = await loop.start('two-minds', input);
  await until('the first dataset', async () => {
    const [row] = await rows<{ n: number }>(sql`select count(*)::int as n from datasets d
      join iterations i on i.id = d.iteration_id where i.run_id = 'two-minds'`);
    return row!.n > 0;
  });
  const right = await feedback({ completion: id, correction: '90003', by: 'cleo' });
  await handle.result();
  const members = await rows<{ index: number; answer: string }>(
    sql`select distinct i.index, e.answer from dataset_examples m join datasets d on d.id = m.dataset_id
      join iterations i on i.id = d.iteration_id join examples e on e.id = m.example_id join prompts p on p.id = e.prompt_id
      where i.run_id = 'two-minds' and p.key = '20002+70001' order by i.index`,
  );
  expect(members.filter(({ index }) => index === 2)).toEqual([{ index: 2, answer: '90003' }]);
  const { db } = loop.database;
  const why = async (one: { body: Record<string, unknown> }) =>
    renderWhy(
      await explain(db, await findTarget(db, `feedback:${String(one.body.id)}`), {
        count: 1,
        from: 0,
        verify: false,
      }),
      false,
    );
  expect(await why(wrong)).toMatch(new RegExp(`superseded +by feedback:${String(right.body.id)}`));
  expect(await why(right)).not.toContain('superseded');
}, 120_000);

test('a run that draws only what is stored, where nothing is, says so', async () => {
  await loop.rows(sql`update stored_prompts set task = 'elsewhere' where not exists
    (select 1 from gateway_feedback f where f.stored_prompt_id = stored_prompts.id)`);
  await loop.improve(
    'empty',
    loop.small({ pool: { stored: 'only', corrections: false, prompts: 8, rehearsal: 0, unused: true } }),
  );
  const [decided] = await rows<{ reason: string }>(
    sql`select d.reason from decisions d join iterations i on i.id = d.iteration_id where i.run_id = 'empty'`,
  );
  expect(decided!.reason).toMatch(/^the stored prompts of this task give nothing new/);
}, 120_000);
