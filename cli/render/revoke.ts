/** A revocation as text: what the examples touched, and what to do about it. */
import pc from 'picocolors';
import { fact, placeOf, reachedTable } from './why-parts.ts';
import type { MemoryRevocation } from '../../app/lineage/revoke-memory.ts';
import type { Remedy, RevocationPlan, ServingRemedy } from '../../app/lineage/revoke.ts';
import { plain } from '../../process/text.ts';

const names = (ids: number[]): string => ids.map((id) => `example:${id}`).join(', ');
const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

/** Which memory entries are about to be revoked, and what goes with them. */
export function renderMemoryPlan({ named, descended, examples }: MemoryRevocation): string {
  const list = (ids: number[]) => ids.map((id) => `memory:${id}`).join(', ');
  return [
    `Revoking ${list(named)}`,
    ...(descended.length > 0 ? fact('made of it', list(descended)) : []),
    ...fact('saw it', `samples of ${plural(examples.length, 'example')}, revoked with it`),
  ].join('\n');
}

/** What is about to be revoked, and what it has touched already. */
export function renderPlan(plan: RevocationPlan, color: boolean): string {
  const c = pc.createColors(color);
  const { touched, taught, datasets } = plan;
  const lines = [c.bold(`Revoking ${names(plan.examples)}`)];
  for (const { exampleId, by, reason, createdAt } of plan.known) {
    lines.push(
      ...fact(
        'known',
        `example:${exampleId} was revoked on ${createdAt.toISOString().slice(0, 10)} by ${plain(by)}: ${plain(reason)}`,
      ),
    );
  }
  lines.push(...fact('in', plural(new Set(datasets.map((one) => one.dataset)).size, 'training set')));
  if (plan.siblings.length > 0)
    lines.push(...fact('beside', `${names(plan.siblings)}: the same answer to the same prompt, not revoked`));
  lines.push('');
  if (touched.length === 0) lines.push('No checkpoint was trained on it.');
  else lines.push(c.bold(`It touched ${plural(touched.length, 'checkpoint')}`), ...reachedTable(touched));
  if (taught.length > 0)
    lines.push(
      '',
      c.bold(`Without their weights, but trained on what they wrote: ${plural(taught.length, 'checkpoint')}`),
      ...reachedTable(taught),
    );
  return lines.join('\n');
}

/** The commands that take the touched weights out of use: in each run, and where a task serves them. */
export function renderRemedies(plan: Pick<RevocationPlan, 'examples' | 'remedies' | 'serving'>): string {
  return [
    ...plan.remedies.flatMap(remedyLines),
    ...plan.serving.flatMap((one) => servingLines(one, plan.examples)),
  ].join('\n');
}

function servingLines({ task, served, goTo, rollsBack, forced }: ServingRemedy, ids: number[]): string[] {
  const name = plain(task);
  const reason = `--reason "revoked: ${names(ids)}"`;
  return [
    `The task ${name} serves checkpoint:${served.id}, which was trained with it. To serve checkpoint:${goTo.id} (${placeOf(goTo)}) instead:`,
    rollsBack
      ? `  ratchet rollback ${name} ${reason}`
      : `  ratchet promote checkpoint:${goTo.id} --pin${forced ? ' --force' : ''} ${reason}`,
  ];
}

function remedyLines({ run, task, status, touchedBest, resetTo, underWay }: Remedy): string[] {
  const open = status === 'running' || status === 'paused' || status === 'parked';
  const lines: string[] = [];
  if (underWay.length > 0 && status !== 'completed') {
    lines.push(
      `Run ${plain(run)}: the training set of iteration ${underWay.join(', ')} was built with it before. Give that iteration up:`,
      `  ratchet skip ${plain(run)}`,
    );
  }
  if (!touchedBest) return lines;
  lines.push(`Run ${plain(run)}: its best, checkpoint:${touchedBest.id}, was trained with it.`);
  if (status === 'completed' || !resetTo) {
    const why = resetTo ? 'It is completed' : 'It began at a touched adapter';
    lines.push(
      `  ${why}, so it can't be reset. A new run from the base, without it:`,
      `  ratchet run ${plain(task)} --set start=base`,
    );
  } else {
    lines.push(
      `  To go on from the newest ancestor that was not, checkpoint:${resetTo.id} (${placeOf(resetTo)}):`,
      ...(open ? [] : [`  ratchet resume ${plain(run)}`]),
      `  ratchet reset ${plain(run)} --to ${resetTo.id}`,
    );
  }
  return lines;
}
