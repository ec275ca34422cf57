/** Asks before a run is told something. A page of its own, which scripts show as a dialog. */
import { Said } from '../../app/html/parts.ts';
import type { CheckpointRow } from '../../db/queries/report.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { percent } from '../../process/text.ts';
import type { RoleScores } from '../../app/report/types.ts';
import { runPath } from '../parts/basics.tsx';
import { Dialogue } from '../parts/dialogue.tsx';
import type { Frame } from '../parts/layout.tsx';
import { LIMIT_TITLES, LIMITS, type Action } from '../steering.ts';

export type SteerData = {
  runId: string;
  action: Action;
  checkpoints: { row: CheckpointRow; scores: RoleScores; best: boolean }[];
  budget: ImproveSettings['budget'];
};

const Reset = ({ checkpoints }: Pick<SteerData, 'checkpoints'>) => (
  <label>
    Go on from
    <select name="to" required>
      <option value="best">the best on target</option>
      {checkpoints.map(({ row, scores, best }) => (
        <option value={row.iterationIndex === 0 ? 'base' : String(row.id)}>
          {row.iterationIndex === 0 ? 'the start' : `iteration ${row.iterationIndex}`} · checkpoint {row.id} ·{' '}
          {scores.target ? percent(scores.target.rate) : 'not measured'}
          {best ? ' · best now' : ''}
        </option>
      ))}
    </select>
  </label>
);

const Budget = ({ budget }: Pick<SteerData, 'budget'>) => (
  <>
    {(['run', 'iteration'] as const).map((scope) => (
      <fieldset>
        <legend>{scope === 'run' ? 'The whole run' : 'Each iteration'}</legend>
        <div class="fields">
          {LIMITS.map((limit) => (
            <label>
              {LIMIT_TITLES[limit]}
              <input
                name={`${scope}.${limit}`}
                inputmode="decimal"
                autocomplete="off"
                placeholder={budget[scope][limit] === undefined ? 'no limit' : String(budget[scope][limit])}
              />
            </label>
          ))}
        </div>
      </fieldset>
    ))}
  </>
);

export const SteerPage = ({
  frame,
  data,
  problem,
}: {
  frame: Partial<Frame>;
  data: SteerData;
  problem?: string;
}) => {
  const { runId, action } = data;
  return (
    <Dialogue frame={frame} section="/" title={action.title}>
      <h2 id="dialog-title">
        {action.title}: <Said text={runId} most={60} />
      </h2>
      <form method="post" action={`${runPath(runId)}/steer/${action.name}`}>
        <p class="muted">{action.question}</p>
        {problem ? (
          <p class="answer refused" role="alert">
            <Said text={problem} />
          </p>
        ) : null}
        {action.asks === 'checkpoint' ? <Reset checkpoints={data.checkpoints} /> : null}
        {action.asks === 'limits' ? <Budget budget={data.budget} /> : null}
        {action.asks === 'when' ? (
          <div class="choices" role="radiogroup" aria-label="When">
            <label class="inline">
              <input type="radio" name="when" value="now" checked />
              once the pages under way are done
            </label>
            <label class="inline">
              <input type="radio" name="when" value="iteration" />
              when the iteration is decided
            </label>
          </div>
        ) : null}
        {action.startsAgain ? null : (
          <label>
            Reason <span class="help">kept with the message</span>
            <input name="reason" maxlength={500} autocomplete="off" />
          </label>
        )}
        <div class="actions">
          <a class="button" href={runPath(runId)} data-close="">
            Cancel
          </a>
          <button class={action.danger ? 'danger' : 'primary'}>{action.title}</button>
        </div>
      </form>
    </Dialogue>
  );
};
