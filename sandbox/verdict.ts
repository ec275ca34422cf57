/** What a check says of a sample: a line of JSON with the token that it alone was given. Whatever ends without one does not hold. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Limits, Outcome, SandboxedCheck, Verdict } from './job.ts';
import { runInSandbox } from './run.ts';

const lineSchema = z.object({
  token: z.string(),
  ok: z.boolean().nullable(),
  score: z.number().min(0).max(1).nullish(),
  reason: z.string().default(''),
});

/**
 * Runs a check on one input, as often as it asks for; where its runs disagree nothing holds.
 *
 * @param input JSON of an object, to which the token is added
 * @throws SandboxUnavailable
 */
export async function runCheck(check: SandboxedCheck, input: string, signal?: AbortSignal): Promise<Verdict> {
  const given = JSON.parse(input) as Record<string, unknown>;
  const verdicts: Verdict[] = [];
  for (let run = 0; run < check.runs; run++) {
    const token = randomUUID();
    const stdin = `${JSON.stringify({ token, ...given })}\n`;
    const outcome = await runInSandbox({ ...check, stdin }, check.limits, signal);
    verdicts.push(readVerdict(outcome, token, check.limits));
  }
  const [first] = verdicts;
  const differ = verdicts.find(({ ok }) => ok !== first!.ok);
  if (!differ) return first!;
  const reason = `flaky: ${verdicts.length} runs disagree (${verdicts.map(({ ok }) => said(ok)).join(', ')}); ${differ.reason}`;
  return { ok: false, score: null, reason };
}

const said = (ok: boolean | null) => (ok === null ? 'nothing' : ok ? 'holds' : 'does not hold');

function readVerdict(outcome: Outcome, token: string, limits: Limits): Verdict {
  for (const line of outcome.stdout.split('\n').toReversed()) {
    if (!line.includes(token)) continue;
    const verdict = lineSchema.safeParse(jsonOf(line));
    if (!verdict.success || verdict.data.token !== token) continue;
    // Who speaks and then does not end was stopped with its work half done.
    if (outcome.ended !== 'exited') break;
    const { ok, score = null, reason } = verdict.data;
    return {
      ok,
      score,
      reason: reason || (ok === null ? 'nothing to verify' : said(ok)),
    };
  }
  return { ok: false, score: null, reason: withoutVerdict(outcome, limits) };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function withoutVerdict({ ended, code, stderr }: Outcome, limits: Limits): string {
  const how = {
    exited: `ended with code ${code} and no verdict`,
    crashed: 'crashed',
    timeout: `timeout: not done in ${limits.seconds} s`,
    memory: `needs more than ${limits.memoryMb} MB`,
    output: 'wrote without end',
  }[ended];
  const last = stderr.trim().split('\n').at(-1);
  return last ? `${how}: ${last}` : how;
}
