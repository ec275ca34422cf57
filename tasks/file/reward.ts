/** A reward function of TRL's signature as the verification of a task: a page of samples in, a number or nothing for each out. */
import { randomUUID } from 'node:crypto';
import { judged, readRewards } from '../../sandbox/reward.ts';
import type { Prompt, Task, Verifiable, Verification } from '../task.ts';
import { outputOf } from '../data/command.ts';
import type { Reward } from './verify-schema.ts';

const OUTPUT_BYTES = 64 * 2 ** 20;

/** As TRL calls its columns; one line of JSON, to which a token is added. */
const inputOf = (of: readonly Verifiable[]) => ({
  prompts: of.map(({ prompt }) => prompt.text),
  completions: of.map(({ sample }) => sample.rationale),
  requests: of.map(({ sample }) => sample.request),
  answers: of.map(({ sample }) => sample.answer),
});

/** @param folder of the task file, where the command runs outside of the sandbox */
export function rewarded(
  { command, threshold, sandbox, runs, limits }: Reward,
  folder: string,
  files: Record<string, string>,
): Pick<Task, 'verify' | 'verifyAll' | 'sandboxed'> {
  if (sandbox)
    return {
      sandboxed: {
        command,
        files,
        limits,
        runs,
        reward: { threshold },
        job: (prompt: Prompt, sample) => ({ input: inputOf([{ prompt, sample }]) }),
      },
    };
  const verifyAll = async (of: readonly Verifiable[], signal?: AbortSignal): Promise<Verification[]> => {
    const token = randomUUID();
    const stdin = `${JSON.stringify({ token, ...inputOf(of) })}\n`;
    const run = { command, folder, seconds: limits.seconds, bytes: OUTPUT_BYTES, stdin, signal };
    const rewards = readRewards(await outputOf('verify', run), token, of.length);
    if (!rewards)
      throw new Error(
        `verify: \`${command.join(' ')}\` gave no line {"token": …, "rewards": […]} with its token and ${of.length} rewards`,
      );
    return rewards.map((reward) => {
      const { ok, score, reason } = judged(reward, threshold);
      return { ok: ok ?? undefined, score: score ?? undefined, reason };
    });
  };
  return { verifyAll, verify: async (prompt, sample) => (await verifyAll([{ prompt, sample }]))[0]! };
}
