import { portClaims } from '../../stack/port-claims.ts';
import { portTaken } from '../../stack/ports.ts';

const claims = portClaims();
process.once('exit', () => claims.release());

/**
 * A port that no other test gets while this process lives. It lies under those from which outgoing connections are made:
 * nobody else takes it while its server is dead.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(12_000 * Math.random());
    if (!(await portTaken(port)) && claims.take(port)) return port;
  }
}
