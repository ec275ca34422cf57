/** Asks before people change what a task serves. A page of its own, which scripts show as a dialog. */
import { Said } from '../../app/html/parts.ts';
import type { TaskServing } from '../../engine/serving.ts';
import { percent, pValueText } from '../../process/text.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { taskPath, type Compared } from '../checkpoints.ts';
import { Dialogue } from '../parts/dialogue.tsx';
import type { Frame } from '../parts/layout.tsx';

export type Choice = 'promote' | 'rollback' | 'unpin';

export const CHOICES: Record<Choice, { title: string; explanation: string }> = {
  promote: {
    title: 'Serve this checkpoint',
    explanation:
      'It is served at once. A promotion that is proven better than it replaces it, unless it is pinned.',
  },
  rollback: {
    title: 'Roll back',
    explanation:
      'The checkpoint before is served again, at once. Pinned, because what is taken back was measured better, and so would be what is trained from it.',
  },
  unpin: {
    title: 'Unpin',
    explanation:
      'What people chose no longer counts: the task serves what its proven promotions give, now and from now on.',
  },
};

/** What was typed before it was refused. */
export type Typed = { reason: string; pin: boolean; force: boolean };

export type ChoiceData = {
  choice: Choice;
  task: string;
  serving: TaskServing;
  /** What will be served; undefined for `unpin`, which the promotions decide. */
  next: Checkpoint | undefined;
  /** Did its run promote it, and not for comparison only? */
  passed: boolean;
  /** What is served now and `next`, on target and guards that both answered. */
  compared: Compared[];
  typed: Typed;
};

const Named = ({ one }: { one: Checkpoint }) => (
  <>
    checkpoint {one.id} (
    {one.iterationIndex > 0
      ? `iteration ${one.iterationIndex}`
      : one.kind === 'base'
        ? 'the base'
        : 'the start'}{' '}
    of <Said text={one.runId} most={40} />)
  </>
);

const Measured = ({ compared }: { compared: Compared[] }) => (
  <ul class="measured">
    {compared.map(({ benchmark, fixed, broken, right, pairs, pValue }) => (
      <li>
        <b>
          <Said text={benchmark} most={40} />
        </b>{' '}
        {percent((right + broken) / pairs)} → {percent((right + fixed) / pairs)}{' '}
        <span class="muted">
          {fixed} fixed, {broken} broken, p {pValueText(pValue)}
        </span>
      </li>
    ))}
  </ul>
);

export const ChoicePage = ({
  frame,
  action,
  back,
  data,
  problem,
}: {
  frame: Partial<Frame>;
  /** Where the form goes, and where it leads that is given up. */
  action: string;
  back: string;
  data: ChoiceData;
  problem?: string;
}) => {
  const { choice, task, serving, next, passed, compared, typed } = data;
  const { title, explanation } = CHOICES[choice];
  const now = serving.checkpoint;
  return (
    <Dialogue frame={frame} section="/checkpoints" title={title}>
      <h2 id="dialog-title">{title}</h2>
      {problem === undefined ? null : (
        <p class="answer refused" role="alert">
          <Said text={problem} most={1000} />
        </p>
      )}
      <form method="post" action={action}>
        <input type="hidden" name="seen" value={now ? String(now.id) : ''} />
        <p>
          <a href={taskPath(task)}>
            <Said text={task} most={60} />
          </a>{' '}
          serves {now ? <Named one={now} /> : 'nothing'}
          {serving.pinned ? ', pinned' : ''}.
          {next ? (
            <>
              {' '}
              After this it serves{' '}
              <b>
                <Named one={next} />
              </b>
              .
            </>
          ) : null}
        </p>
        {compared.length > 0 ? <Measured compared={compared} /> : null}
        <p class="help">{explanation}</p>
        <label>
          Reason <span class="help">kept with the choice</span>
          <input name="reason" value={typed.reason} required maxlength={1000} autocomplete="off" autofocus />
        </label>
        {choice === 'unpin' ? null : (
          <label class="inline">
            <input type="checkbox" name="pin" value="yes" checked={typed.pin} />
            Pin: nothing replaces it until somebody chooses again
          </label>
        )}
        {passed ? null : (
          <label class="inline force">
            <input type="checkbox" name="force" value="yes" checked={typed.force} />
            It was never proven better. Serve it all the same; this is kept, too
          </label>
        )}
        <div class="actions">
          <a class="button" href={back} data-close="">
            Cancel
          </a>
          <button class={passed ? 'primary' : 'danger'}>{title}</button>
        </div>
      </form>
    </Dialogue>
  );
};
