// The model server's Python environment, made with uv in the data folder. Its stamp is written last: an environment
// without it, or with that of another pyproject.toml, is half-made or old and is made again.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logFile, makeHome } from './home.ts';
import { programFolder } from '../process/program.ts';
import { withLock } from '../process/lock.ts';
import { removeTree, runToEnd } from './processes.ts';
import { findPython, findUv, freeBytes, installUv, noPythonMessage, nvidiaGpu } from './python.ts';

// PyTorch's own index of builds without CUDA: a tenth of the size of the default ones on Linux.
const cpuIndex = 'https://download.pytorch.org/whl/cpu';
const cudaBytes = 8e9;
const cpuBytes = 3e9;

export interface PythonEnvOptions {
  home: string;
  env?: NodeJS.ProcessEnv;
  info(detail: string): void;
  signal?: AbortSignal;
  /** The folder of pyproject.toml; the model server's by default. */
  project?: string;
  /** Optional dependency groups to install as well; those that pyproject.toml does not have are left out. */
  extras?: string[];
}

/** Makes the environment where it is missing, half-made or out of date. Answers its `python`. */
export async function preparePythonEnv(
  options: PythonEnvOptions,
): Promise<{ python: string; made: boolean; detail: string }> {
  const {
    home,
    env = process.env,
    project = join(programFolder, 'modelserver'),
    extras = ['test'],
  } = options;
  const folder = join(home, 'python');
  const python = join(folder, 'bin', 'python');
  const pyproject = join(project, 'pyproject.toml');
  if (!existsSync(pyproject))
    throw new Error(`${pyproject} is missing: the program is not complete. Clone or install Ratchet again.`);
  const stamp = createHash('sha256').update(readFileSync(pyproject)).digest('hex');
  const ready = () => readStamp(folder) === stamp && existsSync(python);
  if (ready()) return { python, made: false, detail: '' };
  makeHome(home);
  return withLock(
    join(home, 'python.lock'),
    async () => {
      if (ready()) return { python, made: false, detail: '' };
      if (existsSync(folder)) {
        options.info(
          readStamp(folder)
            ? 'pyproject.toml has changed: making it again'
            : 'it is half-made: making it again',
        );
        removeTree(folder);
      }
      try {
        const detail = await make(
          { ...options, env, extras: extras.filter((extra) => hasExtra(pyproject, extra)) },
          folder,
          pyproject,
        );
        writeFileSync(join(folder, stampName), `${stamp}\n`);
        return { python, made: true, detail };
      } catch (error) {
        removeTree(folder);
        throw error;
      }
    },
    (holder) => options.info(`waiting for process ${holder.pid}, which is making it`),
  );
}

const stampName = '.ratchet-stamp';

function readStamp(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, stampName), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function hasExtra(pyproject: string, extra: string): boolean {
  const optional = readFileSync(pyproject, 'utf8')
    .split('[project.optional-dependencies]')[1]
    ?.split(/^\[/m)[0];
  return new RegExp(`^\\s*"?${extra}"?\\s*=`, 'm').test(optional ?? '');
}

type MakeOptions = Required<Pick<PythonEnvOptions, 'home' | 'env' | 'info' | 'extras'>> &
  Pick<PythonEnvOptions, 'signal'>;

async function make(options: MakeOptions, folder: string, pyproject: string): Promise<string> {
  const { home, env, info, signal } = options;
  const python = await findPython(env);
  const uv = (await findUv(home, env))?.command;
  if (!uv) info('installing uv');
  const command = uv ?? (await installUv(home, python, signal));
  const setup = { command, env, cwd: home, logFile: logFile(home, 'python-setup'), signal };

  // Without a Python on the machine uv can fetch one; where it cannot, its message would not say what to install.
  await runToEnd({
    ...setup,
    args: ['venv', '--quiet', '--python', python?.command ?? '>=3.10', folder],
  }).catch((error: Error) => {
    signal?.throwIfAborted();
    throw python ? error : new Error(`${noPythonMessage}\n${error.message}`);
  });
  const interpreter = join(folder, 'bin', 'python');

  const usesTorch = /"torch\b/.test(readFileSync(pyproject, 'utf8'));
  const gpu = usesTorch ? await nvidiaGpu() : undefined;
  const backend =
    usesTorch &&
    process.platform === 'linux' &&
    !gpu &&
    (await cpuBuildsInReach(command, interpreter, options));
  if (usesTorch) requireSpace(folder, backend || process.platform === 'darwin' ? cpuBytes : cudaBytes);

  const install = [
    'pip',
    'install',
    '--quiet',
    '--python',
    interpreter,
    '-r',
    pyproject,
    ...options.extras.flatMap((extra) => ['--extra', extra]),
  ];
  const started = usesTorch
    ? backend
      ? 'installing with PyTorch for CPU (about 1 GB)'
      : 'installing with PyTorch from the default package index (about 6 GB on Linux)'
    : 'installing';
  info(started);
  let build = gpu ? `with PyTorch for ${gpu}` : 'with the default PyTorch';
  if (backend) {
    try {
      await runToEnd({ ...setup, args: [...install, '--torch-backend', 'cpu'] });
      build = 'with PyTorch for CPU';
    } catch (error) {
      signal?.throwIfAborted();
      info(
        `PyTorch's CPU builds could not be installed (${(error as Error).message.split('\n')[0]}): taking the default package index, about 6 GB`,
      );
      requireSpace(folder, cudaBytes);
      await installDefault();
    }
  } else {
    await installDefault();
  }
  // A library that does not load (a missing system library, a cut-off file) shows here, not in the model server; and
  // what is imported once is compiled, which would take most of a minute of the server's first start.
  const imports =
    'import torch, peft; from transformers import AutoModelForCausalLM, AutoTokenizer; torch.ones(2).sum()';
  if (usesTorch) {
    info('compiling it');
    await runToEnd({ ...setup, command: interpreter, args: ['-c', imports] });
  }
  return usesTorch ? build : '';

  async function installDefault(): Promise<void> {
    await runToEnd({ ...setup, args: install }).catch((error: Error) => {
      signal?.throwIfAborted();
      throw new Error(
        `The Python packages could not be installed. Check the network, and UV_INDEX_URL if you use a mirror, then run this again; what is downloaded is kept.\n${error.message}`,
      );
    });
  }
}

/** Whether uv can choose PyTorch's index and that index answers; a short question, so that a closed network costs seconds. */
async function cpuBuildsInReach(
  uv: string,
  python: string,
  { env, home, info, signal }: MakeOptions,
): Promise<boolean> {
  const setup = { env, cwd: home, logFile: logFile(home, 'python-setup'), signal, timeoutMs: 8000 };
  // The user's own choice of index or backend comes first.
  if (env.UV_TORCH_BACKEND) return false;
  try {
    const help = await runToEnd({ ...setup, command: uv, args: ['pip', 'install', '--help'] });
    if (!help.includes('--torch-backend')) return false;
    // Python's own client follows the proxy settings of the environment, as uv does.
    const question = `import urllib.request; urllib.request.urlopen(${JSON.stringify(`${cpuIndex}/torch/`)}, timeout=5).read(1)`;
    await runToEnd({ ...setup, command: python, args: ['-c', question] });
    return true;
  } catch {
    signal?.throwIfAborted();
    info("PyTorch's index of CPU builds cannot be reached");
    return false;
  }
}

function requireSpace(folder: string, bytes: number): void {
  const free = freeBytes(folder);
  if (free >= bytes) return;
  throw new Error(
    `The Python environment needs about ${gigabytes(bytes)} GB, and the disk of ${folder} has ${gigabytes(free)} GB free. Free some space, or set RATCHET_HOME to a folder on a larger disk.`,
  );
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
