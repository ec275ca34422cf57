// The model server: the user's (MODEL_BASE_URL, any OpenAI-compatible endpoint), else ours, with the models that were
// asked for or the built-in one.
import { delimiter, join } from 'node:path';
import { baseUrlProblem } from '../models/base-url.ts';
import { fetchThrough } from '../process/proxy.ts';
import { redacted } from '../process/secrets.ts';
import { builtin, builtinCritic, type ServedModel } from './models/store.ts';
import { logFile } from './home.ts';
import { programFolder } from '../process/program.ts';
import type { ExternalPart, LocalPart, Part, PartContext } from './part.ts';

const folder = join(programFolder, 'modelserver');

/** Neither is needed for an external server. */
export interface ServerNeeds {
  /** The interpreter of the environment that preparePythonEnv made. */
  python(): Promise<string>;
  /** What it is to serve, the default first. */
  models(): Promise<ServedModel[]>;
}

export async function modelserverPart(context: PartContext, needs: ServerNeeds): Promise<Part> {
  const configured = context.env.MODEL_BASE_URL;
  if (configured) {
    const problem = baseUrlProblem(configured);
    if (problem) throw new Error(`MODEL_BASE_URL ${problem}.`);
    return externalModelserver(configured);
  }
  const python = await needs.python();
  return localModelserver(context, python, await needs.models());
}

function externalModelserver(baseUrl: string): ExternalPart {
  const address = redacted(baseUrl);
  return {
    kind: 'external',
    address,
    env: { MODEL_BASE_URL: baseUrl },
    ready: async () => {
      try {
        await probeEndpoint(baseUrl);
        return '';
      } catch (error) {
        throw new Error(
          `The model endpoint ${address} (MODEL_BASE_URL) does not answer: ${(error as Error).message}. Start it or correct the address (it usually ends in /v1), or unset MODEL_BASE_URL to use the local server.`,
        );
      }
    },
  };
}

function localModelserver(
  { home, env, ports }: PartContext,
  python: string,
  models: ServedModel[],
): LocalPart {
  const address = localAddress(ports.modelserver!);
  const args = ['-m', 'ratchet_modelserver'];
  for (const { name, folder: weights } of models) args.push('--model', `${name}=${weights}`);
  if (models.some(({ name }) => name === builtin.name))
    args.push('--adapter', `${builtinCritic.name}@${builtin.name}=${builtinCritic.folder}`);
  args.push('--data', join(home, 'modelserver'), '--port', String(ports.modelserver));
  return {
    kind: 'local',
    address,
    note: `serves ${models.map(({ name }) => name).join(', ')}`,
    env: { MODEL_BASE_URL: `${address}/v1` },
    spec: {
      command: python,
      args,
      env: {
        PYTHONPATH: [folder, env.PYTHONPATH].filter(Boolean).join(delimiter),
        PYTHONUNBUFFERED: '1',
        // One that the user gives to a server elsewhere: the stack's own parts send none to theirs.
        RATCHET_MODELSERVER_API_KEY: '',
      },
      logFile: logFile(home, 'modelserver'),
      graceMs: 15_000,
    },
    // Importing PyTorch from a cold disk on a busy machine takes minutes.
    readyTimeoutMs: 300_000,
    ready: () => probeModelserver(address),
  };
}

function localAddress(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Asks our own server for its health; throws until it is ready. Answers what it runs on, "on cpu", and what is wrong. */
export async function probeModelserver(address: string): Promise<string> {
  const response = await fetch(`${address}/health`, { signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Error(`GET ${address}/health answers ${response.status}`);
  const body = (await response.json().catch(() => ({}))) as { device?: unknown; problems?: unknown };
  const problems = Array.isArray(body.problems) ? body.problems.map(String) : [];
  return [typeof body.device === 'string' ? `on ${body.device}` : '', ...problems].filter(Boolean).join('; ');
}

/**
 * Asks without a key: any answer that is not a server error will do. Some endpoints list no models, some want a key first, and a
 * look whether something answers there is no reason to send it one.
 */
export async function probeEndpoint(baseUrl: string): Promise<void> {
  const response = await fetchThrough(`${baseUrl.replace(/\/$/, '')}/models`, {
    signal: AbortSignal.timeout(10_000),
  }).catch((error: Error & { cause?: Error }) => {
    throw new Error(error.cause?.message || error.message);
  });
  if (response.status >= 500) throw new Error(`it answers ${response.status}`);
}
