/** The gallery as a Markdown table, for the terminal and for docs/safety.md. */
import { table } from '../../chaos/harness/table.ts';
import type { RogueResult } from './rogue.ts';

/** Text in a cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');

/** What a run was told is shortened to what is the same every time: folders and ids are not. */
const steady = (text: string): string =>
  text.replaceAll(/fp_[0-9a-f]+/g, 'fp_…').replaceAll(/ftjob-\w+/g, 'ftjob-…');

function held({ rogue, defended, broken }: RogueResult): string {
  if (broken.length > 0) return `✗ ${broken.join('; ')}`;
  const promoted = defended!.promotions > 0 ? '; what was promoted is better' : '; nothing promoted';
  return `✓ 0 ${rogue.reaches.what}${promoted}`;
}

export function galleryTable(results: readonly RogueResult[]): string {
  return table(
    ['rogue', 'what it does', 'stopped by', 'as shipped', 'the user reads', 'without the defence'],
    results.map((result) => {
      const { rogue, told, further } = result;
      return [
        `**${rogue.name}**`,
        rogue.does,
        rogue.stoppedBy,
        held(result),
        told.map((text) => `“${steady(text)}”`).join(' '),
        `${rogue.without.what}: ${further} ${rogue.reaches.what}`,
      ].map(cell);
    }),
  );
}
