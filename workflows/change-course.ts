import { condition } from '@temporalio/workflow';
import type { PreparedRun } from '../activities/run/run.ts';
import { measure } from './measure.ts';
import { main } from './proxies.ts';
import type { Session } from './session.ts';

/**
 * Acts on what was asked for since the last safe point: resets, answers to stagnation, a pause.
 *
 * @param from the first iteration that it concerns
 * @returns why no further iteration may begin, if so
 */
export async function changeCourse(
  session: Session,
  run: PreparedRun,
  from: number,
): Promise<string | undefined> {
  const { runId, control } = session;
  while (!control.stop) {
    if (control.reset) await reset(session, run, from);
    else if (control.stagnations.length > 0) {
      const { id, args } = control.stagnations[0]!;
      const answered = await session.attempt('answering stagnation', () =>
        main.answerStagnation({ runId, from, id, args }),
      );
      control.stagnations.shift();
      if (answered?.halt) return answered.halt;
    } else if (control.paused) {
      session.refresh('waiting between iterations');
      const toldMore = () => control.reset !== undefined || control.stagnations.length > 0;
      await condition(() => !control.paused || control.stop !== undefined || toldMore());
    } else return undefined;
  }
  return undefined;
}

/** Goes on from another checkpoint, which must be measured as whatever candidates are held against. */
async function reset(session: Session, run: PreparedRun, from: number): Promise<void> {
  const { runId, control, safePoint } = session;
  const asked = control.reset!;
  const { checkpointId } = asked;
  const { id, args } = asked.message;
  await session.attempt('resetting', () => main.reset({ runId, from, checkpointId, id, args }));
  const doing = `measuring checkpoint ${checkpointId}`;
  session.refresh(doing);
  // A checkpoint that is no longer served can be given up for another one.
  const replaced = () => control.reset !== asked;
  await session.attempt(
    doing,
    () => measure({ runId, checkpointId, roles: ['target', 'guard'] }, run, safePoint),
    replaced,
  );
  if (!replaced()) control.reset = undefined;
}
