// Calls a function as /work/probes.json says and writes what it gives to /work/report, a line for each call.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

const { path, calls } = JSON.parse(readFileSync('/work/probes.json', 'utf8'));
const module = await import(pathToFileURL(join(process.cwd(), path)));
const names = Object.keys(module).filter((name) => name !== 'default');
const shown = (value) =>
  inspect(value, {
    depth: 6,
    sorted: true,
    breakLength: Infinity,
    maxArrayLength: 200,
    customInspect: false,
  });

for (const [number, call] of calls.entries()) {
  let value;
  try {
    // The container is there for this.
    // oxlint-disable-next-line typescript/no-implied-eval
    value = shown(await new Function(...names, `return (${call}\n)`)(...names.map((name) => module[name])));
  } catch (error) {
    value = `raises ${error?.constructor?.name ?? 'something'}`;
  }
  appendFileSync('/work/report', `${JSON.stringify([number, value])}\n`);
}
process.exit(0);
