/** Self-play in whole runs. */
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { useLoop } from '../support/loop.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { judgeSum } from '../support/scripted-critic.ts';
import { until } from '../support/wait.ts';

const CRITIC = 'sums-critic';
const LIMIT = 50_000_000;

/** Adds rightly, so that wrong work is the adversary's alone; judging that takes more than there is. */
const loop = useLoop({
  baseModel: 'adder',
  answer: ({ messages }) => {
    const problem = messages.at(-1)!.content;
    return /^\d{10}\+\d{10}$/.test(problem) ? longAddition(problem) : 'I can only add.';
  },
  otherModels: [CRITIC],
  extra: (request) => (request.model === CRITIC ? judgeSum(request) : undefined),
  fault: (request) => {
    if (request.model !== CRITIC) return undefined;
    const said = judgeSum(request);
    if (!JSON.stringify(said).includes(String(Math.log(0.01)))) return undefined;
    const body = {
      id: 'dear',
      object: 'chat.completion',
      created: 0,
      model: CRITIC,
      choices: [
        { index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'stop', logprobs: null },
      ],
      usage: { prompt_tokens: 2 * LIMIT, completion_tokens: 1, total_tokens: 2 * LIMIT + 1 },
      ...said,
    };
    return { kind: 'reply', body };
  },
});

it('ends where the budget does, and the iteration keeps what it accepted', async () => {
  const handle = await loop.start(
    'dear',
    loop.small({
      gates: { agreement: { calibration: { share: 1 } } },
      models: {
        generator: { baseURL: loop.endpoint.url, model: 'adder' },
        critic: { model: CRITIC },
      },
      strategy: { selfPlay: { mode: 'on', works: 16 } },
      budget: { iteration: { tokens: LIMIT } },
    }),
  );
  const output = await until(
    'the filter to be done',
    async () => {
      const [row] = await loop.rows<{ output: Record<string, unknown> | null }>(
        sql`select s.output from stages s join iterations i on i.id = s.iteration_id
          where i.run_id = 'dear' and s.name = 'filter'`,
      );
      return row?.output ?? false;
    },
    90_000,
  );
  expect(output).toMatchObject({
    examples: expect.any(Number),
    foundByAdversary: 0,
    adversaryStopped: expect.stringMatching(/^before .* the iteration would reach [\d.]+ of 50000000 tokens/),
  });
  await handle.terminate();
}, 150_000);
