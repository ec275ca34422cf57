/** Which files a fix may touch. */

const PROTECTED = [
  // Tests, and what runs them.
  /(?:^|\/)(?:tests?|__tests__|spec|specs|testing|__mocks__|fixtures)\//i,
  /(?:^|\/)test_[^/]*$|_test\.[a-z]+$|[.-](?:test|spec)\.[a-z]+$/i,
  /(?:^|\/)(?:tests?|conftest|noxfile|setup|sitecustomize|usercustomize|manage|tasks|fabfile|runtests?)\.[a-z]+$/i,
  // Configuration, and what is installed or hidden.
  /(?:^|\/)[^/]*\.config\.[a-z]+$|(?:^|\/)(?:gruntfile|gulpfile)\.[a-z]+$/i,
  /(?:^|\/)(?:node_modules|site-packages|vendor)\//i,
  /(?:^|\/)\./,
];

/** Whether a file is a test, a part of what runs tests, or configuration: never a fix's to change, whatever is allowed. */
export const isProtected = (path: string): boolean => PROTECTED.some((pattern) => pattern.test(path));

/** A path inside the repository, written the one way it can be. */
export const isPlainPath = (path: string): boolean =>
  path !== '' &&
  !/^(?:[/\\~]|[a-z]:)|\\|\0/i.test(path) &&
  path.split('/').every((part) => !['', '.', '..'].includes(part));

/** Globs of `*`, `?`, `**` and `{a,b}`, against the whole path. */
export function matchesGlob(path: string, glob: string): boolean {
  let depth = 0;
  const pattern = glob.replace(/\*\*\/|\*\*|[*?{},]|[.+^$()|[\]\\]/g, (token) => {
    switch (token) {
      case '**/':
        return '(?:[^/]+/)*';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      case '{':
        depth++;
        return '(?:';
      case '}':
        return depth-- > 0 ? ')' : '\\}';
      case ',':
        return depth > 0 ? '|' : ',';
      default:
        return `\\${token}`;
    }
  });
  return new RegExp(`^${pattern}$`).test(path);
}
