// Finds Python, uv and room on the disk.
import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { removeTree, runToEnd } from './processes.ts';
import { logFile } from './home.ts';

const run = promisify(execFile);

export interface Python {
  command: string;
  version: string;
}

/** A Python that the model server can use: RATCHET_PYTHON, else the newest of 3.10 to 3.13 on PATH. */
export async function findPython(env: NodeJS.ProcessEnv): Promise<Python | undefined> {
  if (env.RATCHET_PYTHON) {
    const version = await pythonVersion(env.RATCHET_PYTHON, env);
    if (!version)
      throw new Error(
        `RATCHET_PYTHON=${env.RATCHET_PYTHON} does not run. Correct it, or unset it to let Ratchet find one.`,
      );
    if (!usable(version))
      throw new Error(
        `RATCHET_PYTHON=${env.RATCHET_PYTHON} is Python ${version}; the model server needs 3.10 or newer.`,
      );
    return { command: env.RATCHET_PYTHON, version };
  }
  // python3 first: it is the one whose packages and headers the machine's owner looks after.
  for (const command of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const version = await pythonVersion(command, env);
    if (version && usable(version)) return { command, version };
  }
  return undefined;
}

async function pythonVersion(command: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], {
      env,
      timeout: 20_000,
    });
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** Whether this command ends well. */
export async function runs(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return run(command, args, { env, timeout: 20_000 }).then(
    () => true,
    () => false,
  );
}

function usable(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  // Wheels of PyTorch come some months after a Python: newer than 3.14 is not tried.
  return major === 3 && minor >= 10 && minor <= 14;
}

export const noPythonMessage =
  'No Python 3.10 or newer was found. Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), set RATCHET_PYTHON to one, or set MODEL_BASE_URL to use a model server of your own.';

/** uv on PATH, or the one that we installed in the data folder. */
export async function findUv(
  home: string,
  env: NodeJS.ProcessEnv,
): Promise<{ command: string; version: string } | undefined> {
  for (const command of ['uv', join(home, 'uv', 'bin', 'uv')]) {
    try {
      const { stdout } = await run(command, ['--version'], { env, timeout: 20_000 });
      return { command, version: stdout.trim().split(' ')[1] ?? '' };
    } catch {
      // Not there, or half-made.
    }
  }
  return undefined;
}

/** Installs uv with pip into a small environment of its own in the data folder. */
export async function installUv(
  home: string,
  python: Python | undefined,
  signal?: AbortSignal,
): Promise<string> {
  if (!python) throw new Error(noPythonMessage);
  const folder = join(home, 'uv');
  const options = { logFile: logFile(home, 'python-setup'), cwd: home, signal };
  removeTree(folder);
  try {
    await runToEnd({ command: python.command, args: ['-m', 'venv', folder], ...options });
  } catch (error) {
    signal?.throwIfAborted();
    const minor = python.version.split('.').slice(0, 2).join('.');
    throw new Error(
      `Python ${python.version} cannot make virtual environments here. Install its venv package (Debian, Ubuntu: apt install python${minor}-venv), or install uv (https://docs.astral.sh/uv), then run this again.\n${(error as Error).message}`,
    );
  }
  try {
    await runToEnd({
      command: join(folder, 'bin', 'python'),
      args: ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'uv'],
      ...options,
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new Error(
      `uv could not be installed with pip. Check the network and pip's index settings, then run this again.\n${(error as Error).message}`,
    );
  }
  return join(folder, 'bin', 'uv');
}

/** Free bytes on the disk that holds `path`, which need not exist yet. */
export function freeBytes(path: string): number {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** The name of the NVIDIA GPU, when the machine has one that its driver can reach. */
export async function nvidiaGpu(): Promise<string | undefined> {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], {
      timeout: 10_000,
    });
    return stdout.trim().split('\n')[0] || undefined;
  } catch {
    return undefined;
  }
}
