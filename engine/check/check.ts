/**
 * `ratchet check`, and the start of every run: asks each role once, in exactly the form that the run will use, and says what was read and what is wrong. A
 * handful of requests; nothing is stored, uploaded or trained.
 *
 * Covers: the task's files, addresses, keys, models, the fields of requests, the readability of answers, the critics' verdicts, the
 * trainer's routes, how adapters get to where they are served. Does not cover: whether the model can learn the task, what a
 * trainer makes of a job, and what the workers' own environment holds where they run elsewhere.
 */
import { askedOf } from '../critic.ts';
import { endpointOf, sourceOf } from '../context.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { chat } from '../../models/chat.ts';
import { EndpointError, type Role } from '../../models/endpoint.ts';
import { forecast } from './cost.ts';
import type { Ask, Asked } from './faults.ts';
import { askHeldOut, askPool, readFindings } from './generator.ts';
import { askCritic, checkAdapterRoute, checkTrainer } from './others.ts';
import { checkTask, type TaskFacts } from './task.ts';
import type { CheckedRole, CheckReport, Finding, Trace } from './types.ts';

/** At the start of a run a slow model must not hold it up: what it does not answer in this time is left for the run itself to find. */
export const PATIENCE_MS = 60_000;

export type CheckOptions = {
  signal?: AbortSignal;
  /** How a request is made; default: as it is, without a ledger. */
  ask?: Ask;
  /** What is not answered by then is left out, with a word about it. Without a limit each request has its own. */
  patienceMs?: number;
};

/** Checks what a run would be given. @throws the signal's reason when it is aborted */
export async function checkRun(input: ImproveInput, options: CheckOptions = {}): Promise<CheckReport> {
  const { facts, findings } = await checkTask(input);
  if (facts) return checkModels(facts, options, findings);
  return judged(reportOn(String(input.task ?? 'arithmetic'), findings));
}

/**
 * Asks each role of a run whose task is read.
 *
 * @param findings what was found of the task
 * @throws the signal's reason when it is aborted
 */
export async function checkModels(
  facts: TaskFacts,
  { signal, patienceMs, ask = chat }: CheckOptions = {},
  findings: Finding[] = [],
): Promise<CheckReport> {
  const began = performance.now();
  const report = reportOn(facts.task.title, findings);
  const late = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
  const either = AbortSignal.any([signal, late].filter((one) => one !== undefined));
  try {
    await checkRoles(report, facts, ask, either);
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
  report.seconds = (performance.now() - began) / 1000;
  return judged(report);
}

const reportOn = (task: string, findings: Finding[]): CheckReport => ({
  ok: true,
  task,
  endpoints: [],
  findings: [...findings],
  traces: [],
  judgements: [],
  cost: null,
  seconds: 0,
});

const judged = (report: CheckReport): CheckReport => ({
  ...report,
  ok: report.findings.every(({ ok }) => ok),
});

async function checkRoles(
  report: CheckReport,
  facts: TaskFacts,
  ask: Ask,
  signal: AbortSignal,
): Promise<void> {
  const { settings, task } = facts;
  const at = (role: Role, endpoint: () => Asked['endpoint']): Asked | undefined => {
    try {
      const { apiKeyEnv } = sourceOf(role, settings, task) ?? {};
      const asked = { role, endpoint: endpoint(), apiKeyEnv, ask };
      report.endpoints.push({ role, model: asked.endpoint.model, baseURL: asked.endpoint.baseURL });
      return asked;
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      report.findings.push(unresolved(role, error));
      return undefined;
    }
  };
  const generator = at('generator', () => endpointOf('generator', settings, task));
  const teacher = settings.models.teacher && at('teacher', () => endpointOf('teacher', settings, task));
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
  if (!generator || (settings.models.teacher && !teacher)) return;
  const sampler = teacher ?? generator;
  const [pool, heldOut] = await askGenerator(report, { sampler, generator }, facts, signal);
  const judgements: Parameters<typeof forecast>[4] = [];
  const work =
    pool?.reads.find(({ answer }) => answer !== null) ?? pool?.reads.find(({ text }) => text.trim() !== '');
  for (const { critic, asked } of critics) {
    if (!asked || !work) continue;
    const shown = { request: facts.draw.form.text, rationale: work.text };
    const { judgement, findings } = await askCritic(critic, asked, shown, signal);
    // Critics are asked about answers that could be read: where there are none, what they lack ends no run.
    const survivable = work.answer === null;
    report.findings.push(...findings.map((one) => (one.ok || !survivable ? one : { ...one, survivable })));
    if (!judgement) continue;
    report.judgements.push(judgement);
    judgements.push({ critic, judgement, model: asked.endpoint.model });
  }
  if (!pool || !heldOut) return;
  const models = { sample: sampler.endpoint.model, item: generator.endpoint.model };
  report.cost = forecast(facts, models, pool, heldOut, judgements);
}

/** The pool's prompt is put to who writes samples, the held-out one to who is measured. */
async function askGenerator(
  report: CheckReport,
  { sampler, generator }: { sampler: Asked; generator: Asked },
  facts: TaskFacts,
  signal?: AbortSignal,
): Promise<[Trace?, Trace?]> {
  const pool = await askPool(sampler, facts, signal);
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
