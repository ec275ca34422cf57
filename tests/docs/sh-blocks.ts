/** The commands that the documentation shows: every line of every `sh` block. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type ShownCommand = { file: string; line: number; command: string };

const root = fileURLToPath(new URL('../..', import.meta.url));

function documents(): { file: string; text: string }[] {
  return ['README.md', 'docs/**/*.md', 'examples/**/README.md']
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(`${root}/${file}`, 'utf8') }));
}

/** A command without the comment behind it; a `#` within quotes or a word is none. */
function withoutComment(line: string): string {
  let quote = '';
  for (const [i, character] of line.split('').entries()) {
    if (quote) quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '#' && (i === 0 || /\s/.test(line[i - 1]!))) return line.slice(0, i).trimEnd();
  }
  return line.trimEnd();
}

const openQuote = (text: string) => (text.match(/"/g)?.length ?? 0) % 2 === 1;

/** Lines of one fenced block, with those joined that go on in the next: by a backslash, or inside of quotes. */
function commandsOf(lines: { text: string; line: number }[]): { command: string; line: number }[] {
  const commands: { command: string; line: number }[] = [];
  let begun: { command: string; line: number } | undefined;
  for (const { text, line } of lines) {
    const part = withoutComment(begun ? text : text.trimStart());
    if (begun) begun.command += openQuote(begun.command) ? `\n${part}` : ` ${part.trimStart()}`;
    else if (part) begun = { command: part, line };
    if (!begun) continue;
    if (begun.command.endsWith('\\')) begun.command = begun.command.slice(0, -1).trimEnd();
    else if (!openQuote(begun.command)) {
      commands.push(begun);
      begun = undefined;
    }
  }
  return begun ? [...commands, begun] : commands;
}

type Block = { file: string; language: string; lines: { text: string; line: number }[] };

function blocks(): Block[] {
  const found: Block[] = [];
  for (const { file, text } of documents()) {
    let open: Block | undefined;
    for (const [i, line] of text.split('\n').entries()) {
      const fence = /^\s*```(\S*)/.exec(line);
      if (!fence) open?.lines.push({ text: line, line: i + 1 });
      else if (open) open = undefined;
      else found.push((open = { file, language: fence[1]!, lines: [] }));
    }
  }
  return found;
}

export function shownCommands(): ShownCommand[] {
  return blocks()
    .filter(({ language }) => language === 'sh')
    .flatMap(({ file, lines }) => commandsOf(lines).map((one) => ({ file, ...one })));
}

/** Commands that stand in a block of another kind, where nothing would run them. */
export function misplacedCommands(): ShownCommand[] {
  return blocks()
    .filter(({ language }) => language !== 'sh')
    .flatMap(({ file, lines }) => lines.map(({ text, line }) => ({ file, line, command: text.trim() })))
    .filter(({ command }) => /^(\$ |npx |npm |ratchet [a-z])/.test(command));
}

/** `ratchet …` in running text, as between backquotes. */
export function mentionedCommands(): ShownCommand[] {
  return documents().flatMap(({ file, text }) =>
    text
      .replaceAll(/^\s*```[\s\S]*?^\s*```/gm, (block) => block.replaceAll(/[^\n]/g, ''))
      .split('\n')
      .flatMap((line, i) =>
        [...line.matchAll(/`((?:npx )?ratchet [a-z][^`]*)`/g)].map((match) => ({
          file,
          line: i + 1,
          command: match[1]!,
        })),
      ),
  );
}
