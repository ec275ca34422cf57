/**
 * Sets two arms of one experiment beside each other: a table of each as Markdown, and one picture of both.
 *
 *     npx ratchet run arithmetic --iterations 20 --id gated --json gated.json
 *     npx ratchet run arithmetic --iterations 20 --id ungated --ungated --json ungated.json
 *     npx node bench/compare-runs.ts gated.json ungated.json --svg docs/measurements/twenty-iterations.svg
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { IterationReport, Report } from '../app/report/types.ts';

const { positionals, values } = parseArgs({ allowPositionals: true, options: { svg: { type: 'string' } } });
if (positionals.length !== 2) {
  console.error(
    'Give two reports, as `ratchet report RUN --json` writes them: the gated arm, then the ungated one.',
  );
  process.exit(2);
}
const arms = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report);

const percent = (share: number | null | undefined) => (share == null ? '–' : `${(100 * share).toFixed(1)}`);

/** Target accuracy of the best checkpoint after each decided iteration, the base first. */
function bestOf({ base, iterations }: Report): number[] {
  const first = base?.target?.rate ?? 0;
  return iterations.reduce(
    (best, one) => [...best, one.decision === 'promote' ? one.target!.rate : best.at(-1)!],
    [first],
  );
}

function row(one: IterationReport, best: number): string {
  const { pseudoLabels, audit } = one;
  const cells = [
    one.iteration,
    one.levels ? `${one.levels[0]}–${one.levels.at(-1)}` : '–',
    `${one.accepted} of ${one.prompts}`,
    pseudoLabels ? percent(pseudoLabels.correct / pseudoLabels.total) : '–',
    one.agreement?.toFixed(2) ?? '–',
    percent(one.target?.rate),
    one.decision ?? one.reason ?? '–',
    percent(best),
    percent(one.guard?.rate),
    audit ? `${audit.caught} of ${audit.planted}` : '–',
  ];
  return `| ${cells.join(' | ')} |`;
}

function table(report: Report): string {
  const best = bestOf(report);
  const { pseudoLabels } = {
    pseudoLabels: report.iterations.flatMap((one) => one.pseudoLabels ?? []),
  };
  const correct = pseudoLabels.reduce((sum, one) => sum + one.correct, 0);
  const total = pseudoLabels.reduce((sum, one) => sum + one.total, 0);
  const scores = report.comparison.map(
    ({ role, base, best: reached }) => `${role} ${percent(base.rate)} → ${percent(reached.rate)} %`,
  );
  return [
    '| # | levels | accepted | of them right % | agreement | candidate on target % | decision | best on target % | guard % | probes caught |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...report.iterations.map((one, i) => row(one, best[i + 1]!)),
    '',
    `${total} pseudo-labels accepted, ${percent(total ? correct / total : null)} % of them right; ${scores.join(', ')}; ${report.status}${report.statusReason ? `: ${report.statusReason}` : ''}.`,
  ].join('\n');
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [760, 300, 46, 150, 16, 34];
const most = Math.max(...arms.map(({ iterations }) => iterations.length), 1);
const x = (i: number) => LEFT + (i * (WIDTH - LEFT - RIGHT)) / most;
const y = (share: number) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
const line = (points: [number, number][], style: string) =>
  `<polyline fill="none" ${style} points="${points.map(([i, share]) => `${x(i).toFixed(1)},${y(share).toFixed(1)}`).join(' ')}"/>`;

/** Text in the middle of the grey scale can be read on white and on black. */
function svg(): string {
  const colours = ['#0f9488', '#d2691e'];
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(share)}" y2="${y(share)}" stroke="#8884"/><text x="${LEFT - 8}" y="${y(share) + 4}" text-anchor="end">${100 * share} %</text>`,
  );
  const ticks = Array.from({ length: Math.floor(most / 5) + 1 }, (_, i) => i * 5).map(
    (i) => `<text x="${x(i)}" y="${HEIGHT - 12}" text-anchor="middle">${i}</text>`,
  );
  const drawn = arms.flatMap((report, arm) => {
    const name = report.experiment === 'none' ? 'gated' : report.experiment;
    const best = bestOf(report);
    const right = report.iterations.flatMap((one): [number, number][] =>
      one.pseudoLabels?.total ? [[one.iteration, one.pseudoLabels.correct / one.pseudoLabels.total]] : [],
    );
    const at = best.map((share, i): [number, number] => [i, share]);
    const ends = [
      [`${name}: best on target`, best.at(-1)!],
      [`${name}: accepted, right`, right.at(-1)?.[1] ?? 0],
    ] as const;
    return [
      line(at, `stroke="${colours[arm]}" stroke-width="2.5"`),
      line(right, `stroke="${colours[arm]}" stroke-width="1.5" stroke-dasharray="4 4"`),
      ...ends.map(([text, share], i) => {
        const near = Math.abs(ends[0][1] - ends[1][1]) < 0.06 ? (i === 0 ? 12 : -2) : 4;
        return `<text x="${x(best.length - 1) + 8}" y="${y(share) + near}" fill="${colours[arm]}">${text}</text>`;
      }),
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#777">
<title>Held-out accuracy of the best checkpoint, and how much of what was accepted was right, by iteration</title>
${[...grid, ...ticks, ...drawn].join('\n')}
</svg>
`;
}

for (const report of arms) console.log(`${table(report)}\n`);
if (values.svg) {
  mkdirSync(dirname(values.svg), { recursive: true });
  writeFileSync(values.svg, svg());
}
