/** `serve`: the gateway alone, in the foreground. `feedback`: what came through it. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { gatewayCounts, listFeedback } from '../../db/queries/gateway.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { renderFeedback } from '../render/feedback.ts';
import { gatewayMain } from '../../stack/gateway.ts';
import { stackEnvironment } from '../../stack/stack.ts';
import { wantsColor } from './follow.ts';

type Flags = {
  host?: string;
  port?: string;
  store?: string;
  redact?: string;
  redactModule?: string;
};

const help = `
An OpenAI-compatible endpoint: the model is a task's name, the answer comes from the checkpoint that the task serves (see:
ratchet serving), and system_fingerprint and the header x-ratchet-checkpoint say which one that was. \`ratchet up\` starts it
as well. Nothing of what is said is stored unless --store asks for it. docs/gateway.md has all of it.

Examples:
  ratchet serve
  ratchet serve --port 8301 --store arithmetic
  RATCHET_GATEWAY_TOKEN=$(openssl rand -hex 24) ratchet serve --host 0.0.0.0`;

export function addServeCommands(program: Command): void {
  program
    .command('serve')
    .description('answer chat requests with the promoted checkpoints, as an OpenAI-compatible endpoint')
    .option('--host <address>', 'where to listen; other than this machine needs RATCHET_GATEWAY_TOKEN')
    .option('--port <port>', 'RATCHET_GATEWAY_PORT, or 8300')
    .option('--store <tasks>', 'store prompts and answers of these tasks, separated by commas, or `all`')
    .option(
      '--redact <kinds>',
      'what is taken out of what is stored: email,phone,card (the default), iban, name, or none',
    )
    .option('--redact-module <file>', 'a module whose export `redact` takes out more')
    .addHelpText('after', help)
    .action(async (flags: Flags) => {
      process.exitCode = await serve(flags);
    });
  program
    .command('feedback')
    .description('what people said of answers of the gateway, and what came through it')
    .argument('[task]', 'name of one task')
    .option('--most <n>', 'so many of the newest', '20')
    .option('--json', 'as data')
    .addHelpText('after', '\nExamples:\n  ratchet feedback\n  ratchet feedback arithmetic --json')
    .action(async (task: string | undefined, { most, json }: { most: string; json?: boolean }) => {
      if (!/^[1-9]\d{0,5}$/.test(most))
        throw new UsageError(`--most ${most}: give a whole number of at least 1.`);
      await withDatabase(findDatabase(), async (db) => {
        const counts = await gatewayCounts(db, task);
        const feedback = await listFeedback(db, task, Number(most));
        console.log(
          json
            ? JSON.stringify({ ...counts, feedback }, null, 2)
            : renderFeedback(counts, feedback, wantsColor(process.stdout)),
        );
      });
    });
}

/** Runs the gateway until it ends; signals go on to it. Answers its exit code. */
async function serve({ host, port, store, redact, redactModule }: Flags): Promise<number> {
  const flags = {
    RATCHET_GATEWAY_HOST: host,
    RATCHET_GATEWAY_PORT: port,
    RATCHET_GATEWAY_STORE: store,
    RATCHET_GATEWAY_REDACT: redact,
    RATCHET_GATEWAY_REDACT_MODULE: redactModule,
  };
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  const child = spawn(process.execPath, [gatewayMain], {
    stdio: 'inherit',
    env: { ...process.env, ...stackDefaults(), DATABASE_URL: findDatabase(), ...given },
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT.interrupted));
  });
}

/** The model server of the stack that is up, unless another one is configured. */
function stackDefaults(): Record<string, string> {
  const url = process.env.MODEL_BASE_URL || stackEnvironment()?.MODEL_BASE_URL;
  return url ? { MODEL_BASE_URL: url } : {};
}
