// Looks at the machine before anything is started: what is there, what is missing, what to do.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withProfile } from '../../process/temporal.ts';
import { proxyText } from '../../process/proxy.ts';
import { readModels, weightsFolder } from '../../stack/models/store.ts';
import { ratchetHome } from '../../stack/home.ts';
import { choosePorts } from '../../stack/ports.ts';
import { isAlive } from '../../process/process-info.ts';
import { findPython, findUv, freeBytes, noPythonMessage, nvidiaGpu } from '../../stack/python.ts';
import { readState } from '../../stack/state.ts';
import { stackStatus } from './status.ts';
import { findTemporal } from '../../stack/temporal-binary.ts';

export interface Check {
  name: string;
  result: 'ok' | 'warn' | 'fail';
  detail: string;
  /** What to do about it, when it is not ok. */
  advice?: string;
}

type Env = NodeJS.ProcessEnv;

export async function doctor(options: { home?: string; env?: Env } = {}): Promise<Check[]> {
  const env = withProfile(options.env ?? process.env);
  const home = options.home ?? ratchetHome(env);
  return Promise.all([
    nodeCheck(),
    systemCheck(),
    dataCheck(home),
    diskCheck(home, env),
    pythonCheck(env),
    uvCheck(home, env),
    temporalCheck(home, env),
    portsCheck(home, env),
    proxyCheck(env),
    gpuCheck(),
    modelsCheck(home),
    stackCheck(home, env),
  ]);
}

async function nodeCheck(): Promise<Check> {
  const major = Number(process.versions.node.split('.')[0]);
  const detail = `${process.versions.node} (${process.execPath})`;
  if (major >= 24) return { name: 'Node', result: 'ok', detail };
  return {
    name: 'Node',
    result: 'fail',
    detail,
    advice: 'Start Ratchet with npx ratchet or npm run ratchet: they use the Node 24 of its dependencies.',
  };
}

async function systemCheck(): Promise<Check> {
  const detail = `${process.platform} on ${process.arch}`;
  if (process.platform === 'win32')
    return {
      name: 'System',
      result: 'fail',
      detail,
      advice: 'Use Ratchet inside WSL 2: the local stack needs Linux or macOS.',
    };
  return { name: 'System', result: 'ok', detail };
}

async function dataCheck(home: string): Promise<Check> {
  let folder = home;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    return { name: 'Data folder', result: 'ok', detail: home };
  } catch {
    return {
      name: 'Data folder',
      result: 'fail',
      detail: `${home} cannot be written`,
      advice: 'Set RATCHET_HOME to a folder that you may write to.',
    };
  }
}

async function diskCheck(home: string, env: Env): Promise<Check> {
  const free = freeBytes(home);
  const detail = `${(free / 1e9).toFixed(1)} GB free`;
  const prepared = Boolean(env.MODEL_BASE_URL) || existsSync(join(home, 'python', '.ratchet-stamp'));
  const advice = 'Free some space, or set RATCHET_HOME to a folder on a larger disk.';
  if (free < 0.5e9) return { name: 'Disk', result: 'fail', detail, advice };
  if (!prepared && free < 3e9)
    return {
      name: 'Disk',
      result: 'fail',
      detail: `${detail}; the Python environment needs 3 to 8 GB`,
      advice,
    };
  if (!prepared && free < 8e9)
    return {
      name: 'Disk',
      result: 'warn',
      detail: `${detail}; the Python environment may need 8 GB`,
      advice,
    };
  if (free < 2e9) return { name: 'Disk', result: 'warn', detail, advice };
  return { name: 'Disk', result: 'ok', detail };
}

async function pythonCheck(env: Env): Promise<Check> {
  if (env.MODEL_BASE_URL)
    return { name: 'Python', result: 'ok', detail: 'not needed: MODEL_BASE_URL is set' };
  try {
    const python = await findPython(env);
    if (!python) return { name: 'Python', result: 'fail', detail: 'not found', advice: noPythonMessage };
    const venv = await promisify(execFile)(python.command, ['-c', 'import venv, ensurepip'], {
      timeout: 20_000,
    }).then(
      () => true,
      () => false,
    );
    const detail = `${python.version} (${python.command})`;
    if (venv) return { name: 'Python', result: 'ok', detail };
    const minor = python.version.split('.').slice(0, 2).join('.');
    return {
      name: 'Python',
      result: 'warn',
      detail: `${detail}, without venv`,
      advice: `Needed only where uv is missing. Debian, Ubuntu: apt install python${minor}-venv.`,
    };
  } catch (error) {
    return {
      name: 'Python',
      result: 'fail',
      detail: (error as Error).message,
      advice: 'Correct RATCHET_PYTHON.',
    };
  }
}

async function uvCheck(home: string, env: Env): Promise<Check> {
  if (env.MODEL_BASE_URL) return { name: 'uv', result: 'ok', detail: 'not needed: MODEL_BASE_URL is set' };
  const uv = await findUv(home, env);
  if (uv) return { name: 'uv', result: 'ok', detail: `${uv.version} (${uv.command})` };
  return {
    name: 'uv',
    result: 'warn',
    detail: 'not found',
    advice: 'Nothing to do: it is installed into the data folder with pip when it is needed.',
  };
}

async function temporalCheck(home: string, env: Env): Promise<Check> {
  const name = 'Temporal CLI';
  if (env.TEMPORAL_ADDRESS) return { name, result: 'ok', detail: 'not needed: TEMPORAL_ADDRESS is set' };
  try {
    const binary = await findTemporal({ env, home, info: () => undefined, onlyLook: true });
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 20_000 });
    return { name, result: 'ok', detail: `${stdout.trim()} (${binary})` };
  } catch (error) {
    const result = env.TEMPORAL_CLI ? 'fail' : 'warn';
    const advice = env.TEMPORAL_CLI
      ? 'Correct TEMPORAL_CLI.'
      : 'Nothing to do: it is downloaded, or built with Go, when it is needed.';
    return { name, result, detail: (error as Error).message, advice };
  }
}

async function portsCheck(home: string, env: Env): Promise<Check> {
  const state = readState(home);
  if (state && isAlive(state.supervisor))
    return {
      name: 'Ports',
      result: 'ok',
      detail: `in use by the stack that runs: ${Object.values(state.ports).join(', ')}`,
    };
  try {
    const chosen = await choosePorts(['postgres', 'temporal', 'temporalUi', 'modelserver'], env);
    const notes = chosen.flatMap(({ note }) => note ?? []);
    const detail = chosen.map(({ name, port }) => `${name} ${port}`).join(', ');
    if (notes.length === 0) return { name: 'Ports', result: 'ok', detail };
    return {
      name: 'Ports',
      result: 'warn',
      detail: notes.join('; '),
      advice: 'Nothing to do, unless you want the usual ports: then stop those programs.',
    };
  } catch (error) {
    return {
      name: 'Ports',
      result: 'fail',
      detail: (error as Error).message,
      advice: 'Unset the variable, or give it a free port.',
    };
  }
}

async function proxyCheck(env: Env): Promise<Check> {
  const { ok, text } = proxyText(env);
  if (ok) return { name: 'Proxy', result: 'ok', detail: text };
  const advice =
    'Set HTTP_PROXY and HTTPS_PROXY to http://HOST:PORT where endpoints are reached through one.';
  return { name: 'Proxy', result: 'warn', detail: text, advice };
}

async function gpuCheck(): Promise<Check> {
  const gpu = await nvidiaGpu();
  return { name: 'GPU', result: 'ok', detail: gpu ?? 'no NVIDIA GPU: the built-in model runs on the CPU' };
}

/** The models of the data folder: a folder that is gone is found here, not when the stack starts. */
async function modelsCheck(home: string): Promise<Check> {
  const name = 'Models';
  try {
    const models = readModels(home);
    const gone = models.filter((model) => !existsSync(join(weightsFolder(home, model), 'config.json')));
    const detail = ['arithmetic (built-in)', ...models.map((model) => model.name)].join(', ');
    if (gone.length === 0) return { name, result: 'ok', detail };
    return {
      name,
      result: 'warn',
      detail: gone.map((model) => `${model.name}: ${weightsFolder(home, model)} is gone`).join(', '),
      advice: `Bring it back, or: ratchet model remove ${gone[0]!.name}`,
    };
  } catch (error) {
    return { name, result: 'warn', detail: (error as Error).message, advice: 'Look at: ratchet model list' };
  }
}

async function stackCheck(home: string, env: Env): Promise<Check> {
  const status = await stackStatus({ home, env });
  if (status.parts.length === 0) return { name: 'Stack', result: 'ok', detail: 'not running' };
  if (status.healthy)
    return { name: 'Stack', result: 'ok', detail: `running, watched by process ${status.supervisor?.pid}` };
  if (!status.running)
    return {
      name: 'Stack',
      result: 'warn',
      detail: 'its supervisor was killed',
      advice: 'Clear up with: ratchet down',
    };
  const ill = status.parts.filter((part) => !part.healthy).map((part) => `${part.title} is ${part.state}`);
  return {
    name: 'Stack',
    result: 'warn',
    detail: ill.join(', ') || 'starting',
    advice: 'Look at: ratchet status',
  };
}
