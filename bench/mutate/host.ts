/**
 * Runs in one vitest process: loads the tests with instrumented sources, and runs, for each mutant, the tests that reach it until one fails.
 * Started by `bench/mutate.ts`.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acting, compare, MOST_COMPARISONS } from './acting.ts';
import { instrument, type Mutant } from './mutants.ts';

const root = new URL('../..', import.meta.url);
const { sources, tests, out } = JSON.parse(process.env.RATCHET_MUTATE!) as {
  sources: string[];
  tests: string;
  out: string;
};

type Case = { name: string; run: () => unknown; comparisons: number; reaches: Set<number> };

const mutants: Mutant[] = [];
const texts = new Map<string, string>();
for (const file of sources) {
  const made = instrument(file, readFileSync(new URL(file, root), 'utf8'), mutants.length + 1);
  texts.set(new URL(file, root).href, stripTypeScriptTypes(made.text));
  mutants.push(...made.mutants);
}

// The same examples of properties for each change and each time.
fc.configureGlobal({ seed: 1 });

/** Tests as their files declare them. */
const cases: Case[] = [];
const path: string[] = [];
type Body = (...args: unknown[]) => unknown;
function declare(name: string, run: () => unknown): void {
  cases.push({ name: [...path, name].join(' › '), run, comparisons: 0, reaches: new Set() });
}
function describe(name: string, body: () => unknown): void {
  path.push(name);
  body();
  path.pop();
}
const each =
  (one: typeof declare) =>
  (rows: readonly unknown[]) =>
  (name: string, body: Body): void =>
    rows.forEach((row, i) =>
      one(`${name} #${i}`, () => (Array.isArray(row) ? body(...(row as unknown[])) : body(row))),
    );
const test = Object.assign(declare, { each: each(declare) });
const api = { describe: Object.assign(describe, { each: each(describe) }), it: test, test, expect };
Object.assign(globalThis, { __compare: compare, __tests: api });
const SHIM = `data:text/javascript,export const {${Object.keys(api).join(',')}}=globalThis.__tests`;

registerHooks({
  resolve(specifier, context, next) {
    const declares = specifier === 'vitest' && context.parentURL?.startsWith(new URL('tests/', root).href);
    return declares ? { url: SHIM, format: 'module', shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    const source = texts.get(url);
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
  },
});

/** Its error, or undefined where it passes. */
async function run(one: Case): Promise<unknown> {
  acting.comparisons = 0;
  try {
    await one.run();
    return undefined;
  } catch (error) {
    return error ?? new Error('thrown');
  }
}

it('mutants', async () => {
  for (const file of globSync(tests, { cwd: fileURLToPath(root) }).toSorted())
    await import(pathToFileURL(fileURLToPath(new URL(file, root))).href);
  const usable: Case[] = [];
  const left: string[] = [];
  const failing: string[] = [];
  for (const one of cases) {
    acting.reached = new Set();
    const error = await run(one);
    Object.assign(one, { comparisons: acting.comparisons, reaches: acting.reached });
    if (acting.comparisons > MOST_COMPARISONS) left.push(one.name);
    else if (error)
      failing.push(`${one.name}: ${error instanceof Error ? error.message : JSON.stringify(error)}`);
    else usable.push(one);
  }
  usable.sort((a, b) => a.comparisons - b.comparisons);
  const results = [];
  for (const mutant of mutants) {
    const reaching = usable.filter(({ reaches }) => reaches.has(mutant.id));
    acting.id = mutant.id;
    let noticed = false;
    for (const one of reaching) {
      if (!(await run(one))) continue;
      noticed = true;
      break;
    }
    acting.id = 0;
    results.push({ ...mutant, reached: reaching.length > 0, noticed });
  }
  writeFileSync(out, JSON.stringify({ tests: usable.length, left, failing, results }));
});
