/** Memory entries as text. */
import pc from 'picocolors';
import type { MemoryDetail } from '../../app/memory/memory.ts';
import { cutLine, memoryTable, stateTable } from '../../app/memory/tables.ts';
import type { ListedMemory } from '../../db/queries/memory-tests.ts';
import { plain } from '../../process/text.ts';
import { section } from './table.ts';
import { fact, quoted, ROWS } from './why-parts.ts';

export function renderMemoryList(entries: ListedMemory[], color: boolean): string {
  if (entries.length === 0)
    return 'No entries. Runs with memory.mode=on make them of accepted examples; "ratchet memory add" gives one.';
  const id = { title: '', text: ({ entry }: ListedMemory) => `memory:${entry.id}` };
  const says = { title: 'says', text: cutLine };
  return section(memoryTable(entries, id, says), pc.createColors(color))
    .join('\n')
    .trimEnd();
}

export function renderMemory(detail: MemoryDetail, color: boolean): string {
  const c = pc.createColors(color);
  const { entry, sources, descent, state, shown, accepted, right, wrong } = detail;
  const list = (kind: string, ids: number[]) =>
    ids.length === 0
      ? 'none'
      : `${ids
          .slice(0, ROWS)
          .map((id) => `${kind}:${id}`)
          .join(', ')}${ids.length > ROWS ? ` and ${ids.length - ROWS} more` : ''}`;
  return [
    `${c.bold(`memory:${entry.id}`)}  ${entry.kind} of ${plain(entry.task)} · ${state}`,
    ...(entry.request === null ? [] : fact('problem', quoted(entry.request))),
    ...fact(entry.request === null ? 'says' : 'work', quoted(entry.text)),
    ...fact('from', `${plain(entry.by)}, ${entry.createdAt.toISOString()}; ${entry.tokens} tokens`),
    ...sources.flatMap(({ key, exampleId }, i) =>
      fact(i === 0 ? 'made of' : '', `${quoted(key)}${exampleId === null ? '' : ` (example:${exampleId})`}`),
    ),
    ...fact(
      'shown',
      `before ${shown} samples, ${accepted} of them accepted; in tests ${right} right, ${wrong} wrong`,
    ),
    ...fact('led to', list('example', descent.examples)),
    ...(descent.entries.length > 0 ? fact('', list('memory', descent.entries)) : []),
    '',
    ...section(stateTable(detail), c),
  ]
    .join('\n')
    .trimEnd();
}
