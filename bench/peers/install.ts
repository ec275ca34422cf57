/** The peers in Python, each in an environment of its own in the data folder, made when it is first asked for. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ratchetHome } from '../../process/program.ts';
import { logFile, makeHome } from '../../stack/home.ts';
import { removeTree, runToEnd } from '../../stack/processes.ts';
import { findPython, findUv, installUv } from '../../stack/python.ts';

/** The one place where their versions stand. distilabel imports `requests` and leaves it to others to bring it. */
export const PEERS = {
  dspy: { title: 'DSPy 3.4.1', packages: ['dspy==3.4.1'] },
  distilabel: {
    title: 'distilabel 1.5.3 (`n`)',
    packages: ['distilabel[openai]==1.5.3', 'requests==2.32.5'],
  },
  curator: { title: 'Curator 0.1.31', packages: ['bespokelabs-curator==0.1.31'] },
} as const;
export type Peer = keyof typeof PEERS;

/** @returns its Python. @throws Error with the last lines of what could not be installed */
export async function pythonOf(peer: Peer): Promise<string> {
  const home = ratchetHome();
  const folder = join(home, 'peers', peer);
  const python = join(folder, 'bin', 'python');
  const stampFile = join(folder, '.ratchet-stamp');
  const stamp = PEERS[peer].packages.join('\n');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return python;
  makeHome(home);
  // Half-made, or of another version.
  removeTree(folder);
  const found = await findPython(process.env);
  const command = (await findUv(home, process.env))?.command ?? (await installUv(home, found));
  const setup = { command, cwd: home, logFile: logFile(home, 'peers') };
  await runToEnd({ ...setup, args: ['venv', '--quiet', '--python', found?.command ?? '>=3.10', folder] });
  await runToEnd({
    ...setup,
    args: ['pip', 'install', '--quiet', '--python', python, ...PEERS[peer].packages],
  });
  // What is imported once is compiled, which is no part of what it costs to run.
  await runToEnd({ ...setup, command: python, args: ['-m', 'compileall', '-q', folder] }).catch(() => {});
  writeFileSync(stampFile, stamp);
  return python;
}
