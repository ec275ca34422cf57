// The part of the environment that any program needs, and that holds no secrets.
/** What any program needs to find its way: paths, language, proxies, certificates. No secrets. */
const SYSTEM = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|TZ|TERM|TMPDIR|TMP|TEMP|PWD|HOSTNAME|NO_COLOR|FORCE_COLOR)$/,
  /^(LC_|XDG_)/,
  /^(DY)?LD_LIBRARY_PATH$/,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/,
  /^NODE_(EXTRA_CA_CERTS|OPTIONS|ENV|V8_COVERAGE|NO_WARNINGS|USE_SYSTEM_CA|USE_ENV_PROXY|COMPILE_CACHE)$/,
  /^(https?|all|no)_proxy$/i,
];

export const isSystem = (name: string): boolean => SYSTEM.some((pattern) => pattern.test(name));

/** For processes of our own that need nothing else. */
export const systemEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => isSystem(name)));
