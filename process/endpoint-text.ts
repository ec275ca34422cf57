/** What the texts that name an endpoint and its key must look like, wherever they stand: an input, a task file, an environment. Pure. */

/** An input is stored, by Temporal too: what is wrong with it is said without what it holds. */
export const WITH_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i;
export const HOLDS_PASSWORD =
  'holds a user name or password: put a key into an environment variable and name that in apiKeyEnv';
export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const NO_VARIABLE = 'must be the name of an environment variable, not the key itself';
