// ratchet up, down, status, doctor.
import { InvalidArgumentError, type Command } from 'commander';
import pc from 'picocolors';
import { redacted } from '../../process/secrets.ts';
import { doctor } from '../../app/machine/doctor.ts';
import { ratchetHome } from '../../stack/home.ts';
import { onStopSignal } from '../../stack/signals.ts';
import { startStack, stopStack } from '../../stack/stack.ts';
import { partNames, type PartName } from '../../stack/state.ts';
import { linkLines, stackStatus, statusLines, uiLinks } from '../../app/machine/status.ts';
import { stepPrinter, wasReported } from '../../stack/steps.ts';

const colors = pc.createColors(Boolean(process.stdout.isTTY) && !process.env.NO_COLOR);

export function addStackCommands(program: Command): void {
  program
    .command('up')
    .description(
      'start PostgreSQL, Temporal, the model server, a worker, the web page and the gateway, each unless you run one yourself',
    )
    .option('-d, --detach', 'leave it running in the background')
    .option(
      '--model <names>',
      'what the local model server serves, separated by commas: packaged models, hub ids, folders, GGUF files (ratchet model list); the first is the default',
      readNames,
    )
    .option(
      '--train-command <command>',
      "what trains the local model server's jobs, instead of its own trainer (docs/trainers.md)",
    )
    .option('--only <parts>', `start only these, separated by commas: ${partNames.join(', ')}`, readParts)
    .addHelpText('after', upHelp)
    .action(up);
  program
    .command('down')
    .description('stop what `up` started, wherever it was started, and what a killed one left behind')
    .action(() => orExplain(down));
  program
    .command('status')
    .description('show each part: running, dead or yours; exit code 1 when something is not healthy')
    .option('--json', 'print it as data')
    .action((options: { json?: boolean }) => orExplain(() => status(options)));
  program
    .command('doctor')
    .description(
      'check what the machine has and say what is missing; exit code 1 when something must be done',
    )
    .option('--json', 'print it as data')
    .action((options: { json?: boolean }) => orExplain(() => examine(options)));
}

const upHelp = `
Uses what is configured, starts the rest:
  DATABASE_URL                          your PostgreSQL, instead of the embedded one
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE  your Temporal, instead of the local dev server
  MODEL_BASE_URL                        your OpenAI-compatible endpoint, instead of our model server
  TEMPORAL_CLI, RATCHET_PYTHON          the programs to use
  RATCHET_HOME                          where data lies (.ratchet in the clone; of a package, in the current folder or above)
  RATCHET_POSTGRES_PORT, RATCHET_TEMPORAL_PORT, RATCHET_TEMPORAL_UI_PORT, RATCHET_MODELSERVER_PORT,
  RATCHET_WEB_PORT, RATCHET_GATEWAY_PORT
  RATCHET_WEB_HOST, RATCHET_WEB_TOKEN   let other machines see the web page, with that token (docs/web.md)
  RATCHET_GATEWAY_HOST, …_TOKEN, …_STORE  the gateway: docs/gateway.md`;

function readParts(text: string): PartName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !partNames.includes(name as PartName));
  if (unknown.length > 0)
    throw new InvalidArgumentError(
      `There is no part ${unknown.join(', ')}; there are ${partNames.join(', ')}.`,
    );
  return names as PartName[];
}

function readNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === ''))
    throw new InvalidArgumentError('Give the name of a model, or several separated by commas.');
  return names;
}

type UpOptions = { detach?: boolean; only?: PartName[]; model?: string[]; trainCommand?: string };

async function up(options: UpOptions): Promise<void> {
  const abort = new AbortController();
  const print = (text: string) => process.stderr.write(`${text}\n`);
  const removeHandlers = onStopSignal((reason) => {
    print('  Stopping …');
    abort.abort(new Error(`Stopped (${reason}).`));
  });
  try {
    const stack = await startStack({
      parts: options.only,
      models: options.model,
      ...(options.trainCommand === undefined
        ? {}
        : { env: { ...process.env, RATCHET_TRAIN_COMMAND: options.trainCommand } }),
      detach: options.detach,
      onStep: stepPrinter(),
      signal: abort.signal,
    });
    if (!stack.owned) {
      if (options.detach && Date.now() - Date.parse(stack.state.startedAt) < performance.now())
        print('It runs in the background. Stop it with: ratchet down');
      else print(`It runs already (process ${stack.state.supervisor.pid}, since ${stack.state.startedAt}):`);
      for (const line of statusLines(await stackStatus({ home: stack.home }), colors)) print(line);
      return;
    }
    print(
      `Running. ${stack.env.RATCHET_WEB_URL ? `Web page: ${stack.env.RATCHET_WEB_URL}. ` : ''}${stack.env.TEMPORAL_UI_URL ? `Temporal UI: ${stack.env.TEMPORAL_UI_URL}. ` : ''}Ctrl-C stops everything.`,
    );
    for (const line of linkLines(uiLinks(stack.env))) print(line);
    const stopAsked = new Promise<undefined>((resolve) => {
      if (abort.signal.aborted) resolve(undefined);
      abort.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const failure = await Promise.race([stack.failed, stopAsked]);
    if (failure) print('  A part failed for good: stopping the rest …');
    await stack.stop();
    print('Stopped.');
    if (failure) process.exitCode = 1;
  } catch (error) {
    if (!abort.signal.aborted && !wasReported(error)) print(`✗ ${redacted((error as Error).message)}`);
    if (abort.signal.aborted) print('Stopped.');
    process.exitCode = abort.signal.aborted ? 130 : 1;
  } finally {
    removeHandlers();
  }
}

async function down(): Promise<void> {
  const stopped = await stopStack({ onStep: stepPrinter() });
  console.log(stopped.length > 0 ? `Stopped ${stopped.join(', ')}.` : `Nothing runs in ${ratchetHome()}.`);
}

async function status({ json }: { json?: boolean }): Promise<void> {
  const result = await stackStatus();
  if (json) console.log(JSON.stringify(result, null, 2));
  else for (const line of statusLines(result, colors)) console.log(line);
  if (!result.healthy) process.exitCode = 1;
}

async function examine({ json }: { json?: boolean }): Promise<void> {
  const checks = await doctor();
  if (json) console.log(JSON.stringify(checks, null, 2));
  else {
    const marks = { ok: colors.green('✓'), warn: colors.yellow('!'), fail: colors.red('✗') };
    for (const { name, result, detail, advice } of checks) {
      console.log(`${marks[result]} ${name.padEnd(13)} ${detail}`);
      if (advice) console.log(`  ${' '.repeat(13)} ${advice}`);
    }
  }
  if (checks.some(({ result }) => result === 'fail')) process.exitCode = 1;
}

async function orExplain(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`✗ ${redacted((error as Error).message)}\n`);
    process.exitCode = 1;
  }
}
