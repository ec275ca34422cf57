import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../process/errors.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { usersServices } from '../../stack/first-state.ts';
import { ratchetHome } from '../../stack/home.ts';
import { programFolder } from '../../process/program.ts';
import { preparePythonEnv } from '../../stack/python-env.ts';
import { startStack, stopStack, type Stack } from '../../stack/stack.ts';
import { step, stepPrinter } from '../../stack/steps.ts';
import { findTemporal } from '../../stack/temporal-binary.ts';
import {
  addCounts,
  countsLine,
  junitCounts,
  readResults,
  slowestFiles,
  vitestCounts,
  withCrash,
  type Counts,
} from '../test-results.ts';
import { duration } from '../../process/text.ts';

export function addTestCommand(program: Command): void {
  program
    .command('test', { hidden: true })
    .description('all set-up, then every test of Ratchet itself; further arguments go to vitest')
    .argument(
      '[vitest...]',
      'for example tests/cli, or -t "some name"; naming tests leaves out those in Python',
    )
    .allowUnknownOption()
    .action(async (args: string[]) => {
      process.exitCode = await test(args);
    });
}

/** Throw-away homes lie in one folder, named by their process, so that those of killed ones are found. */
async function makeTestHome(): Promise<string> {
  const folder = join(ratchetHome(), 'test');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1]);
    if (!pid || isRunning(pid)) continue;
    await stopStack({ home: join(folder, name) });
    rmSync(join(folder, name), { recursive: true, force: true });
  }
  return join(folder, `run-${process.pid}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function test(vitestArgs: string[]): Promise<number> {
  const interrupt = listenForInterrupt(() => process.stderr.write('\n  Stopping …\n'));
  const { signal } = interrupt;
  const onStep = stepPrinter();
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !usersServices.includes(name)),
  );
  const home = await makeTestHome();
  let stack: Stack | undefined;
  try {
    let python = '';
    await step('Python environment', onStep, async (info) => {
      const made = await preparePythonEnv({ home: ratchetHome(), info, signal });
      python = made.python;
      return made.made ? { detail: made.detail } : undefined;
    });
    let temporal = '';
    await step('Temporal program', onStep, async (info) => {
      temporal = await findTemporal({ env: own, home: ratchetHome(), info, signal });
      return undefined;
    });
    stack = await startStack({
      parts: ['postgres', 'temporal'],
      home,
      env: { ...own, TEMPORAL_CLI: temporal },
      onStep,
      signal,
    });
    const env = {
      ...own,
      ...stack.env,
      TEMPORAL_CLI: temporal,
      RATCHET_PYTHON: python,
      RATCHET_TEST: '1',
      NODE_ENV: 'test',
    };
    const { RATCHET_HOME: _throwAway, MODEL_BASE_URL: _none, ...testEnv } = env as Record<string, string>;

    const results: Counts[] = [await runVitest(vitestArgs, home, testEnv, signal)];
    const narrowed = vitestArgs.some((arg) => !arg.startsWith('-'));
    if (narrowed) console.log('The arguments choose tests of vitest: those in Python are left out.');
    else if (!signal.aborted) results.push(await runPytest(python, home, testEnv, signal));
    if (signal.aborted) return EXIT.interrupted;
    await stack.stop();
    const sum = results.reduce(addCounts);
    console.log(countsLine(sum));
    return sum.failed > 0 ? EXIT.failed : EXIT.ok;
  } catch (error) {
    if (!signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    await stack?.stop();
    rmSync(home, { recursive: true, force: true });
    interrupt.dispose();
  }
}

async function runVitest(
  args: string[],
  home: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<Counts> {
  const results = join(home, 'vitest.json');
  const vitest = join(programFolder, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const began = performance.now();
  const exitCode = await runHere(process.execPath, [vitest, 'run', ...reporters, ...args], env, signal);
  const slowest = readResults(results, slowestFiles) ?? [];
  if (slowest.length > 1) console.log(`Files that took longest:\n${slowest.join('\n')}`);
  return summed('vitest', readResults(results, vitestCounts), exitCode, began);
}

async function runPytest(
  python: string,
  home: string,
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<Counts> {
  const results = join(home, 'pytest.xml');
  const began = performance.now();
  const args = ['-m', 'pytest', '-q', 'modelserver/tests', `--junitxml=${results}`];
  const exitCode = await runHere(python, args, env, signal);
  return summed('pytest', readResults(results, junitCounts), exitCode, began);
}

function summed(runner: string, found: Counts | undefined, exitCode: number, began: number): Counts {
  const { counts, crashed } = withCrash(found, exitCode);
  const why = crashed ? ` (${runner} itself ended with exit code ${exitCode}: counted as one failure)` : '';
  console.log(`${runner}: ${countsLine(counts)} in ${duration((performance.now() - began) / 1000)}${why}\n`);
  return counts;
}

/** Runs a program on this terminal and answers its exit code; 1 when it was killed or could not be started. */
export function runHere(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  if (!existsSync(command)) return Promise.resolve(1);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: programFolder, env, stdio: ['ignore', 'inherit', 'inherit'] });
    // It has the terminal's own Ctrl-C as well; a runner that ignores both is not waited for.
    const stop = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
    };
    signal.addEventListener('abort', stop, { once: true });
    child.on('error', () => resolve(1));
    child.on('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
