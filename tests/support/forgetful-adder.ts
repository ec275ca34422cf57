/**
 * A scripted model for the arithmetic task that forgets: what it was fine-tuned on last without a sum of at most six digits has lost
 * those. What it knows of a file is read out of the file that was sent.
 */
import { answerSum, longAddition } from './scripted-adder.ts';
import type { Script, ScriptedEndpoint } from './scripted-endpoint.ts';

const digitsOf = (problem: string): number =>
  Math.max(...problem.split('+').map((one) => one.replace(/^0+/, '').replace(/0+$/, '').length));

const shorter = (problem: string): boolean => digitsOf(problem) >= 4 && digitsOf(problem) <= 6;

/** @param endpoint the one that the script answers for, once it is there */
export function forgetfulAdder(endpoint: () => ScriptedEndpoint): Script {
  const known = new Map<string, boolean>();
  const forgot = (model: string): boolean => {
    if (!known.has(model)) known.set(model, trainedWithout(model));
    return known.get(model)!;
  };
  const trainedWithout = (model: string): boolean => {
    const job = [...endpoint().jobs.values()].find((one) => one.fine_tuned_model === model);
    if (!job) return false;
    const lines = endpoint().files.get(String(job.training_file))!.trim().split('\n');
    return !lines.some((line) => {
      const { messages } = JSON.parse(line) as { messages: { content: string }[] };
      return shorter(messages[0]!.content);
    });
  };
  return {
    baseModel: 'adder',
    jobMs: 20,
    answer(request) {
      const problem = request.messages.at(-1)?.content ?? '';
      if (!/^\d{10}\+\d{10}$/.test(problem) || !shorter(problem) || !forgot(request.model))
        return answerSum(request);
      return longAddition(problem, 0);
    },
  };
}
