/** Critics of replies: each measured on its own labels, and listened to as far as it could tell. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { measureCritics } from '../../../app/support/measure-critics.ts';
import { makeCorrections } from '../../../app/support/make-corrections.ts';
import { criticIsUnasked, criticsOf, standings as standingsOf } from '../../../engine/critic.ts';
import { improveInputSchema } from '../../../loop/input.ts';
import { layered } from '../../../loop/presets.ts';
import { resolveEndpoint } from '../../../models/endpoint.ts';
import { actAsUser } from '../../../tasks/access.ts';
import { loadTask, resolveTask } from '../../../tasks/index.ts';
import { readSupportTask } from '../../../tasks/support/resolve.ts';
import { readYaml } from '../../../tasks/yaml.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../../support/scripted-endpoint.ts';

const example = fileURLToPath(new URL('../../../examples/support/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-critics-'));
const file = join(folder, 'task.yaml');
let endpoint: ScriptedEndpoint;

/** Reads the policy and hears rudeness; of empathy it has no idea. */
function verdict(rubric: string, data: string): 'holds' | 'fails' | undefined {
  if (rubric.includes('POLICY')) {
    const value = (text: string) => /\$?\d+(?: \w+)?| not |cannot/.exec(text)?.[0];
    const [request, reply] = data.split('===== WORK');
    return value(/POLICY: (.*)/.exec(request!)![1]!) === value(reply!.slice(30)) ? 'holds' : 'fails';
  }
  if (rubric.includes('rude'))
    return /!!!|\bare you from\b|anyway\?|not that hard|search engine|deserve|Again|don't care|genius|told you|stop bothering|Freeloaders/.test(
      data,
    )
      ? 'fails'
      : 'holds';
  return 'holds';
}

beforeAll(async () => {
  actAsUser();
  endpoint = await startScriptedEndpoint({
    baseModel: 'judge',
    answer: ({ messages }) =>
      JSON.stringify({ first_error: '', ...said(verdict(messages[0]!.content, messages.at(-1)!.content)) }),
  });
  const said = (outcome: 'holds' | 'fails' | undefined) =>
    outcome === 'fails'
      ? { first_error: 'it says so', verdict: outcome, confidence: 1 }
      : { verdict: outcome, confidence: 1 };
  const given = {
    kind: 'support',
    name: 'shop',
    policies: join(example, 'policies'),
    conversations: join(example, 'conversations.jsonl'),
    corrections: join(folder, 'corrections.jsonl'),
    benchmarks: [{ name: 'corrected', role: 'target', file: join(example, 'held-out.jsonl') }],
    critics: {
      measured: join(folder, 'critics.json'),
      ...Object.fromEntries(
        ['accuracy', 'tone', 'empathy'].map((name) => [name, join(example, `labels-${name}.jsonl`)]),
      ),
    },
  };
  writeFileSync(file, stringify(given));
  const { rows } = await makeCorrections(readSupportTask(await readYaml(file)), {});
  writeFileSync(given.corrections, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}, 60_000);
afterAll(async () => {
  await endpoint.close();
  rmSync(folder, { recursive: true, force: true });
});

const critics = async () => {
  const task = loadTask(await resolveTask(file));
  const settings = improveInputSchema.parse(
    layered(task.suggested, { models: { generator: { baseURL: endpoint.url, model: 'm' } } }),
  );
  const asked = criticsOf({ settings, task });
  expect(criticIsUnasked({ settings, task })).toBe(false);
  return standingsOf(asked, undefined);
};

it('counts by what it was measured to tell, each alone, and not before', async () => {
  expect(
    (await critics()).map(({ name, betterThanChance, reason }) => [name, betterThanChance, reason]),
  ).toEqual(
    ['accuracy', 'tone', 'empathy'].map((name) => [
      name,
      false,
      `${name} was not measured: \`ratchet critics\` does`,
    ]),
  );
  const task = readSupportTask(await readYaml(file));
  const measured = await measureCritics(
    task,
    resolveEndpoint('critic', { baseURL: endpoint.url, model: 'judge' }, undefined),
  );
  expect(measured).toMatchObject([
    { critic: 'accuracy', model: 'judge', able: true },
    { critic: 'tone', bad: 12, caught: 12, good: 12, refused: 0, unscored: 0, able: true },
    { critic: 'empathy', bad: 12, caught: 0, good: 12, refused: 0, p: 1, able: false },
  ]);
  writeFileSync(task.critics!.measured, JSON.stringify(measured));
  expect(await critics()).toMatchObject([
    { name: 'accuracy', betterThanChance: true },
    {
      name: 'tone',
      betterThanChance: true,
      reason: expect.stringMatching(
        /^measured with judge: failed 12 of 12 bad replies and 0 of 12 good ones/,
      ),
    },
    { name: 'empathy', betterThanChance: false },
  ]);
});

it('is given the policy that the request falls under, and nothing else of the task', () => {
  const asked = endpoint.received.map(({ body }) => body.messages as { content: string }[]);
  const withPolicy = asked.filter(([, data]) => data!.content.includes('POLICY: '));
  expect(withPolicy).toHaveLength(24);
  expect(withPolicy.every(([rubric]) => rubric!.content.includes('says what the policy says'))).toBe(true);
});

it('needs enough labels of both kinds, each with its line', async () => {
  const task = readSupportTask(await readYaml(file));
  const few = join(folder, 'few.jsonl');
  const judge = resolveEndpoint('critic', { baseURL: endpoint.url, model: 'judge' }, undefined);
  const measure = (text: string) => {
    writeFileSync(few, text);
    return measureCritics({ ...task, critics: { measured: few, tone: few } }, judge);
  };
  await expect(measure('{"request": "a", "reply": "b", "holds": true}\n')).rejects.toThrow(
    /has 1 replies that hold, 8 are needed\n.*has 0 replies that fail/,
  );
  await expect(measure('{"request": "a"}\n')).rejects.toThrow(/line 1 needs "request" and "reply" as texts/);
});
