/**
 * A machine on which the documentation is tried: a folder that looks like a clone, `ratchet up` running in it with a scripted
 * endpoint in place of a model, and a shell in which `npx ratchet` and `npx node` are the commands of this clone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { ImproveInput } from '../../loop/input.ts';
import { TASK_QUEUE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporal } from '../support/temporal.ts';
import { until } from '../support/wait.ts';
import { modelForDocs, NO_QUOTA, writeFixtures, type ModelForDocs } from './fixtures.ts';

export type Ended = { code: number | null; output: string };
export type ShellOptions = {
  /** Presses Ctrl-C when the output shows this. */
  interruptAt?: string;
  env?: Record<string, string>;
  /** Types into a terminal: waits for each text, then types the keys beside it. */
  terminal?: [string, string][];
};

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The environment of a user who has configured nothing. */
function bareEnvironment(): Record<string, string> {
  const given = Object.entries(process.env).filter(
    ([name]) => !/^(DATABASE_URL|TEMPORAL_(?!CLI)|MODEL_|RATCHET_(?!PYTHON)|npm_|VITEST|NODE_ENV)/.test(name),
  );
  return Object.fromEntries(given) as Record<string, string>;
}

/** Runs argv in a pseudo-terminal: waits for each text, then types the keys beside it. */
const TERMINAL = `
import json, os, pty, select, sys, time
script, argv = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
seen, deadline = "", time.time() + 90
while True:
    ready, _, _ = select.select([fd], [], [], 1)
    try:
        text = os.read(fd, 65536).decode("utf8", "replace") if ready else None
    except OSError:
        break
    if text == "" or (text is None and time.time() > deadline):
        break
    seen += text or ""
    sys.stdout.write(text or "")
    if script and script[0][0] in seen:
        seen = ""
        os.write(fd, script.pop(0)[1].encode())
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
`;

export class DocsStack {
  folder!: string;
  temporal!: TestWorkflowEnvironment;
  database!: Awaited<ReturnType<typeof createTestDatabase>>;
  endpoint!: ScriptedEndpoint;
  model!: ModelForDocs;
  /** What stands in the documentation for something of the user's own, and what it is here. */
  readonly placeholders = new Map<string, string>();
  #up: { child: ChildProcess; ended: Promise<Ended>; output(): string } | undefined;

  async start(): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), 'ratchet-docs-'));
    this.model = modelForDocs(this.folder);
    [this.temporal, this.endpoint, this.database] = await Promise.all([
      startTemporal(),
      startScriptedEndpoint(this.model.script),
      createTestDatabase(),
    ]);
    for (const server of ['http://gpu:8000/v1', 'http://gpu:8111/v1', 'https://api.openai.com/v1'])
      this.placeholders.set(server, this.endpoint.url);
    cpSync(join(root, 'examples'), join(this.folder, 'examples'), { recursive: true });
    for (const room of ['bench', 'tasks']) symlinkSync(join(root, room), join(this.folder, room));
    mkdirSync(join(this.folder, 'docs'));
    cpSync(join(root, '.env.example'), join(this.folder, '.env.example'));
    writeFixtures(this.folder, this.endpoint.url);
    const bin = join(this.folder, 'bin');
    mkdirSync(bin);
    const script = (name: string, text: string) => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    };
    const main = join(root, 'cli', 'main.ts');
    const node = `exec '${process.execPath}'`;
    script(
      'npx',
      `case $1 in\nratchet) shift; ${node} '${main}' "$@" ;;\nnode) shift; ${node} "$@" ;;\n*) exit 127 ;;\nesac`,
    );
  }

  /** `npx ratchet up` with the servers of this test; it starts a worker and the web page. */
  async up(command: string): Promise<void> {
    this.#up = this.#spawn(command, {
      DATABASE_URL: this.database.url,
      TEMPORAL_ADDRESS: this.temporal.address,
      TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
      MODEL_BASE_URL: this.endpoint.url,
      MY_KEY: 'a key',
      OPENAI_API_KEY: 'a key',
      RATCHET_GATEWAY_STORE: 'arithmetic',
    });
    const { child, output } = this.#up;
    const ready = async () => {
      if (child.exitCode !== null) throw new Error(`ratchet up ended:\n${output()}`);
      return output().includes('Ctrl-C stops everything');
    };
    // Four processes start beside the other tests.
    await until('ratchet up', ready, 180_000);
  }

  /** Ctrl-C where `ratchet up` runs. */
  async down(): Promise<Ended | undefined> {
    const up = this.#up;
    this.#up = undefined;
    if (up?.child.exitCode === null) process.kill(-up.child.pid!, 'SIGINT');
    return up?.ended;
  }

  async stop(): Promise<void> {
    await this.down();
    await this.temporal?.teardown();
    await this.database?.drop();
    await this.endpoint?.close();
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(command: string, env: Record<string, string>, { interruptAt, terminal }: ShellOptions = {}) {
    const text = [...this.placeholders].reduce((before, [from, to]) => before.replaceAll(from, to), command);
    const shell = ['bash', '-c', text];
    const [program, ...args] = terminal
      ? ['python3', '-c', TERMINAL, JSON.stringify(terminal), ...shell]
      : shell;
    const child = spawn(program!, args, {
      cwd: this.folder,
      env: {
        ...bareEnvironment(),
        PATH: `${join(this.folder, 'bin')}${delimiter}${process.env.PATH}`,
        HOME: join(this.folder, 'user'),
        EDITOR: 'true',
        NO_COLOR: '1',
        RATCHET_HOME: join(this.folder, '.ratchet'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that Ctrl-C reaches what the shell started, and nothing else.
      detached: true,
    });
    let output = '';
    let pressed = false;
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (!interruptAt || pressed || !output.includes(interruptAt)) return;
      pressed = true;
      process.kill(-child.pid!, 'SIGINT');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => resolve({ code, output }));
    });
    return { child, ended, output: () => output };
  }

  /** Types a command and waits for its end. */
  async type(command: string, options: ShellOptions = {}): Promise<Ended> {
    return this.#spawn(command, options.env ?? {}, options).ended;
  }

  file(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** A run in the background, as small as it can be. */
  async begin(runId: string, input: ImproveInput): Promise<void> {
    await this.temporal.client.workflow.start('improve', {
      workflowId: runId,
      taskQueue: TASK_QUEUE.main,
      args: [
        {
          iterations: 1,
          pool: { prompts: 60, rehearsal: 6 },
          benchmark: { size: 'quick', majority: false },
          gates: { critique: { mode: 'off' } },
          probes: { mode: 'off' },
          paging: { promptsPerPage: 20 },
          ...input,
        },
      ],
    });
  }

  async status(runId: string): Promise<string | undefined> {
    return (await this.rows<{ status: string }>('select status from runs where id = $1', [runId]))[0]?.status;
  }

  async rows<T>(query: string, values: unknown[] = []): Promise<T[]> {
    return (await this.database.db.$client.query(query, values)).rows as T[];
  }

  /** Ends what a command left running. */
  async end(runId: string): Promise<void> {
    await this.temporal.client.workflow.getHandle(runId).terminate();
    await this.rows("update runs set status = 'stopped', finished_at = now() where id = $1", [runId]);
  }

  /** While the endpoint has no quota, the run parks; afterwards a retry goes on. */
  async parkedRun(runId: string): Promise<void> {
    this.model.quotaUsedUp = true;
    await this.begin(runId, { models: { generator: { model: NO_QUOTA } } });
    await until('the parked run', async () => (await this.status(runId)) === 'parked');
    this.model.quotaUsedUp = false;
  }
}
