/** A door before a server that takes only clients with a certificate of its own authority, as Temporal Cloud's mTLS does. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';

export type TlsDoor = {
  /** `host:port`. */
  address: string;
  /** The name in its certificate, which is not the name that it is reached by. */
  serverName: string;
  /** Files: the authority, and a client's certificate and key. */
  ca: string;
  cert: string;
  key: string;
  /** Names in the certificates of those who came in. */
  entered: Set<string>;
  close(): void;
};

const SERVER = 'frontend.example';

function certificates(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...fresh, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority');
  for (const [name, subject] of [
    ['server', SERVER],
    ['client', 'ratchet-worker'],
  ] as const)
    openssl(
      'req',
      '-x509',
      ...fresh,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${subject}`,
      '-addext',
      `subjectAltName=DNS:${subject}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    );
  return folder;
}

/** @param target `host:port` of what stands behind it */
export async function openTlsDoor(target: string): Promise<TlsDoor> {
  const folder = certificates();
  const read = (name: string) => readFileSync(join(folder, name));
  const [host, port] = target.split(':') as [string, string];
  const entered = new Set<string>();
  const door = createServer(
    {
      cert: read('server.pem'),
      key: read('server.key'),
      ca: read('ca.pem'),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (inside: TLSSocket) => {
      entered.add(String(inside.getPeerCertificate().subject.CN));
      const outside = connect(Number(port), host);
      inside.pipe(outside).pipe(inside);
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ] as const)
        one.on('error', () => other.destroy());
    },
  );
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const bound = door.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('the door has no port');
  return {
    address: `127.0.0.1:${bound.port}`,
    serverName: SERVER,
    ca: join(folder, 'ca.pem'),
    cert: join(folder, 'client.pem'),
    key: join(folder, 'client.key'),
    entered,
    close: () => void door.close(),
  };
}
