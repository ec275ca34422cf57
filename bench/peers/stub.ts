/**
 * The endpoint that all are asked against, in a process of its own so that its processor time is told apart: every answer takes
 * LATENCY_MS, whatever it is. Three of four sums are right. `GET /stats` says what was asked since the last `POST /reset`.
 */
import { createHash } from 'node:crypto';
import { startScriptedEndpoint, type ScriptedRequest } from '../../tests/support/scripted-endpoint.ts';
import { MODEL, SINGLE_MODEL, type Stats } from './work.ts';

/** With `n` refused, as some endpoints do, or taken. */
let refusesN = false;
let asked = 0;
let choices = 0;

const uniform = (text: string) => createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;

/** DSPy wants its fields under headings, and says so in what it asks. */
const headed = (fields: Record<string, string>) =>
  [...Object.entries(fields), ['completed', '']]
    .map(([name, text]) => `[[ ## ${name} ## ]]\n${text}`)
    .join('\n\n');

function answer({ messages, body }: ScriptedRequest): string {
  const text = messages.map(({ content }) => content).join('\n');
  choices += 1;
  const fields = text.includes('[[ ## ');
  if (body.response_format !== undefined || text.includes('Check this work')) {
    if (fields) return headed({ verdict: 'holds' });
    return JSON.stringify({ first_error: '', verdict: 'holds', confidence: 0.9 });
  }
  // Examples may stand before the question.
  const [a, b] = (text.match(/(\d+) \+ (\d+)/g)?.at(-1) ?? '0 + 0').split(' + ').map(Number) as [
    number,
    number,
  ];
  const luck = uniform(`${text} ${choices}`);
  const sum = a + b + (luck < 0.75 ? 0 : 1 + (choices % 5));
  const work = `Way ${choices}: adding ${b} to ${a} gives ${sum}.`;
  return fields ? headed({ reasoning: work, answer: String(sum) }) : `${work}\n#### ${sum}`;
}

const endpoint = await startScriptedEndpoint(
  {
    baseModel: MODEL,
    otherModels: [SINGLE_MODEL],
    answer,
    latencyMs: Number(process.env.LATENCY_MS),
    fault: ({ body }) => {
      asked += 1;
      return refusesN && Number(body.n ?? 1) > 1
        ? { status: 400, code: 'unsupported_parameter', message: "Unsupported parameter: 'n'." }
        : undefined;
    },
  },
  {
    intercept: async (request, raw, response) => {
      const { arrivals } = endpoint;
      if (request.url === '/stats') {
        const stats: Stats = {
          calls: asked,
          choices,
          seconds: arrivals.length === 0 ? 0 : (arrivals.at(-1)!.at - arrivals[0]!.at) / 1000,
          inFlight: Math.max(0, ...arrivals.map(({ inFlight }) => inFlight)),
        };
        response.end(JSON.stringify(stats));
        return true;
      }
      if (request.url !== '/reset') return false;
      refusesN = raw.toString() === 'single';
      [asked, choices] = [0, 0];
      arrivals.length = endpoint.received.length = endpoint.requests.length = 0;
      response.end();
      return true;
    },
  },
);
console.log(endpoint.url);
