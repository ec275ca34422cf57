/** What a failing test shows of a bug: the lines of the test, and what it said. */
import { functionsIn } from '../../tasks/code/source.ts';
import type { Looked } from './looked.ts';
import type { Surveyed } from './survey.ts';

const MOST_LINES = 12;
const MOST_SAID = 300;

/** The first failing test as a report would quote it; undefined where its source is not found. */
export function logOf(
  looked: Looked,
  must: readonly string[],
  { tests, ended }: Surveyed,
): string | undefined {
  const [name] = must;
  if (name === undefined) return undefined;
  const source = sourceOf(looked, name);
  const said = (tests[name] ?? (ended === null ? 'does not end' : 'was not run'))
    .replaceAll(/\s+/g, ' ')
    .slice(0, MOST_SAID);
  return [`${name} fails: ${said}`, ...(source ? [source] : [])].join('\n');
}

/** Lines of the failing tests that hold calls and expected values. */
export const failingCalls = (looked: Looked, must: readonly string[]): string[] =>
  must.slice(0, 20).flatMap((name) => sourceOf(looked, name) ?? []);

/** @param name as its runner reports it: `tests.test_text.SlugifyTest.test_spaces`, `slugify > joins words` */
function sourceOf({ snapshot }: Looked, name: string): string | undefined {
  const parts = name.split(/ > |\.(?=[\w]+$)/);
  const last = parts.at(-1)!;
  const owner = parts.length > 1 ? parts.at(-2)!.split('.').at(-1)! : undefined;
  const fitting = [...snapshot.others].flatMap(([path, text]) => {
    if (path.endsWith('.py'))
      return functionsIn(path, text)
        .filter((fn) => fn.name === `${owner}.${last}` || (fn.name === last && owner === undefined))
        .map((fn) => fn.text);
    const from = owner === undefined ? 0 : Math.max(0, text.search(quoted(owner)));
    const at = text.slice(from).search(quoted(last));
    if (at === -1 || !text.includes(owner ?? '')) return [];
    const begin = text.lastIndexOf('\n', from + at) + 1;
    const lines = text.slice(begin).split('\n');
    const indent = /^\s*/.exec(lines[0]!)![0];
    const end = lines.findIndex((line, i) => i > 0 && line.startsWith(`${indent}}`));
    return [lines.slice(0, end === -1 ? MOST_LINES : end + 1).join('\n')];
  });
  const [text] = fitting;
  if (text === undefined) return undefined;
  const lines = text.replace(/^\n+|\n+$/g, '').split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim()).map((line) => /^\s*/.exec(line)![0].length));
  return lines
    .slice(0, MOST_LINES)
    .map((line) => line.slice(indent))
    .join('\n');
}

/** A title in quotes of any kind. */
const quoted = (title: string): RegExp =>
  new RegExp(`(['"\`])${title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}\\1`);
