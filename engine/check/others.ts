/** Critics, the trainer's list of jobs, and the way in which an adapter gets to where it is served. */
import { APIError } from 'openai';
import { fetchThrough } from '../../process/proxy.ts';
import type { Asked as AskedCritic } from '../critic.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { errorText } from '../../models/errors.ts';
import type { Form } from '../../models/forms.ts';
import { cut, plain } from '../../process/text.ts';
import { faultOf, listed, type Asked } from './faults.ts';
import { plainer } from './generator.ts';
import type { Finding, Judgement } from './types.ts';

/** Longest reason that is quoted: the whole of it stands with the reply. */
const QUOTED = 100;

/** Puts one answer of the generator to a critic, as `critiquePage` does. */
export async function askCritic(
  { name, critic }: AskedCritic,
  asked: Asked,
  work: { request: string; rationale: string },
  signal?: AbortSignal,
): Promise<{ judgement?: Judgement; findings: Finding[] }> {
  const role = asked.role as 'critic' | 'judge';
  const request = critic.request(work.request, work.rationale);
  const unfit = critic.cannotJudge?.(work.request, work.rationale);
  if (unfit !== undefined)
    return {
      findings: [
        {
          role,
          ok: true,
          what: `${name} was not asked: ${plain(unfit)}`,
          mend: 'Such samples stay unscored.',
        },
      ],
    };
  try {
    const refused: Form[] = [];
    const reply = await asked.ask(asked.endpoint, request, signal, (form) => refused.push(form), role);
    const text = reply.choices[0]?.text ?? '';
    const { outcome, reason } = critic.read({ text, raw: reply.raw, work: work.rationale });
    const judgement = {
      critic: name,
      role,
      outcome,
      reason,
      reply: text,
      promptTokens: reply.promptTokens,
      completionTokens: reply.completionTokens,
      seconds: reply.latencyMs / 1000,
    };
    // A critic that can't judge gives no verdicts, which is for the gates to weigh: the run goes on.
    const finding: Finding =
      outcome === 'unscored'
        ? {
            role,
            ok: true,
            what: `${name} gave no verdict that counts: ${cut(plain(reason), QUOTED)}`,
            mend: `Name a model that can judge (models.${role}.model)${role === 'critic' ? ', or do without: --set gates.critique.mode=off' : ''}.`,
          }
        : { role, ok: true, what: `${name} says ${outcome}: ${cut(plain(reason), QUOTED)}` };
    return { judgement, findings: [...plainer(asked, refused), finding] };
  } catch (error) {
    return { findings: [await faultOf(error, asked, signal)] };
  }
}

const TRAINERS =
  'Name one that trains: models.trainer.baseURL (our model server, python -m ratchet_modelserver; docs/getting-started.md)';

/** Reads the list of jobs, which costs nothing and which the run reads first too. */
export async function checkTrainer(asked: Asked, signal?: AbortSignal): Promise<Finding[]> {
  const { endpoint } = asked;
  try {
    const page = await endpoint.client.fineTuning.jobs.list({ limit: 1 }, { signal });
    if (!Array.isArray(page.data))
      return [
        { role: 'trainer', ok: false, what: `${endpoint.baseURL} lists no fine-tuning jobs`, mend: TRAINERS },
      ];
  } catch (error) {
    if (error instanceof APIError && [404, 405, 501].includes(error.status ?? 0))
      return [
        {
          role: 'trainer',
          ok: false,
          what: `${endpoint.baseURL} does not train: it has no /fine_tuning/jobs (${error.status}).`,
          mend: TRAINERS,
        },
      ];
    return [await faultOf(error, asked, signal)];
  }
  const models = await listed(endpoint, signal);
  if (models && models.length > 0 && !models.includes(endpoint.model))
    return [
      {
        role: 'trainer',
        ok: false,
        what: `${endpoint.baseURL} does not know ${plain(endpoint.model)}, which is to be trained.`,
        mend: `It serves: ${models.slice(0, 12).map(plain).join(', ')}. Name one with models.trainer.model.`,
      },
    ];
  return [{ role: 'trainer', ok: true, what: 'lists its jobs; nothing was trained' }];
}

/** The name of an adapter that nobody has. */
const NOBODY = 'ratchet-check';

/** Where one server trains and another serves, adapters are loaded by call: asked for with one that does not exist. */
export async function checkAdapterRoute(
  serving: Endpoint,
  trainer: Endpoint,
  signal?: AbortSignal,
): Promise<Finding[]> {
  if (serving.baseURL === trainer.baseURL)
    return [{ role: 'adapter', ok: true, what: 'is served where it is trained' }];
  const url = `${serving.baseURL.replace(/\/$/, '')}/load_lora_adapter`;
  try {
    const response = await fetchThrough(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${serving.client.apiKey}` },
      body: JSON.stringify({ lora_name: NOBODY, lora_path: `/${NOBODY}-does-not-exist` }),
      signal: AbortSignal.any([AbortSignal.timeout(30_000), ...(signal ? [signal] : [])]),
    });
    const text = await response.text();
    // A server that has the route speaks of this adapter; one without it of the route.
    if (![404, 405].includes(response.status) || text.includes(NOBODY))
      return [{ role: 'adapter', ok: true, what: `${serving.baseURL} loads adapters by call` }];
    return [
      {
        role: 'adapter',
        ok: false,
        what: `${serving.baseURL} loads no adapters by call (${response.status}), and ${trainer.baseURL} trains them.`,
        mend: 'vLLM: start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True; or let one server do both.',
      },
    ];
  } catch (error) {
    signal?.throwIfAborted();
    return [
      {
        role: 'adapter',
        ok: false,
        what: `${url} can't be asked: ${errorText(error)}`,
        mend: 'See that it answers.',
        unreached: true,
      },
    ];
  }
}
