import { expect, test } from 'vitest';
import { gatewaySettings } from '../../gateway/environment.ts';
import { bareHost, hostName, isLoopback, sameSecret, urlHost } from '../../process/access.ts';
import { webSettings } from '../../web/settings.ts';

const OWN = ['localhost', 'LOCALHOST', '127.0.0.1', '127.255.0.9', '::1', '[::1]', '0:0:0:0:0:0:0:1'];
const OTHERS = [
  '',
  '0.0.0.0',
  '::',
  '[::]',
  '128.0.0.1',
  '127.0.0.1.example.org',
  '127.0.0.256',
  'localhost.example.org',
  '127.0.0.1@example.org',
  '::1%eth0',
  '::2',
  '[::1',
  '::ffff:10.0.0.1',
];

test('this machine goes by its loopback names and addresses, and by nothing that looks like them', () => {
  expect(OWN.filter((host) => !isLoopback(host))).toEqual([]);
  expect(OTHERS.filter((host) => isLoopback(host))).toEqual([]);
});

test('the gateway and the web page take each of them without a token, and no other', () => {
  const gateway = (host: string) => gatewaySettings({ DATABASE_URL: 'x', RATCHET_GATEWAY_HOST: host });
  const web = (host: string) => webSettings({ RATCHET_WEB_HOST: host });
  for (const host of OWN)
    expect([gateway(host).host, web(host).host]).toEqual([bareHost(host), bareHost(host)]);
  for (const host of OTHERS.filter((one) => one !== '')) {
    expect(() => gateway(host)).toThrow('RATCHET_GATEWAY_TOKEN: missing');
    expect(() => web(host)).toThrow('set RATCHET_WEB_TOKEN');
  }
});

test('the name in a header has no port and no brackets', () => {
  expect(hostName('[::1]:8300')).toBe('::1');
  expect(hostName('https://Example.org:8300')).toBe('example.org');
  expect(hostName('127.0.0.1')).toBe('127.0.0.1');
  expect([undefined, '', 'a b', 'http://'].map(hostName)).toEqual(Array(4).fill(undefined));
  expect(['::1', '[::1]', 'localhost'].map(urlHost)).toEqual(['[::1]', '[::1]', 'localhost']);
});

test('secrets of any length are compared', () => {
  expect([sameSecret('a', 'a'), sameSecret('a', 'ab'), sameSecret('', 'a')]).toEqual([true, false, false]);
});
