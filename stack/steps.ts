// Progress of the set-up: one line per step with its time.
import pc from 'picocolors';
import { redacted } from '../process/secrets.ts';

export interface Step {
  name: string;
  phase: 'start' | 'info' | 'done' | 'failed';
  detail?: string;
  ms?: number;
}
export type OnStep = (step: Step) => void;

/** Reports one step around `work`; what `work` answers as `detail` is on its line. Answering undefined prints no line. */
export async function step<T extends { detail?: string } | undefined>(
  name: string,
  onStep: OnStep,
  work: (info: (detail: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  onStep({ name, phase: 'start' });
  try {
    const result = await work((detail) =>
      onStep({ name, phase: 'info', detail, ms: performance.now() - started }),
    );
    if (result !== undefined)
      onStep({ name, phase: 'done', detail: result.detail, ms: performance.now() - started });
    return result;
  } catch (error) {
    // A step inside another one has told already.
    if (!reported.has(error as Error))
      onStep({ name, phase: 'failed', detail: (error as Error).message, ms: performance.now() - started });
    reported.add(error as Error);
    throw error;
  }
}

const reported = new WeakSet<Error>();

/** True when a step has reported this error: the command that ends with it need not print it again. */
export function wasReported(error: unknown): boolean {
  return error instanceof Error && reported.has(error);
}

export function markReported(error: Error): void {
  reported.add(error);
}

/** Prints steps as lines: ✓ done with its time, ✗ failed with the reason, dim lines for what happens in between. */
export function stepPrinter(stream: NodeJS.WriteStream = process.stderr): OnStep {
  const colors = pc.createColors(Boolean(stream.isTTY) && !process.env.NO_COLOR);
  return ({ name, phase, detail: given, ms }) => {
    const detail = given === undefined ? undefined : redacted(given);
    const time = ms === undefined ? '' : ` ${colors.dim(`(${formatSeconds(ms)})`)}`;
    if (phase === 'done') stream.write(`${colors.green('✓')} ${name}${detail ? ` ${detail}` : ''}${time}\n`);
    if (phase === 'failed') {
      // Most messages say themselves what they are about.
      const subject = detail?.startsWith(name) ? '' : `${name}: `;
      stream.write(`${colors.red('✗')} ${subject}${detail ?? 'failed'}${time}\n`);
    }
    if (phase === 'info') stream.write(`${colors.dim(`  ${name}: ${detail}`)}\n`);
  };
}

function formatSeconds(ms: number): string {
  return ms < 100_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
