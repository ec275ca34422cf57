/** Task files as YAML: read, and checked against a schema, with every problem named. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseDocument, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { allowedFile } from './access.ts';
import { decodeFile } from './decode.ts';
import { fileProblem, InvalidInputError } from './errors.ts';

/** @throws InvalidInputError where it can't be read, or is no text */
export async function readText(what: string, path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new InvalidInputError([fileProblem(what, path, error)]);
  }
  const decoded = decodeFile(bytes);
  if ('problem' in decoded) throw new InvalidInputError([`${what} ${path}: ${decoded.problem}`]);
  return decoded.text;
}

/** A YAML file as it was read: what it holds, and the folder to which its paths are relative. */
export type YamlFile = { path: string; folder: string; value: unknown };

/**
 * Reads a task file, whatever kind of task it is, or another file of the same form.
 *
 * @param what names the file in errors
 * @throws InvalidInputError where it may not be read, or is no YAML
 */
export async function readYaml(path: string, what = 'task file'): Promise<YamlFile> {
  const real = await allowedFile(what, path);
  const document = parseDocument(await readText(what, real), { prettyErrors: true });
  if (document.errors.length > 0)
    throw new InvalidInputError(document.errors.map((error) => `${what} ${path}: ${whatYamlSays(error)}`));
  return { path, folder: dirname(real), value: document.toJS({ maxAliasCount: 100 }) ?? {} };
}

/** What a task file says of its kind; undefined: nothing, or no text. */
export const taskKind = ({ value }: YamlFile): string | undefined =>
  typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
    ? value.kind
    : undefined;

/** @throws InvalidInputError naming every field that is not as the schema has it */
export function parseAs<Schema extends z.ZodType>(
  schema: Schema,
  { path, value }: YamlFile,
  what = 'task file',
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    parsed.error.issues
      .flatMap(explain)
      .map(({ at, message }) => `${what} ${path}: ${at || 'the file'}: ${message}`),
  );
}

/** What is wrong and where, without the words of the file that YAML's own messages quote (what follows a colon, what stands in quotes). */
function whatYamlSays({ message, linePos, code }: YAMLError): string {
  const [first = ''] = message.split('\n');
  const said = first
    .replace(/ at line \d+, column \d+:?$/, '')
    .split(/: |["'`!%*&]/)[0]!
    .trim();
  const [start] = linePos ?? [];
  const where = start ? ` at line ${start.line}, column ${start.col}` : '';
  return `${said || `is no YAML (${code})`}${where}`;
}

/** One line per issue; of a union, what is wrong with the alternative that the value resembles most. */
function explain(issue: z.core.$ZodIssue): { at: string; message: string }[] {
  const at = issue.path.join('.');
  if (issue.code !== 'invalid_union') return [{ at, message: issue.message }];
  const isObject = (issues: z.core.$ZodIssue[]): boolean =>
    issues.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys');
  const closest = issue.errors.find((issues) => isObject(issues)) ?? issue.errors[0] ?? [];
  return closest.map((inner) => ({ at: [...issue.path, ...inner.path].join('.'), message: inner.message }));
}
