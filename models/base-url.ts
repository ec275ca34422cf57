/** What is wrong with a base URL, told before the first call and without what a user may have hidden in it. */

/** @returns undefined where it can be called */
export function baseUrlProblem(baseURL: string): string | undefined {
  const given = baseURL.trim();
  if (given === '') return 'is empty: it takes http://HOST:PORT/v1';
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    // "localhost:8000/v1" parses, with "localhost:" as its scheme.
    const host = /^(?:\/\/)?([\w.-]+(?::\d+)?(?:\/[\w./-]*)?)$/.exec(given)?.[1];
    const meant = host === undefined ? '' : `: did you mean http://${host}?`;
    return `has no http:// or https:// before it${meant}`;
  }
  if (url.username !== '' || url.password !== '')
    return 'holds a user name or password, which would stand in logs and reports: put a key into an environment variable and name that in apiKeyEnv';
  if (url.search !== '' || url.hash !== '')
    return `has something behind its path (${url.search === '' ? '#…' : '?…'}): the path of each call is put after it`;
  if (url.port === '0') return 'names the port 0: see on which port the endpoint listens';
  return undefined;
}
