/** How many problems are named one by one; the rest are counted. */
const NAMED = 20;

/** What a user gave can't be used: one plain sentence per problem, each naming the file, line or field. */
export class InvalidInputError extends Error {
  override name = 'InvalidInputError';
  readonly problems: string[];

  constructor(problems: string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** Collects problems, so that all of them are reported at once. */
export type Problems = {
  add(problem: string): void;
  readonly count: number;
  /** @throws InvalidInputError when there are any: the first 20, then how many more */
  throwIfAny(): void;
};

export function collectProblems(): Problems {
  const named: string[] = [];
  let count = 0;
  return {
    add(problem) {
      count += 1;
      if (named.length < NAMED) named.push(problem);
    },
    get count() {
      return count;
    },
    throwIfAny() {
      if (count === 0) return;
      throw new InvalidInputError(count > NAMED ? [...named, `… and ${count - NAMED} more problems`] : named);
    },
  };
}

/** A file that can't be opened or read, in words. */
export function fileProblem(what: string, path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  const causes: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'is a folder, not a file',
    EACCES: 'may not be read',
    ENOTDIR: 'there is no such folder',
  };
  return `${what} ${path}: ${causes[code ?? ''] ?? String((error as Error).message)}`;
}
