/**
 * How many planted samples of the arithmetic task its gates catch: format, coherence and the built-in critic, by kind and level, against
 * the model server with the built-in critic.
 *
 *   RATCHET_PYTHON=.ratchet/python/bin/python npx node bench/probes.ts [--count 50] [--levels 4,6,9] [--seed 1]
 *
 * MODEL_BASE_URL names a server that runs already.
 */
import { PROBE_KINDS } from '../loop/words.ts';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { resolveEndpoint } from '../models/endpoint.ts';
import { chat } from '../models/chat.ts';
import { arithmeticTask } from '../tasks/arithmetic/index.ts';
import { startModelServer } from '../tests/support/model-server.ts';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    levels: { type: 'string', default: '4,5,6,7,8,9' },
    seed: { type: 'string', default: '1' },
  },
});
const count = Number(options.count);
const seed = Number(options.seed);
const levels = options.levels.split(',').map(Number);

const configured = process.env.MODEL_BASE_URL;
const server = configured === undefined ? await startModelServer() : undefined;
const endpoint = resolveEndpoint('critic', { baseURL: configured ?? server!.url }, 'arithmetic-critic');
const task = arithmeticTask({ kind: 'arithmetic' });
const critic = task.critic!;
const limit = pLimit(32);

/** By what a probe is caught: the first of the gates that rejects it; undefined: it comes through. */
async function caughtBy(text: string, rationale: string): Promise<string | undefined> {
  const answer = task.readAnswer(rationale);
  if (!task.checkFormat(text, rationale).ok) return 'format';
  if (answer === undefined || !task.checkCoherence(text, rationale, answer).ok) return 'coherence';
  const reply = await chat(endpoint, critic.request(text, rationale));
  const { outcome } = critic.read({ text: reply.choices[0]?.text ?? '', raw: reply.raw, work: rationale });
  return outcome === 'holds' ? undefined : 'critique';
}

const found: { level: number; kind: string; by: string | undefined }[] = [];
for (const level of levels) {
  const prompts = [];
  for await (const prompt of task.prompts({ count, levels: [level], seed, exclude: () => false })) {
    prompts.push(prompt);
  }
  const jobs = prompts.flatMap((prompt, i) =>
    PROBE_KINDS.map((kind) => ({ prompt, kind, form: task.rewrites!(prompt, i)[0]! })),
  );
  await Promise.all(
    jobs.map(({ prompt, kind, form }, i) =>
      limit(async () => {
        const rationale = task.probe!(kind, { prompt, text: form.text, seed: seed + i });
        if (rationale !== undefined) found.push({ level, kind, by: await caughtBy(form.text, rationale) });
      }),
    ),
  );
}
await server?.close();

const share = (rows: typeof found) => {
  const caught = rows.filter(({ by }) => by !== undefined).length;
  return `${caught}/${rows.length} (${((100 * caught) / rows.length).toFixed(1)} %)`;
};
console.table(
  PROBE_KINDS.map((kind) => {
    const rows = found.filter((one) => one.kind === kind);
    const by = [...new Set(rows.map((one) => one.by ?? 'none'))].join(', ');
    return {
      kind,
      ...Object.fromEntries(levels.map((n) => [`level ${n}`, share(rows.filter((r) => r.level === n))])),
      all: share(rows),
      'caught by': by,
    };
  }),
);
console.log(`all: ${share(found)}`);
