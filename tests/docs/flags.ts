/** Does the command line know what a text of the documentation asks of it? */
import type { Command } from 'commander';
import { createProgram } from '../../cli/main.ts';

const SCRIPTS = ['demo', 'test', 'chaos', 'gallery', 'hostile'];

const program = await createProgram();

/** The words behind `ratchet`; undefined for other programs. */
export function ratchetWords(command: string): string[] | undefined {
  const script = new RegExp(`^npm (?:run )?(${SCRIPTS.join('|')})(?: -- (.*))?$`).exec(command);
  const given = script
    ? `${script[1]} ${script[2] ?? ''}`
    : /^(?:\w+=\S* )*(?:npx )?ratchet (.*)$/s.exec(command)?.[1];
  return given?.split(/ [|>] /)[0]!.match(/"[^"]*"|'[^']*'|\S+/g) ?? undefined;
}

/** What the command line would not know: a command, or flags of it. */
export function unknownParts(words: string[]): string[] {
  let command: Command = program;
  let at = 0;
  for (; at < words.length; at++) {
    const next = command.commands.find(
      (one) => one.name() === words[at] || one.aliases().includes(words[at]!),
    );
    if (!next) break;
    command = next;
  }
  if (at === 0) return words[0]!.startsWith('--') ? [] : [`ratchet ${words[0]}`];
  if (command.commands.length > 0 && words[at] && !words[at]!.startsWith('-')) return [words.join(' ')];
  const help = command.helpInformation();
  return words
    .slice(at)
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.split('=')[0]!)
    .filter((flag) => !new RegExp(`(^|[\\s,])${flag}(?![\\w-])`).test(help))
    .map((flag) => `${flag} of ratchet ${command.name()}`);
}
