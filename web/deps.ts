import type { Client } from '@temporalio/client';
import type { Db } from '../db/connect.ts';
import type { WebSettings } from './settings.ts';

/** What the pages stand on. */
export type Deps = {
  db: Db;
  settings: Pick<WebSettings, 'token' | 'reviewToken' | 'names'>;
  /** Connects when it is first needed: pages can be read while Temporal is away. @throws Error that says what to do */
  temporal(): Promise<Client>;
  /** Where the Temporal UI is, for links to it. */
  ui: { temporalUi: string | undefined; namespace: string };
  /** Who is steering, for the audit trail. */
  operator: string;
};
