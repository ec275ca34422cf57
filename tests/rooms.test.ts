/**
 * The order of rooms: one list, from the bottom up. A room imports from rooms above it in the list only, types included; rooms of
 * one line do not know each other. What reaches a workflow, by however many files, runs in Temporal's sandbox.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

const ORDER = [
  ['process'],
  ['sandbox'],
  ['gates'],
  ['loop'],
  ['tasks'],
  ['models'],
  ['db'],
  ['engine'],
  ['activities'],
  ['workflows'],
  ['stack'],
  ['app'],
  ['workers', 'cli', 'web', 'gateway'],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const height = new Map(ORDER.flatMap((line, at) => line.map((room) => [room, at])));
const roomOf = (file: string) => file.split('/')[0]!;
const isOurs = (file: string) => height.has(roomOf(file));

type Import = { from: string; typeOnly: boolean };

/** What a file imports: paths from the root for our files, names for packages. */
function importsOf(file: string): Import[] {
  const { module } = parseSync(file, readFileSync(join(root, file), 'utf8'));
  const imported = (specifier: string, typeOnly: boolean) => ({
    from: specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
    typeOnly,
  });
  return [
    ...module.staticImports.map(({ moduleRequest, entries }) =>
      imported(moduleRequest.value, entries.length > 0 && entries.every((one) => one.isType)),
    ),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [imported(moduleRequest.value, isType)] : [],
      ),
    ),
  ];
}

const listed = (...patterns: string[]): string[] =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...patterns], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '');
const files = listed('*.ts', '*.tsx').filter(isOurs);
const imports = new Map(files.map((file) => [file, importsOf(file)]));

test('every room imports from rooms below it only', () => {
  const wrong = [...imports].flatMap(([file, own]) =>
    own
      .filter(({ from }) => isOurs(from) && roomOf(from) !== roomOf(file))
      .filter(({ from }) => height.get(roomOf(from))! >= height.get(roomOf(file))!)
      .map(({ from }) => `${file} → ${from}`),
  );
  expect(wrong).toEqual([]);
});

test('nothing but workflows/, loop/ and packages made for the sandbox reaches a workflow, by however many files', () => {
  const from = new Map<string, string>();
  const queue = ['workflows/index.ts', 'workflows/failure-converter.ts'];
  const wrong: string[] = [];
  const builtins = new Set(builtinModules);
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    for (const one of imports.get(file) ?? []) {
      if (one.typeOnly || from.has(one.from)) continue;
      from.set(one.from, file);
      if (files.includes(one.from)) queue.push(one.from);
      const allowed = isOurs(one.from)
        ? ['workflows', 'loop'].includes(roomOf(one.from))
        : one.from === '@temporalio/workflow' || one.from === '@temporalio/common' || one.from === 'zod';
      if (!allowed || builtins.has(one.from)) wrong.push(`${file} → ${one.from}`);
    }
  }
  expect(from.size).toBeGreaterThan(10);
  expect(wrong).toEqual([]);
});

// Tables refer to each other as their rows do, lazily: the schema is one file, cut by subject.
const isTable = (file: string) => file.startsWith('db/schema/');

test('no file reaches itself by what it imports when it runs', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const { from, typeOnly } of imports.get(file) ?? [])
      if (!typeOnly && files.includes(from) && !(isTable(file) && isTable(from)))
        visit(from, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

const FILE_LINES = 350;
const FUNCTION_LINES = 120;

const linesOf = (text: string): number => text.split('\n').length;

/** The functions of a file that are too long; what a class is made of are functions of their own. */
function longFunctions(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const found: string[] = [];
  if (linesOf(source) <= FUNCTION_LINES) return found;
  const look = ({ start, end }: { start: number; end: number }) => {
    const lines = linesOf(source.slice(start, end));
    if (lines > FUNCTION_LINES)
      found.push(`${file}:${linesOf(source.slice(0, start))}: a function of ${lines} lines`);
  };
  new Visitor({
    FunctionDeclaration: look,
    FunctionExpression: look,
    ArrowFunctionExpression: look,
  }).visit(parseSync(file, source).program);
  return found;
}

test('no file and no function is longer than can be read at once', () => {
  const longFiles = [...files, ...listed('modelserver/ratchet_modelserver/*.py')]
    .map((file) => ({ file, lines: linesOf(readFileSync(join(root, file), 'utf8').trimEnd()) }))
    .filter(({ lines }) => lines > FILE_LINES)
    .map(({ file, lines }) => `${file}: ${lines} lines`);
  expect([...longFiles, ...files.flatMap(longFunctions)]).toEqual([]);
});
