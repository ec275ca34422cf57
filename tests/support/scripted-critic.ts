/**
 * A scripted critic for the arithmetic task. It is shown the question of tasks/arithmetic/critic.ts and answers as vLLM does with
 * `prompt_logprobs`: the probability of each token that is there, a token being a character. A line that adds up holds with
 * P = 0.99, another one with P = 0.01.
 */
import type { ScriptedRequest } from './scripted-endpoint.ts';

const LINE = /^(\d)(\d),(\d)\+(\d)\+(\d)=(\d),(\d)#1$/;

function holds(line: string): boolean {
  const [, a, b, x, y, carry, digit, next] = LINE.exec(line) ?? [];
  const total = Number(x) + Number(y) + Number(carry);
  return a === x && b === y && Number(digit) === total % 10 && Number(next) === Math.floor(total / 10);
}

export function judgeSum({ messages }: ScriptedRequest): { prompt_logprobs: unknown[] } {
  const lines = messages.at(-1)!.content.split('\n');
  const entries = lines.flatMap((line) =>
    `${line}\n`.split('').map((token, i) => {
      const slot = i === line.length - 1 && LINE.test(line);
      const probability = !slot || holds(line) ? 0.99 : 0.01;
      return { [token.charCodeAt(0)]: { logprob: Math.log(probability), decoded_token: token } };
    }),
  );
  return { prompt_logprobs: [null, ...entries.slice(1)] };
}

/** A critic that is sure of every line, whatever stands there. */
export function approveAll(request: ScriptedRequest): { prompt_logprobs: unknown[] } {
  const { prompt_logprobs: entries } = judgeSum(request);
  return {
    prompt_logprobs: entries.map((entry) =>
      Object.fromEntries(
        Object.entries((entry ?? {}) as Record<string, object>).map(([id, one]) => [
          id,
          { ...one, logprob: 0 },
        ]),
      ),
    ),
  };
}
