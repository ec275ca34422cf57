// What runs, asked of the parts themselves: a process that lives but does not answer is not healthy.
import pc from 'picocolors';
import { defaultRunId } from '../runs/input.ts';
import { runsLink, startLink } from '../temporal.ts';
import { probeGateway } from '../../stack/gateway.ts';
import { ratchetHome } from '../../stack/home.ts';
import { probeEndpoint, probeModelserver } from '../../stack/modelserver.ts';
import { probePostgres } from '../../stack/postgres.ts';
import { isAlive } from '../../process/process-info.ts';
import {
  partNames,
  partTitles,
  readState,
  type PartName,
  type PartState,
  type StackState,
} from '../../stack/state.ts';
import { probeTemporal } from '../../stack/temporal.ts';
import { probeWeb } from '../../stack/web.ts';

interface PartStatus {
  name: PartName;
  title: string;
  /** `unreachable`: it is the user's and does not answer. `silent`: the process lives but does not answer. */
  state: 'running' | 'starting' | 'restarting' | 'failed' | 'dead' | 'silent' | 'external' | 'unreachable';
  healthy: boolean;
  address: string;
  pid?: number;
  version?: string;
  restarts: number;
  detail?: string;
  /** Of the local model server: what it serves, the default first. */
  models?: string[];
  log?: string;
}

export interface StackStatus {
  home: string;
  running: boolean;
  healthy: boolean;
  supervisor?: { pid: number; alive: boolean };
  startedAt?: string;
  parts: PartStatus[];
  temporalUi?: string;
  /** Pages of the Temporal UI: the form that starts a run, and the list of runs. */
  links?: { start: string; runs: string };
}

export async function stackStatus(
  options: { home?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<StackStatus> {
  const env = options.env ?? process.env;
  const home = options.home ?? ratchetHome(env);
  const state = readState(home);
  if (!state) return { home, running: false, healthy: false, parts: [] };
  const alive = isAlive(state.supervisor);
  const names = partNames.filter((name) => state.parts[name]);
  const parts = await Promise.all(names.map((name) => partStatus(name, state.parts[name]!, state, env)));
  return {
    home,
    running: alive,
    healthy: alive && state.status === 'running' && parts.every((part) => part.healthy),
    supervisor: { pid: state.supervisor.pid, alive },
    startedAt: state.startedAt,
    parts,
    temporalUi: state.env.TEMPORAL_UI_URL,
    links: uiLinks(state.env),
  };
}

/** Undefined where the Temporal UI is not known. */
export function uiLinks(env: NodeJS.ProcessEnv): StackStatus['links'] {
  const ui = { temporalUi: env.TEMPORAL_UI_URL, namespace: env.TEMPORAL_NAMESPACE || 'default' };
  const start = startLink(ui, defaultRunId('arithmetic'));
  const runs = runsLink(ui);
  return start && runs ? { start, runs } : undefined;
}

/** The lines that say so. */
export function linkLines(links: StackStatus['links']): string[] {
  if (!links) return [];
  return [`  Start a run in the Temporal UI: ${links.start}`, `  Watch all runs there: ${links.runs}`];
}

async function partStatus(
  name: PartName,
  part: PartState,
  state: StackState,
  env: NodeJS.ProcessEnv,
): Promise<PartStatus> {
  const base = {
    name,
    title: partTitles[name],
    address: part.address,
    version: part.version,
    restarts: part.restarts,
    log: part.log,
    pid: part.process?.pid,
    ...(name === 'modelserver' && part.kind === 'local' ? { models: state.models } : {}),
  };
  if (part.kind === 'local') {
    if (part.status === 'failed')
      return { ...base, state: 'failed', healthy: false, detail: 'given up after too many restarts' };
    if (part.status !== 'running') return { ...base, state: part.status, healthy: false };
    if (!isAlive(part.process)) return { ...base, state: 'dead', healthy: false, pid: undefined };
  }
  try {
    const version = await probe(name, part, state, env);
    return {
      ...base,
      version: version || part.version,
      state: part.kind === 'local' ? 'running' : 'external',
      healthy: true,
    };
  } catch (error) {
    return {
      ...base,
      state: part.kind === 'local' ? 'silent' : 'unreachable',
      healthy: false,
      detail: (error as Error).message || 'it does not answer',
    };
  }
}

async function probe(
  name: PartName,
  part: PartState,
  state: StackState,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  if (name === 'postgres') return probePostgres(state.env.DATABASE_URL!);
  if (name === 'temporal')
    return probeTemporal(state.env.TEMPORAL_ADDRESS!, part.kind === 'local' ? {} : env);
  if (name === 'web') return probeWeb(part.address);
  if (name === 'gateway') return probeGateway(part.address);
  if (name === 'modelserver' && part.kind === 'local') return probeModelserver(part.address);
  if (name === 'modelserver') await probeEndpoint(state.env.MODEL_BASE_URL ?? part.address);
  return '';
}

/** Lines for a person, one per part. */
export function statusLines(status: StackStatus, colors = pc.createColors(false)): string[] {
  if (status.parts.length === 0) return [`Nothing runs in ${status.home}. Start it with: ratchet up`];
  const lines = status.parts.map((part) => {
    const mark = part.healthy ? colors.green('✓') : colors.red('✗');
    const facts = [
      part.version,
      part.address,
      part.models?.length ? `serves ${part.models.join(', ')}` : undefined,
      part.pid === undefined ? undefined : `pid ${part.pid}`,
      part.restarts > 0 ? `${part.restarts} restarts` : undefined,
      part.detail,
      part.healthy ? undefined : part.log && `log: ${part.log}`,
    ];
    return `${mark} ${part.title.padEnd(13)} ${part.state.padEnd(11)} ${facts.filter(Boolean).join(', ')}`;
  });
  if (status.temporalUi) lines.push(`  Temporal UI: ${status.temporalUi}`);
  lines.push(...linkLines(status.links));
  if (status.supervisor?.alive)
    lines.push(
      colors.dim(
        `  Watched by process ${status.supervisor.pid} since ${status.startedAt}; data in ${status.home}`,
      ),
    );
  else
    lines.push(
      colors.red(
        `  Process ${status.supervisor?.pid}, which watched it, is gone. Clear up with: ratchet down`,
      ),
    );
  return lines;
}
