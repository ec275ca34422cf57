/**
 * Stands before the Temporal UI, which answers under any name and so to any page that a browser shows: one that points its own name
 * at this machine could take the UI's CSRF cookie and start workflows.
 *
 * Covers: requests under names other than loopback ones, requests that pages of other origins send, and pages that frame it. The UI
 * itself listens at an address that no page can guess (Linux), or on a port that nobody is told (elsewhere).
 * Does not cover: other programs and other users of this machine, who reach Temporal itself as well.
 */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { hostName, isLoopback } from '../process/access.ts';

export type UiAddress = { host: string; port: number };

/** A place on this machine for the UI itself. All of 127.0.0.0/8 is loopback on Linux, one address of it elsewhere. */
export async function hiddenAddress(): Promise<UiAddress> {
  const host =
    process.platform === 'linux'
      ? `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(2, 255)}`
      : '127.0.0.1';
  return { host, port: await freePort(host) };
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createTcpServer().once('error', reject);
    server.listen(0, host, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : 0));
    });
  });
}

/** Why a request is not passed on; undefined: it is. */
export function uiRefusal({
  method = 'GET',
  headers,
}: Pick<IncomingMessage, 'method' | 'headers'>): string | undefined {
  if (!isLoopback(hostName(headers.host) ?? ''))
    return 'The Temporal UI of a local stack answers under localhost and 127.0.0.1 only.';
  const origin = headers.origin;
  if (origin !== undefined && hostAndPort(origin) !== headers.host?.toLowerCase())
    return 'This request comes from a page of another site.';
  const site = headers['sec-fetch-site'];
  // A link to the UI may stand anywhere; what it shows, and what it does, is its own pages' alone.
  const isVisit =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isVisit)
    return 'This request comes from a page of another site.';
  return undefined;
}

const hostAndPort = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${text}\n`);
}

/**
 * @param listenAt where it listens: another address than loopback only where a container's port is published on loopback alone
 * @throws Error when the port is taken
 */
export async function startUiProxy(
  port: number,
  ui: UiAddress,
  listenAt = '127.0.0.1',
): Promise<() => Promise<void>> {
  const server = createServer((incoming, response) => {
    const refusal = uiRefusal(incoming);
    if (refusal) {
      incoming.resume();
      return refuse(response, 403, refusal);
    }
    const onward = request(
      { ...ui, method: incoming.method, path: incoming.url, headers: incoming.headers, setHost: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'x-frame-options': 'SAMEORIGIN' });
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    onward.on('error', () => {
      if (response.headersSent) response.destroy();
      else refuse(response, 502, 'The Temporal UI does not answer: it may be starting.');
    });
    // Who has gone need not be answered.
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, listenAt, () => resolve());
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}
