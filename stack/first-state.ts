// What a stack writes down of itself before its parts start, and what of the environment belongs to it.
import type { PortClaims } from './port-claims.ts';
import { choosePorts, type PortName } from './ports.ts';
import { processRecord } from '../process/process-info.ts';
import { partTitles, type PartName, type StackState } from './state.ts';
import type { OnStep } from './steps.ts';

/** What a user may run, or say, in place of ours; a stack keeps to what it was started with. */
export const configurable = [
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'MODEL_BASE_URL',
  'RATCHET_TRAIN_COMMAND',
] as const;

/** All of a user's environment that leads to services of their own: whoever brings their own, as tests do, must not see it. */
export const usersServices: readonly string[] = [
  ...configurable,
  'TEMPORAL_UI_URL',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
  'TEMPORAL_PROFILE',
  'TEMPORAL_CONFIG_FILE',
];

export async function firstState(
  home: string,
  { env, onStep, parts }: { env: NodeJS.ProcessEnv; onStep: OnStep; parts: PartName[] },
  claims: PortClaims,
): Promise<StackState> {
  const needed: PortName[] = [];
  if (parts.includes('postgres') && !env.DATABASE_URL) needed.push('postgres');
  if (parts.includes('temporal') && !env.TEMPORAL_ADDRESS) needed.push('temporal', 'temporalUi');
  if (parts.includes('modelserver') && !env.MODEL_BASE_URL) needed.push('modelserver');
  if (parts.includes('web')) needed.push('web');
  if (parts.includes('gateway')) needed.push('gateway');
  const ports: StackState['ports'] = {};
  for (const { name, port, note } of await choosePorts(needed, env, claims)) {
    ports[name] = port;
    if (note)
      onStep({ name: name === 'temporalUi' ? 'Temporal UI' : partTitles[name], phase: 'info', detail: note });
  }
  const given = configurable.filter((name) => env[name]);
  return {
    format: 1,
    status: 'starting',
    home,
    startedAt: new Date().toISOString(),
    supervisor: processRecord(process.pid)!,
    ports,
    configured: given,
    env: { RATCHET_HOME: home, ...Object.fromEntries(given.map((name) => [name, env[name]!])) },
    parts: {},
  };
}
