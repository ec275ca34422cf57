/** All iterations of a run, newest first. */
import { compact, duration, levelRange, percent, pValueText } from '../../cli/text.ts';
import type { IterationSummary, RunSummary } from '../data.ts';
import { DecisionChip, Empty, iterationPath } from './basics.tsx';

const Row = ({ runId, one }: { runId: string; one: IterationSummary }) => {
  const { row, funnel, before, candidate, seconds } = one;
  const numbers = row.numbers ?? {};
  const number = (field: string) => (typeof numbers[field] === 'number' ? numbers[field] : null);
  const spend = numbers.spend as { tokens?: number } | undefined;
  return (
    <tr>
      <th scope="row">
        <a href={iterationPath(runId, row.index)} data-row="">
          {row.index}
        </a>
      </th>
      <td>
        <DecisionChip kind={row.decision} />
      </td>
      <td class="number">
        {before && candidate.target ? (
          <>
            <span class="muted">{(100 * before.rate).toFixed(1)} →</span> {percent(candidate.target.rate)}
          </>
        ) : (
          '–'
        )}
      </td>
      <td class="number">{pValueText(number('pValue'))}</td>
      <td class="number">{candidate.guard ? percent(candidate.guard.rate) : '–'}</td>
      <td class="number">{levelRange(row.plan.levels)}</td>
      <td class="number">
        {funnel.judged === 0 ? (
          '–'
        ) : (
          <>
            {funnel.accepted.toLocaleString('en-US')}{' '}
            <span class="muted">{percent(funnel.accepted / Math.max(1, funnel.prompts), 0)}</span>
          </>
        )}
      </td>
      <td class="number">{funnel.trained > 0 ? funnel.trained.toLocaleString('en-US') : '–'}</td>
      <td class="number">{spend?.tokens === undefined ? '–' : compact(spend.tokens)}</td>
      <td class="number">{number('roi') === null ? '–' : number('roi')!.toFixed(1)}</td>
      <td class="number">{duration(seconds)}</td>
    </tr>
  );
};

export const Iterations = ({ summary: { run, iterations } }: { summary: RunSummary }) => (
  <section class="card">
    <header>
      <h2>Iterations</h2>
      <small>ROI: points of target for a unit of cost</small>
    </header>
    {iterations.length === 0 ? (
      <Empty>None has begun.</Empty>
    ) : (
      <div class="scroll" tabindex={0} role="region" aria-label="Iterations">
        <table>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">decision</th>
              <th scope="col" class="number">
                target
              </th>
              <th scope="col" class="number">
                p
              </th>
              <th scope="col" class="number">
                guard
              </th>
              <th scope="col" class="number">
                levels
              </th>
              <th scope="col" class="number">
                accepted
              </th>
              <th scope="col" class="number">
                trained on
              </th>
              <th scope="col" class="number">
                tokens
              </th>
              <th scope="col" class="number">
                ROI
              </th>
              <th scope="col" class="number">
                time
              </th>
            </tr>
          </thead>
          <tbody>
            {iterations.toReversed().map((one) => (
              <Row runId={run.id} one={one} />
            ))}
          </tbody>
        </table>
      </div>
    )}
  </section>
);
