/** Samples: whose they are. */
import { sql, type SQL } from 'drizzle-orm';

/**
 * The model's own samples. What is counted or listed as such asks for it here: neither what was planted to audit the gates nor what
 * a person gave is the model's.
 *
 * @param table the name under which the query knows `samples`
 */
export const drawn = (table = 'samples'): SQL<boolean> => sql`${sql.identifier(table)}.origin = 'model'`;
