/** Uploads an exported adapter to the Hugging Face hub, with the model server's Python: huggingface_hub knows how. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from '../../../process/errors.ts';
import { ratchetHome } from '../../../stack/home.ts';
import { programFolder } from '../../../process/program.ts';

export type HubOptions = { repository: string; public: boolean };

/** Checked before anything is written. @throws UsageError */
export function checkHub({ repository }: HubOptions, env: NodeJS.ProcessEnv = process.env): void {
  if (!/^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/.test(repository))
    throw new UsageError(`--hub ${repository}: name the repository as ORG/NAME.`);
  if (!env.HF_TOKEN)
    throw new UsageError(
      '--hub needs a token that may write there: set HF_TOKEN (https://huggingface.co/settings/tokens).',
    );
  pythonOf(env);
}

/** RATCHET_PYTHON, else the environment that the stack made. */
function pythonOf(env: NodeJS.ProcessEnv): string {
  const made = join(ratchetHome(env), 'python', 'bin', 'python');
  const python = env.RATCHET_PYTHON || (existsSync(made) ? made : undefined);
  if (python) return python;
  throw new UsageError(
    '--hub uploads with Python: run `ratchet up` once, or set RATCHET_PYTHON to one that has huggingface_hub.',
  );
}

/** @returns the address of the commit. @throws Error that says what to do; the folder stays */
export async function uploadToHub(
  folder: string,
  { repository, public: isPublic }: HubOptions,
  signal?: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const args = ['-m', 'ratchet_modelserver.upload', folder, repository, ...(isPublic ? ['--public'] : [])];
  const options = { env: { ...env, PYTHONPATH: join(programFolder, 'modelserver') }, signal };
  const { stdout } = await promisify(execFile)(pythonOf(env), args, options).catch(
    (error: Error & { stdout?: string }) => {
      if (signal?.aborted || !error.stdout) throw error;
      return { stdout: error.stdout };
    },
  );
  const said = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { url?: string; error?: string };
  if (said.url) return said.url;
  throw new Error(`The adapter was not uploaded: ${said.error ?? stdout} The folder is complete: ${folder}`);
}
