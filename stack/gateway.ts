// The gateway: a process of its own, which reads the database and asks the endpoints of promoted checkpoints.
import { urlHost } from '../process/access.ts';
import { logFile } from './home.ts';
import { moduleFile } from '../process/program.ts';
import type { LocalPart, PartContext } from './part.ts';

export const gatewayMain = moduleFile('gateway/main.ts');

export function gatewayPart({ home, env, ports }: PartContext): LocalPart {
  const address = `http://${urlHost(env.RATCHET_GATEWAY_HOST || '127.0.0.1')}:${ports.gateway}`;
  return {
    kind: 'local',
    address,
    note: 'answers as the promoted checkpoints',
    env: { RATCHET_GATEWAY_URL: `${address}/v1` },
    spec: {
      command: process.execPath,
      args: [gatewayMain],
      env: { RATCHET_GATEWAY_PORT: String(ports.gateway) },
      channel: true,
      logFile: logFile(home, 'gateway'),
      // What is being answered is answered to its end.
      graceMs: 25_000,
    },
    readyTimeoutMs: 60_000,
    ready: async (output) => {
      if (!output.includes('gateway ready')) throw new Error('the line "gateway ready" has not come');
      return '';
    },
  };
}

/** Asks the gateway whether it is there; throws when it is not. An address for every interface is asked at loopback. */
export async function probeGateway(address: string): Promise<string> {
  const url = new URL('/health', address.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]'));
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Error(`GET ${url.href} answers ${response.status}`);
  return '';
}
