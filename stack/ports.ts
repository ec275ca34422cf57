// Ports of the local stack: the usual ones when free, the next free ones otherwise; a port that the user asked for is
// taken or refused, never changed.
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { noClaims, type PortClaims } from './port-claims.ts';
import { commandLine } from '../process/process-info.ts';

export type PortName = 'postgres' | 'temporal' | 'temporalUi' | 'modelserver' | 'web' | 'gateway';
export type Ports = Record<PortName, number>;

const known: Record<PortName, { variable: string; usual: number; title: string }> = {
  postgres: { variable: 'RATCHET_POSTGRES_PORT', usual: 54329, title: 'PostgreSQL' },
  temporal: { variable: 'RATCHET_TEMPORAL_PORT', usual: 7233, title: 'Temporal' },
  temporalUi: { variable: 'RATCHET_TEMPORAL_UI_PORT', usual: 8233, title: 'the Temporal UI' },
  modelserver: { variable: 'RATCHET_MODELSERVER_PORT', usual: 8100, title: 'the model server' },
  web: { variable: 'RATCHET_WEB_PORT', usual: 8400, title: 'the web page' },
  gateway: { variable: 'RATCHET_GATEWAY_PORT', usual: 8300, title: 'the gateway' },
};

export interface PortChoice {
  name: PortName;
  port: number;
  /** Set when the usual port was taken and another was chosen. */
  note?: string;
}

/**
 * Chooses a port for each name. Throws when a port that the environment asks for is taken or is no port.
 *
 * @param claims keeps what was chosen from stacks that choose at the same time
 */
export async function choosePorts(
  names: PortName[],
  env: NodeJS.ProcessEnv,
  claims: PortClaims = noClaims,
): Promise<PortChoice[]> {
  const chosen: PortChoice[] = [];
  const reserved = new Set<number>();
  for (const name of names) {
    const { variable, usual, title } = known[name];
    const asked = env[variable];
    if (asked) {
      const port = Number(asked);
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new Error(`${variable}=${asked} is not a port: give a number from 1 to 65535.`);
      }
      if (reserved.has(port))
        throw new Error(`${variable}=${asked} is already the port of another part: give each part its own.`);
      if (await portTaken(port)) {
        throw new Error(
          `Port ${port}, which ${variable} gives to ${title}, is taken${holderPhrase(port)}. Stop that program, or set ${variable} to a free port.`,
        );
      }
      reserved.add(port);
      // Whoever asks for a port by number has it, claimed or not.
      claims.take(port);
      chosen.push({ name, port });
      continue;
    }
    let port = usual;
    // Claimed last: a claim that is not used would keep others away.
    while (reserved.has(port) || (await portTaken(port)) || !claims.take(port)) {
      port += 1;
      if (port > usual + 200)
        throw new Error(
          `No free port between ${usual} and ${port} for ${title}: set ${variable} to a free one.`,
        );
    }
    reserved.add(port);
    const note = port === usual ? undefined : `port ${usual} is taken${holderPhrase(usual)}: using ${port}`;
    chosen.push({ name, port, note });
  }
  return chosen;
}

/** True when something listens on the port or it cannot be bound. */
export async function portTaken(port: number): Promise<boolean> {
  // Some systems let 127.0.0.1 be bound while another program holds the port on every address, so ask both ways.
  return (await answers(port)) || !(await bindable(port));
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 500 });
    const finish = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

function bindable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** " by process 123 (node …)", or nothing where the system does not tell. */
function holderPhrase(port: number): string {
  const pid = portHolder(port);
  if (pid === undefined) return '';
  const command = commandLine(pid);
  return ` by process ${pid}${command ? ` (${command.length > 60 ? `${command.slice(0, 60)}…` : command})` : ''}`;
}

/** The pid that listens on the port, when lsof or ss can tell. */
function portHolder(port: number): number | undefined {
  const attempts: [string, string[], RegExp][] = [
    ['lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fp'], /^p(\d+)/m],
    ['ss', ['-Hltnp', `sport = :${port}`], /pid=(\d+)/],
  ];
  for (const [command, args, pattern] of attempts) {
    try {
      const text = execFileSync(command, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 3000,
      });
      const match = pattern.exec(text);
      if (match) return Number(match[1]);
    } catch {
      // Not installed, or it found nothing.
    }
  }
  return undefined;
}
