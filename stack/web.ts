// The web page: a process of its own, which reads the database and steers runs through Temporal.
import { urlHost } from '../process/access.ts';
import { logFile } from './home.ts';
import { isPackage, moduleFile } from '../process/program.ts';
import type { LocalPart, PartContext } from './part.ts';

export function webPart({ home, env, ports }: PartContext): LocalPart {
  const address = `http://${urlHost(env.RATCHET_WEB_HOST || '127.0.0.1')}:${ports.web}`;
  return {
    kind: 'local',
    address,
    env: { RATCHET_WEB_URL: address },
    spec: {
      command: process.execPath,
      // Node runs TypeScript as it is, but not the markup in it.
      args: [...(isPackage ? [] : ['--import', import.meta.resolve('tsx')]), moduleFile('web/main.ts')],
      env: { RATCHET_WEB_PORT: String(ports.web) },
      logFile: logFile(home, 'web'),
      graceMs: 5_000,
    },
    readyTimeoutMs: 60_000,
    ready: async (output) => {
      if (!output.includes('web ready')) throw new Error('the line "web ready" has not come');
      return '';
    },
  };
}

/** Asks the page whether it is there; throws when it is not. An address for every interface is asked at loopback. */
export async function probeWeb(address: string): Promise<string> {
  const url = new URL('/healthz', address.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]'));
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Error(`GET ${url.href} answers ${response.status}`);
  return '';
}
