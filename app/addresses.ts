/** Where the database and Temporal are: what the user has configured, else the local stack that is up. */
import { connect, type Db } from '../db/connect.ts';
import { withProfile } from '../process/temporal.ts';
import { stackEnvironment } from '../stack/stack.ts';

export type Addresses = {
  database: string;
  temporal: string;
  namespace: string;
  /** The Temporal UI, where known. */
  temporalUi: string | undefined;
};

type Found = Partial<
  Record<'DATABASE_URL' | 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'TEMPORAL_UI_URL', string>
>;

/** What the running stack gives its parts, with the environment's own settings over it. */
function known(): Found {
  const stack: Found = stackEnvironment() ?? {};
  const { DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_UI_URL } = withProfile(process.env);
  const configured = { DATABASE_URL, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_UI_URL };
  // The stack's UI shows the stack's server, not another one.
  const ui = TEMPORAL_ADDRESS && TEMPORAL_ADDRESS !== stack.TEMPORAL_ADDRESS ? { TEMPORAL_UI_URL: '' } : {};
  return { ...stack, ...ui, ...Object.fromEntries(Object.entries(configured).filter(([, value]) => value)) };
}

const nothingUp =
  'Nothing is running here. Start it with: ratchet up  (or set TEMPORAL_ADDRESS and DATABASE_URL to servers of your own)';

/**
 * @param found where things are, when they are not to be looked for (the stack that a command has just started)
 * @throws Error that says how to start the stack, when there is none
 */
export function findAddresses(found: Found = known()): Addresses {
  if (!found.DATABASE_URL || !found.TEMPORAL_ADDRESS) {
    if (found.DATABASE_URL)
      throw new Error(
        `DATABASE_URL is set, but there is no Temporal. Start one with: ratchet up  (or set TEMPORAL_ADDRESS)`,
      );
    if (found.TEMPORAL_ADDRESS)
      throw new Error(
        `TEMPORAL_ADDRESS is set, but there is no database. Start one with: ratchet up  (or set DATABASE_URL)`,
      );
    throw new Error(nothingUp);
  }
  return {
    database: found.DATABASE_URL,
    temporal: found.TEMPORAL_ADDRESS,
    namespace: found.TEMPORAL_NAMESPACE || 'default',
    temporalUi: found.TEMPORAL_UI_URL || undefined,
  };
}

/** For commands that only read: the database alone is enough. */
export function findDatabase(): string {
  const { DATABASE_URL } = known();
  if (!DATABASE_URL)
    throw new Error(
      nothingUp.replace('TEMPORAL_ADDRESS and DATABASE_URL to servers', 'DATABASE_URL to a server'),
    );
  return DATABASE_URL;
}

/** Lets roles without an endpoint of their own ask the running stack's model server, as its worker does. */
export function useStackModels(): void {
  const url = process.env.MODEL_BASE_URL || stackEnvironment()?.MODEL_BASE_URL;
  if (url) process.env.MODEL_BASE_URL = url;
}

/** Opens the database for one command and closes it after. */
export async function withDatabase<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
  const db = connect(url, 4);
  try {
    return await work(db);
  } finally {
    await db.$client.end();
  }
}
