/** The work by hand: `fetch` with a limit. With PEER_N=1 all samples of a prompt come in one call. */
import { readFileSync, writeFileSync } from 'node:fs';
import pLimit from 'p-limit';
import { FORM, type Done, type Work } from './work.ts';

const { url, model, prompts, samples, inFlight, out } = JSON.parse(
  readFileSync(process.env.PEER_WORK!, 'utf8'),
) as Work;
const limit = pLimit(inFlight);

async function ask(content: string, n: number): Promise<string[]> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content }],
      n,
      temperature: 0.8,
      max_tokens: 128,
    }),
  });
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return choices.map(({ message }) => message.content);
}

const answerOf = (text: string) => /#### (\d+)/.exec(text)?.[1];

/** A text that gives the answer that most give. */
function winner(texts: string[]): string {
  const votes = Map.groupBy(texts, answerOf);
  return [...votes.values()].toSorted((a, b) => b.length - a.length)[0]![0]!;
}

const done: Done = { samples: 0, critiques: 0 };
await Promise.all(
  prompts.map(async (prompt) => {
    const [calls, n] = process.env.PEER_N ? [1, samples] : [samples, 1];
    const question = `${prompt} ${FORM}`;
    const texts = (
      await Promise.all(Array.from({ length: calls }, () => limit(() => ask(question, n))))
    ).flat();
    done.samples += texts.filter(answerOf).length;
    const [critique] = await limit(() => ask(`Check this work on "${prompt}":\n${winner(texts)}`, 1));
    if ((JSON.parse(critique!) as { verdict: string }).verdict === 'holds') done.critiques += 1;
  }),
);
writeFileSync(out, JSON.stringify(done));
