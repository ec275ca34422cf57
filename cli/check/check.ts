/**
 * `ratchet check`: asks each role once, in exactly the form that the run will use, and says what was read and what is wrong. A
 * handful of requests; nothing is stored, uploaded or trained.
 *
 * Covers: the task's files, addresses, keys, models, the fields of requests, the readability of answers, the critics' verdicts, the
 * trainer's routes, how adapters get to where they are served. Does not cover: whether the model can learn the task, what a
 * trainer makes of a job, and what the workers' own environment holds where they run elsewhere.
 */
import { askedOf } from '../../activities/critic.ts';
import { endpointOf } from '../../activities/context.ts';
import type { ImproveInput, ImproveSettings } from '../../loop/input.ts';
import { EndpointError } from '../../models/endpoint.ts';
import type { Task } from '../../tasks/task.ts';
import { forecast } from './cost.ts';
import type { Asked } from './faults.ts';
import { askHeldOut, askPool, readFindings } from './generator.ts';
import { askCritic, checkAdapterRoute, checkTrainer } from './others.ts';
import { checkTask, type TaskFacts } from './task.ts';
import type { CheckedRole, CheckReport, Finding, Trace } from './types.ts';

type Role = 'generator' | 'critic' | 'judge' | 'trainer';

/** The variable that holds the key of a role: it belongs to the URL beside which it stands. */
function keyVariable(role: Role, { models }: ImproveSettings, task: Task): string | undefined {
  const sources = [models[role], task.endpoints?.[role], models.generator, task.endpoints?.generator];
  const named =
    sources.find((one) => one?.baseURL !== undefined) ?? sources.find((one) => one?.apiKeyEnv !== undefined);
  return named?.apiKeyEnv;
}

export type CheckOptions = {
  signal?: AbortSignal;
  /** What is not answered by then is left out, with a word about it. Without a limit each request has its own. */
  patienceMs?: number;
};

/** @throws the signal's reason when it is aborted */
export async function checkRun(
  input: ImproveInput,
  { signal, patienceMs }: CheckOptions = {},
): Promise<CheckReport> {
  const began = performance.now();
  const { facts, findings } = await checkTask(input);
  const report: CheckReport = {
    ok: true,
    task: facts?.task.title ?? String(input.task ?? 'arithmetic'),
    endpoints: [],
    findings,
    traces: [],
    judgements: [],
    cost: null,
    seconds: 0,
  };
  const late = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
  const either = AbortSignal.any([signal, late].filter((one) => one !== undefined));
  try {
    if (facts) await checkRoles(report, facts, either);
  } catch (error) {
    signal?.throwIfAborted();
    if (!late?.aborted) throw error;
    report.findings.push({
      role: 'generator',
      ok: true,
      what: `Not all was answered within ${Math.round(patienceMs! / 1000)} s; the rest was not waited for.`,
      mend: 'ratchet check TASK waits for all of it.',
    });
  }
  report.ok = report.findings.every(({ ok }) => ok);
  report.seconds = (performance.now() - began) / 1000;
  return report;
}

async function checkRoles(report: CheckReport, facts: TaskFacts, signal: AbortSignal): Promise<void> {
  const { settings, task } = facts;
  const at = (role: Role, endpoint: () => Asked['endpoint']): Asked | undefined => {
    try {
      const asked = { role, endpoint: endpoint(), apiKeyEnv: keyVariable(role, settings, task) };
      report.endpoints.push({ role, model: asked.endpoint.model, baseURL: asked.endpoint.baseURL });
      return asked;
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      report.findings.push(unresolved(role, error));
      return undefined;
    }
  };
  const generator = at('generator', () => endpointOf('generator', settings, task));
  const critics = askedOf({ settings, task }).map((critic) => ({
    critic,
    asked: at(critic.role, critic.endpoint),
  }));
  const trainer = at('trainer', () => endpointOf('trainer', settings, task));
  // Lists come first: they are quick and cost nothing.
  if (trainer) {
    const found = await checkTrainer(trainer, signal);
    report.findings.push(...found);
    if (generator && found.every(({ ok }) => ok))
      report.findings.push(...(await checkAdapterRoute(generator.endpoint, trainer.endpoint, signal)));
  }
  if (!generator) return;
  const [pool, heldOut] = await askGenerator(report, generator, facts, signal);
  const judged: Parameters<typeof forecast>[4] = [];
  const work =
    pool?.reads.find(({ answer }) => answer !== null) ?? pool?.reads.find(({ text }) => text.trim() !== '');
  for (const { critic, asked } of critics) {
    if (!asked || !work) continue;
    const shown = { request: facts.draw.form.text, rationale: work.text };
    const { judgement, findings } = await askCritic(critic, asked, shown, signal);
    report.findings.push(...findings);
    if (!judgement) continue;
    report.judgements.push(judgement);
    judged.push({ critic, judgement, model: asked.endpoint.model });
  }
  if (pool && heldOut) report.cost = forecast(facts, generator.endpoint.model, pool, heldOut, judged);
}

async function askGenerator(
  report: CheckReport,
  generator: Asked,
  facts: TaskFacts,
  signal?: AbortSignal,
): Promise<[Trace?, Trace?]> {
  const pool = await askPool(generator, facts, signal);
  report.findings.push(...pool.findings);
  if (!pool.trace) return [];
  const heldOut = await askHeldOut(generator, facts, signal);
  report.traces.push(...[pool.trace, heldOut.trace].filter((trace) => trace !== undefined));
  report.findings.push(...heldOut.findings, ...readFindings(report.traces));
  return [pool.trace, heldOut.trace];
}

const unresolved = (role: CheckedRole, { message }: EndpointError): Finding => {
  const [what, ...mend] = message.split(/: (?=set |name |choose )/i);
  return {
    role,
    ok: false,
    what: what!,
    mend: mend.join(': ') || 'Name it in the settings or the task file.',
    unreached: /API key/.test(message),
  };
};
