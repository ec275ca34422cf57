import { setImmediate as otherWork } from 'node:timers/promises';
import type { NewLeak } from '../../db/queries/leaks.ts';
import type { LeakIndex } from '../../loop/leaks.ts';
import type { Prompt, PromptRequest } from '../../tasks/task.ts';

/** Comparing prompts takes the processor; heartbeats and other pages get a turn after so many. */
const PROMPTS_AT_ONCE = 200;

/** The draws of one pool: no problem comes twice, and what is held out is kept apart as a leak. */
export class Draws {
  readonly leaked: NewLeak[] = [];
  private readonly iterationId: number;
  private readonly drawn: Set<string>;

  /** @param drawn keys that are no question any more, whoever asks */
  constructor(iterationId: number, drawn: Set<string>) {
    this.iterationId = iterationId;
    this.drawn = drawn;
  }

  /** @returns as many prompts as asked for, or all that the source has */
  async take<P extends Prompt>(
    source: (request: PromptRequest) => AsyncIterable<P>,
    index: LeakIndex,
    request: PromptRequest,
  ): Promise<P[]> {
    const taken: P[] = [];
    const exclude = (key: string) => request.exclude(key) || this.drawn.has(key);
    let dropped = 0;
    // What was dropped is replaced. Each further draw is twice as wide, so that a source full of leaks ends soon.
    for (let wider = 1; taken.length < request.count; wider *= 2) {
      const before = this.drawn.size;
      const count = wider === 1 ? request.count : (request.count - taken.length) * wider;
      for await (const prompt of source({ ...request, count, exclude })) {
        if (this.drawn.has(prompt.key)) continue;
        this.drawn.add(prompt.key);
        if (this.drawn.size % PROMPTS_AT_ONCE === 0) await otherWork();
        if (this.isLeak(prompt, index)) {
          dropped += 1;
          continue;
        }
        taken.push(prompt);
        if (taken.length === request.count) break;
      }
      if (this.drawn.size === before || dropped === 0) break;
    }
    return taken;
  }

  private isLeak(prompt: Prompt, index: LeakIndex): boolean {
    const leak = index.find(prompt);
    if (!leak) return false;
    const { kind, similarity, heldOut } = leak;
    this.leaked.push({
      iterationId: this.iterationId,
      stage: 'collect',
      position: this.leaked.length,
      key: prompt.key,
      text: prompt.text,
      benchmark: heldOut.benchmark,
      itemKey: heldOut.key,
      kind,
      similarity,
    });
    return true;
  }
}
