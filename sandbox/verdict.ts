/** What a check says of a sample: a line of JSON with the token that it alone was given. Whatever ends without one does not hold. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { FINDINGS } from './finding.ts';
import type { Limits, Outcome, SandboxedCheck, Verdict } from './job.ts';
import { judged, readRewards } from './reward.ts';
import { runInSandbox } from './run.ts';

/** As long as what a work does may be told. */
const BEHAVIOUR_CHARACTERS = 500;
/** Bytes of details that are kept where nobody asks for all of them: they go through a workflow. */
const DETAILS_BYTES = 20_000;

const lineSchema = z.object({
  token: z.string(),
  ok: z.boolean().nullable(),
  score: z.number().min(0).max(1).nullish(),
  reason: z.string().default(''),
  // A check of somebody's own may use the name for something else.
  finding: z.enum(FINDINGS).optional().catch(undefined),
  behaviour: z.string().max(BEHAVIOUR_CHARACTERS).optional(),
  details: z.unknown().optional(),
});

/**
 * Runs a check on one input, as often as it asks for; where its runs disagree nothing holds.
 *
 * @param work.input JSON of an object, to which the token is added
 * @param work.archive a file of this machine that the check reads
 * @param work.allDetails however long they are, up to what may be printed
 * @throws SandboxUnavailable
 */
export async function runCheck(
  check: SandboxedCheck,
  { input, archive, allDetails = false }: { input: string; archive?: string; allDetails?: boolean },
  signal?: AbortSignal,
): Promise<Verdict> {
  const given = JSON.parse(input) as Record<string, unknown>;
  const verdicts: Verdict[] = [];
  for (let run = 0; run < check.runs; run++) {
    const once = async () => {
      const token = randomUUID();
      const stdin = `${JSON.stringify({ token, ...given })}\n`;
      const outcome = await runInSandbox({ ...check, archive, stdin }, check.limits, signal);
      const verdict = check.reward
        ? readReward(outcome, token, check.reward.threshold)
        : readVerdict(outcome, token, allDetails);
      return { outcome, verdict };
    };
    let { outcome, verdict } = await once();
    // A busy or a full machine ends a check too, and what is said of it stays: it gets a second chance.
    if (!verdict) ({ outcome, verdict } = await once());
    verdicts.push(verdict ?? withoutVerdict(outcome, check.limits));
  }
  const [first] = verdicts;
  const differ = verdicts.find(({ ok }) => ok !== first!.ok);
  if (!differ) return first!;
  const reason = `flaky: ${verdicts.length} runs disagree (${verdicts.map(({ ok }) => said(ok)).join(', ')}); ${differ.reason}`;
  return { ok: false, score: null, reason, finding: 'flaky' };
}

const said = (ok: boolean | null) => (ok === null ? 'nothing' : ok ? 'holds' : 'does not hold');

const sizeOf = (details: unknown): number => Buffer.byteLength(JSON.stringify(details));

/** Undefined where it ended without one. @param all keep details of any length */
function readVerdict(outcome: Outcome, token: string, all: boolean): Verdict | undefined {
  for (const line of outcome.stdout.split('\n').toReversed()) {
    if (!line.includes(token)) continue;
    const verdict = lineSchema.safeParse(jsonOf(line));
    if (!verdict.success || verdict.data.token !== token) continue;
    // Who speaks and then does not end was stopped with its work half done.
    if (outcome.ended !== 'exited') break;
    const { ok, score = null, reason, finding, behaviour, details } = verdict.data;
    return {
      ok,
      score,
      reason: reason || (ok === null ? 'nothing to verify' : said(ok)),
      ...(finding === undefined ? {} : { finding }),
      ...(behaviour === undefined ? {} : { behaviour }),
      ...(details === undefined || (!all && sizeOf(details) > DETAILS_BYTES) ? {} : { details }),
    };
  }
  return undefined;
}

function readReward({ ended, stdout }: Outcome, token: string, threshold: number): Verdict | undefined {
  const rewards = ended === 'exited' ? readRewards(stdout, token, 1) : undefined;
  return rewards && judged(rewards[0]!, threshold);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function withoutVerdict({ ended, code, stderr }: Outcome, limits: Limits): Verdict {
  const how = {
    exited: `ended with code ${code} and no verdict`,
    crashed: 'crashed',
    timeout: `timeout: not done in ${limits.seconds} s`,
    memory: `needs more than ${limits.memoryMb} MB`,
    output: 'wrote without end',
  }[ended];
  const last = stderr.trim().split('\n').at(-1);
  return { ok: false, score: null, reason: last ? `${how}: ${last}` : how, finding: 'out-of-bounds' };
}
