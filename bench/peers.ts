/**
 * The same work against the same endpoint by Ratchet, a plain program, DSPy, distilabel and Bespoke Curator, side by side: K samples of
 * each prompt, their vote, one critique of each prompt. The endpoint is a stub that takes its time and computes nothing, so what is
 * measured is what each costs around the model. Linux only, since it reads /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemEnvironment } from '../stack/system-environment.ts';
import { startChild } from '../stack/processes.ts';
import { PEERS, pythonOf, type Peer } from './peers/install.ts';
import type { Ours } from './peers/ours.ts';
import { cpuOf, mbOf, seen } from './peers/processes.ts';
import { MODEL, SINGLE_MODEL, promptsOf, type Done, type Stats, type Work } from './peers/work.ts';

const HELP = `npx node bench/peers.ts [options]

  --prompts N      prompts (200)
  --samples K      samples of each (8)
  --in-flight C    calls in flight, at most (32)
  --latency MS     how long the endpoint takes for a call (100)
  --repeat N       measures each so often, in turn, and shows its median by wall time (1)
  --only A,B       of: NAMES
  --timeout S      ends one that takes longer (600)

"-n" asks for all samples of a prompt in one call (\`n\`), as ratchet does where the endpoint takes it and distilabel always;
"ratchet-single" meets an endpoint that refuses \`n\`. The peers are installed into .ratchet/peers, with pinned versions; one that can't
be installed or run is shown with the reason. Ratchet needs its stack: PostgreSQL, Temporal's dev server and a worker are started before
anything is timed, and stopped afterwards (DATABASE_URL names a PostgreSQL to use instead). A run of it is a whole iteration: it also
measures on held-out problems, filters and trains at the stub, which the columns count. Let nothing else run meanwhile.`;

type Client = {
  title: string;
  start(work: Work): Promise<{ argv: string[]; env?: Record<string, string> }>;
  single?: boolean;
  ours?: boolean;
};

const here = (name: string) => fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
let ours: Ours | undefined;

const ratchet = (single: boolean): Omit<Client, 'title'> => ({
  single,
  ours: true,
  async start(work) {
    ours ??= await (await import('./peers/ours.ts')).startOurs(join(folder, 'task'));
    return { argv: [process.execPath, ...ours.argv(work)], env: ours.env };
  },
});
const python = (peer: Peer): Client => ({
  title: PEERS[peer].title,
  start: async () => ({ argv: [await pythonOf(peer), here(`${peer}_peer.py`)] }),
});
const CLIENTS: Record<string, Client> = {
  node: { title: 'plain Node', start: async () => ({ argv: [process.execPath, here('plain.ts')] }) },
  'node-n': {
    title: 'plain Node (`n`)',
    start: async () => ({ argv: [process.execPath, here('plain.ts')], env: { PEER_N: '1' } }),
  },
  ratchet: { title: 'ratchet (`n`)', ...ratchet(false) },
  'ratchet-single': { title: 'ratchet', ...ratchet(true) },
  dspy: python('dspy'),
  distilabel: python('distilabel'),
  curator: python('curator'),
};
const NAMES = Object.keys(CLIENTS);

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

const { values: options } = parseArgs({
  options: {
    prompts: { type: 'string', default: '200' },
    samples: { type: 'string', default: '8' },
    'in-flight': { type: 'string', default: '32' },
    latency: { type: 'string', default: '100' },
    repeat: { type: 'string', default: '1' },
    only: { type: 'string', default: NAMES.join(',') },
    timeout: { type: 'string', default: '600' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
function whole(name: Exclude<keyof typeof options, 'help'>): number {
  const value = Number(options[name]);
  return Number.isInteger(value) && value > 0
    ? value
    : fail(`--${name} must be a whole number above 0, not "${options[name]}".`);
}
if (options.help) {
  console.log(HELP.replace('NAMES', NAMES.join(', ')));
  process.exit(0);
}
if (process.platform !== 'linux') fail('bench/peers.ts reads /proc: it runs on Linux only.');
const [prompts, samples, inFlight, latency] = [
  whole('prompts'),
  whole('samples'),
  whole('in-flight'),
  whole('latency'),
];
const [repeat, timeout] = [whole('repeat'), whole('timeout')];
const names = options.only.split(',');
for (const name of names)
  if (!(name in CLIENTS)) fail(`--only: there is no "${name}". There are: ${NAMES.join(', ')}.`);

const folder = mkdtempSync(join(tmpdir(), 'ratchet-peers-'));

type Measured = {
  wall: number;
  stats: Stats;
  client: number;
  servers: number | undefined;
  stub: number;
  mb: number;
};

/** What tells it from a user's own account: no cache of another time, nothing written elsewhere, no network but the stub. */
const environment = (home: string, file: string) => ({
  ...systemEnvironment(process.env),
  HOME: home,
  PEER_WORK: file,
  PYTHONPATH: here('.'),
  PYTHONDONTWRITEBYTECODE: '1',
  OPENAI_API_KEY: 'none',
  HF_HOME: home,
  HF_HUB_OFFLINE: '1',
  HF_DATASETS_OFFLINE: '1',
  HF_HUB_DISABLE_TELEMETRY: '1',
  TELEMETRY_ENABLED: 'false',
  CURATOR_DISABLE_CACHE: 'true',
  CURATOR_CACHE_DIR: join(home, 'curator'),
  DISTILABEL_CACHE_DIR: join(home, 'distilabel'),
  DSPY_CACHEDIR: join(home, 'dspy'),
  LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  NO_PROXY: '127.0.0.1',
});

const stub = spawn(process.execPath, [here('stub.ts')], {
  env: { ...process.env, LATENCY_MS: String(latency) },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [said] = (await once(stub.stdout, 'data')) as [Buffer];
const url = said.toString().trim();
const doors = new URL(url).origin;

async function measure(client: Client): Promise<Measured> {
  const home = mkdtempSync(join(folder, 'home-'));
  const file = join(home, 'work.json');
  const work: Work = {
    url,
    model: client.single ? SINGLE_MODEL : MODEL,
    prompts: promptsOf(prompts),
    samples,
    inFlight,
    out: join(home, 'done.json'),
  };
  writeFileSync(file, JSON.stringify(work));
  const { argv, env } = await client.start(work);
  await fetch(`${doors}/reset`, { method: 'POST', body: client.single ? 'single' : '' });
  await ours?.done();
  const own = client.ours ? ours : undefined;
  const used = () => ({
    client: seen(process.pid)!.ended + (own ? cpuOf(own.worker) : 0),
    servers: own ? cpuOf(...own.servers) : undefined,
    stub: cpuOf(stub.pid!),
  });
  const before = used();
  const began = performance.now();
  const child = await startChild({
    command: argv[0]!,
    args: argv.slice(1),
    bare: true,
    env: { ...environment(home, file), ...env },
    cwd: home,
    logFile: join(home, 'log'),
  });
  let mb = 0;
  const watching = setInterval(
    () => (mb = Math.max(mb, mbOf(child.record.pid, ...(own ? [own.worker] : [])))),
    200,
  );
  const timer = new AbortController();
  const late = sleep(timeout * 1000, `no end within ${timeout} s`, { signal: timer.signal }).catch(() => '');
  const how = await Promise.race([child.ended, late]);
  const wall = (performance.now() - began) / 1000;
  clearInterval(watching);
  timer.abort();
  if (how !== 'exit code 0') {
    await child.stop();
    throw new Error(`${how}: ${child.output().trim().split('\n').slice(-1)[0] ?? 'it said nothing'}`);
  }
  const after = used();
  const done = own ? await own.done() : (JSON.parse(readFileSync(work.out, 'utf8')) as Done);
  if (done.samples < 0.99 * prompts * samples || done.critiques < 0.9 * prompts)
    throw new Error(`it did not do the work: ${done.samples} samples, ${done.critiques} critiques`);
  return {
    wall,
    stats: (await (await fetch(`${doors}/stats`)).json()) as Stats,
    client: after.client - before.client,
    servers: after.servers === undefined ? undefined : after.servers - before.servers!,
    stub: after.stub - before.stub,
    mb,
  };
}

const times = new Map<string, Measured[]>(names.map((name) => [name, []]));
const problems = new Map<string, string>();
const load = () => loadavg()[0]!.toFixed(1);
const loadBefore = load();
try {
  for (let round = 0; round < repeat; round++) {
    for (const name of names) {
      if (problems.has(name)) continue;
      console.error(`${CLIENTS[name]!.title} …`);
      try {
        times.get(name)!.push(await measure(CLIENTS[name]!));
      } catch (error) {
        problems.set(name, (error as Error).message.split('\n')[0]!.replaceAll('|', '/'));
      }
    }
  }
} finally {
  await ours?.close();
  stub.kill();
  rmSync(folder, { recursive: true, force: true });
}

function row(name: string): string {
  const { title } = CLIENTS[name]!;
  const problem = problems.get(name);
  if (problem !== undefined) return `| ${title} | not measured: ${problem} | | | | | | | |`;
  const all = times.get(name)!.toSorted((a, b) => a.wall - b.wall);
  const { wall, stats, client, servers, stub: ofStub, mb } = all[Math.floor((all.length - 1) / 2)]!;
  const least = (Math.ceil(stats.calls / inFlight) * latency) / 1000;
  const cells = [
    wall.toFixed(1),
    String(stats.calls),
    `${(stats.seconds + latency / 1000).toFixed(1)} (${least.toFixed(1)})`,
    String(stats.inFlight),
    client.toFixed(1),
    servers?.toFixed(1) ?? '–',
    ofStub.toFixed(1),
    mb.toFixed(0),
  ];
  return `| ${title} | ${cells.join(' | ')} |`;
}

console.log(`
${prompts} prompts, ${samples} samples and a critique of each; ${inFlight} calls in flight, ${latency} ms a call; ${repeat === 1 ? 'once' : `medians of ${repeat}`}; ${cpus().length} × ${cpus()[0]!.model.trim()}, Node ${process.versions.node}, load ${loadBefore} before and ${load()} after.

| | wall s | calls | from first call to last s (least for so many) | most in flight | CPU s | servers' CPU s | stub's CPU s | peak MB |
|---|---|---|---|---|---|---|---|---|
${names.map(row).join('\n')}`);
process.exit(problems.size > 0 ? 1 : 0);
