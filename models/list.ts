/** The models that an endpoint serves, and the one that is meant where nobody named any. */
import { APIError } from 'openai';
import {
  EndpointError,
  resolveEndpoint,
  type Endpoint,
  type EndpointSettings,
  type Role,
} from './endpoint.ts';
import { errorText } from './errors.ts';
import { entriesOf } from './job.ts';

/** `builtin`: our own server's small model, which is there without anybody's doing. */
export type ListedModel = { id: string; root?: string; builtin: boolean };

/** How many are named in an error. */
const NAMED = 20;

const LIST_TIMEOUT_MS = 30_000;

/**
 * The base models of an endpoint (`GET /v1/models`). What was fine-tuned is left out: vLLM and our server name the parent of an
 * adapter, OpenAI has a prefix.
 *
 * @throws EndpointError when none is configured or its key is missing; APIError when it can't be asked
 */
export async function baseModels(role: Role, settings: EndpointSettings): Promise<ListedModel[]> {
  const { client } = resolveEndpoint(role, settings, 'any');
  // Not through the client's pages, which take any answer for one.
  const page: unknown = await client.get('/models', { timeout: LIST_TIMEOUT_MS });
  return entriesOf(page).flatMap((one): ListedModel[] => {
    const { id, root, parent, builtin } = one;
    if (typeof id !== 'string' || id === '' || id.startsWith('ft:')) return [];
    if (typeof parent === 'string' && parent !== '') return [];
    return [{ id, ...(typeof root === 'string' ? { root } : {}), builtin: builtin === true }];
  });
}

/**
 * How large a model is, where its endpoint says (our own server does): parameters, and bytes of weights in memory.
 *
 * @throws nothing: what can't be asked is not known
 */
export async function sizeOf({
  client,
  model,
}: Endpoint): Promise<{ parameters?: number; weightBytes?: number }> {
  const page: unknown = await client.get('/models', { timeout: LIST_TIMEOUT_MS }).catch(() => undefined);
  const entry = entriesOf(page).find(({ id }) => id === model);
  const whole = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined);
  return { parameters: whole(entry?.parameters), weightBytes: whole(entry?.weight_bytes) };
}

/** Those to choose from: the built-in one only where there is no other. Several names of one model are one. */
function choicesOf(models: ListedModel[]): string[] {
  const others = models.filter(({ builtin }) => !builtin);
  const choices = others.length > 0 ? others : models;
  const roots = new Set(choices.map(({ id, root }) => root ?? id));
  return (roots.size === 1 ? choices.slice(0, 1) : choices).map(({ id }) => id);
}

const HOW = (role: Role) => `with --model, or models.${role}.model in the input or the task file`;

/**
 * The only model that an endpoint serves.
 *
 * @throws EndpointError naming the choices where there are several, or why there is none
 */
export async function onlyModel(role: Role, settings: EndpointSettings): Promise<string> {
  const where = settings.baseURL ?? process.env.MODEL_BASE_URL ?? '';
  let models: ListedModel[];
  try {
    models = await baseModels(role, settings);
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    throw new EndpointError(
      `No model for the ${role} is named, and ${where} can't be asked which it serves (${errorText(error)}): see that it answers, or name one ${HOW(role)}.`,
    );
  }
  const choices = choicesOf(models);
  if (choices.length === 1) return choices[0]!;
  if (choices.length === 0)
    throw new EndpointError(`No model for the ${role}: ${where} lists none. Name one ${HOW(role)}.`);
  const more = choices.length > NAMED ? `, and ${choices.length - NAMED} more` : '';
  throw new EndpointError(
    `No model for the ${role} is named, and ${where} serves ${choices.length}: ${choices.slice(0, NAMED).join(', ')}${more}. Choose one ${HOW(role)}.`,
  );
}
