/** Endpoints are reached through the proxy that the environment names, this machine's own directly. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { doctor } from '../../app/machine/doctor.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { fetchThrough, grpcOptions, proxiesIn, proxyText } from '../../process/proxy.ts';

/** Takes plain requests and tunnels, and leads all of them to one server, whatever name they are for. */
const seen: { kind: 'plain' | 'tunnel'; target: string; authorization: string | undefined }[] = [];
const models = { object: 'list', data: [{ id: 'm', object: 'model' }] };
const target = createServer(
  (_, response) => void response.setHeader('content-type', 'application/json').end(JSON.stringify(models)),
);
const proxy = createServer((incoming: IncomingMessage, response) => {
  seen.push({ kind: 'plain', target: incoming.url!, authorization: incoming.headers['proxy-authorization'] });
  response.setHeader('content-type', 'application/json').end(JSON.stringify(models));
});
proxy.on('connect', (incoming, socket) => {
  seen.push({
    kind: 'tunnel',
    target: incoming.url!,
    authorization: incoming.headers['proxy-authorization'],
  });
  const onward = connect((target.address() as AddressInfo).port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    onward.pipe(socket).pipe(onward);
  });
  onward.on('error', () => socket.destroy());
  socket.on('error', () => onward.destroy());
});
const portOf = (server: typeof target) => (server.address() as AddressInfo).port;

beforeAll(async () => {
  for (const server of [target, proxy]) await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  for (const server of [target, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  seen.length = 0;
  for (const name of [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
    'ALL_PROXY',
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'all_proxy',
  ])
    vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

const list = async (baseURL: string) =>
  (await resolveEndpoint('generator', { baseURL }, 'm').client.models.list()).data[0]!.id;

test('an endpoint elsewhere is asked through HTTP_PROXY, with the proxy’s own password', async () => {
  vi.stubEnv('HTTP_PROXY', `http://ada:s3cret%21@127.0.0.1:${portOf(proxy)}`);
  expect(await list('http://gpu.example:8000/v1')).toBe('m');
  expect(
    await (
      await fetchThrough('http://gpu.example:8000/v1/load_lora_adapter', { method: 'POST', body: '{}' })
    ).json(),
  ).toEqual(models);
  expect(seen.map(({ kind, target: to }) => `${kind} ${to}`)).toEqual([
    'plain http://gpu.example:8000/v1/models',
    'plain http://gpu.example:8000/v1/load_lora_adapter',
  ]);
  for (const { authorization } of seen)
    expect(Buffer.from(authorization!.split(' ')[1]!, 'base64').toString()).toBe('ada:s3cret!');
});

test('what is encrypted goes through a tunnel of HTTPS_PROXY', async () => {
  vi.stubEnv('https_proxy', `127.0.0.1:${portOf(proxy)}`);
  // The server behind speaks no TLS: that the tunnel was asked for is what counts.
  await expect(fetchThrough('https://api.example/v1/models')).rejects.toThrow();
  expect(seen).toMatchObject([{ kind: 'tunnel', target: 'api.example:443' }]);
  await expect(fetchThrough('http://no-such-host.invalid/v1')).rejects.toThrow();
  expect(seen).toHaveLength(1);
});

test('loopback and NO_PROXY are asked directly', async () => {
  vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${portOf(proxy)}`);
  for (const host of ['127.0.0.1', 'localhost'])
    expect(await list(`http://${host}:${portOf(target)}/v1`), host).toBe('m');
  vi.stubEnv('NO_PROXY', 'other.example,.invalid');
  await expect(fetchThrough('http://gpu.invalid/v1')).rejects.toThrow();
  expect(seen).toEqual([]);
  expect(await list('http://gpu.example/v1')).toBe('m');
  expect(seen).toHaveLength(1);
});

test('a proxy that is none is named by its variable, and its password is told nowhere', async () => {
  expect(() => proxiesIn({ HTTPS_PROXY: 'socks5://ada:s3cret@h:1080' })).toThrow(
    'HTTPS_PROXY is no address of an HTTP proxy',
  );
  expect(() => proxiesIn({ http_proxy: 'http://ada:s3cret@h:x' })).not.toThrow(/s3cret/);
  const shown = proxyText({
    HTTP_PROXY: 'http://ada:s3cret@proxy.example:3128',
    NO_PROXY: '.lan',
    ALL_PROXY: 'socks5://h',
  });
  expect(shown).toEqual({
    ok: false,
    text: 'http through http://proxy.example:3128; https through http://proxy.example:3128; directly: loopback, .lan; ALL_PROXY is not followed',
  });
  expect(proxyText({})).toEqual({ ok: true, text: 'none' });
  const checks = await doctor({
    home: '/nonexistent/ratchet',
    env: {
      ...process.env,
      HTTPS_PROXY: 'proxy.example:3128',
      MODEL_BASE_URL: 'http://h/v1',
      TEMPORAL_ADDRESS: 'h:7233',
    },
  });
  expect(checks.find(({ name }) => name === 'Proxy')).toEqual({
    name: 'Proxy',
    result: 'ok',
    detail: 'https through http://proxy.example:3128; directly: loopback',
  });
});

test('gRPC goes to this machine directly', () => {
  expect(grpcOptions('127.0.0.1:7233')).toEqual({ channelArgs: { 'grpc.enable_http_proxy': 0 } });
  expect(grpcOptions('localhost:7233')).toEqual({ channelArgs: { 'grpc.enable_http_proxy': 0 } });
  expect(grpcOptions('temporal.internal:7233')).toEqual({});
});
