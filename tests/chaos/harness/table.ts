/** The results as Markdown tables, for the terminal and for docs/measurements/faults.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { FaultResult } from './fault-cells.ts';
import type { KillResult } from './kill-cell.ts';
import { STAGES } from './moments.ts';
import { POINTS } from './plan.ts';
import { VICTIMS } from './stack.ts';

export function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), `|${widths.map((w) => '-'.repeat(w + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

function cellText({ broken, repeated, inFlight, seconds }: KillResult): string {
  if (broken.length > 0) return `✗ ${broken.join('; ')}`;
  return `✓ ${repeated}/${inFlight}, ${seconds.toFixed(0)} s`;
}

/** One row per stage and point, one column per victim; `–` where the cell was left out. */
export function killTable(results: KillResult[]): string {
  const rows = STAGES.flatMap((stage) =>
    POINTS.map((point) => [
      `${stage}, ${point} %`,
      ...VICTIMS.map((victim) => {
        const found = results.find(
          ({ cell }) => cell.victim === victim && cell.stage === stage && cell.point === point,
        );
        return found ? cellText(found) : '–';
      }),
    ]),
  );
  return table(['killed in', ...VICTIMS], rows);
}

export function faultTable(results: FaultResult[]): string {
  return table(
    ['the endpoint', 'the run', 'result'],
    results.map(({ cell, broken, seconds }) => [
      cell.name,
      cell.expected,
      broken.length > 0 ? `✗ ${broken.join('; ')}` : `✓ ${seconds.toFixed(0)} s`,
    ]),
  );
}

/** Replaces what stands between the markers `<!-- name -->` and `<!-- /name -->` of a Markdown file. */
export function writeSection(file: string, name: string, text: string): void {
  const before = readFileSync(file, 'utf8');
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [before.indexOf(from), before.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`${file} has no section between ${from} and ${to}.`);
  writeFileSync(file, `${before.slice(0, start + from.length)}\n${text}\n${before.slice(end)}`);
}
