/** Text as blocks: paragraphs, list items and tables, each with the headings that it stands under. */

/** `headings` from the outermost in; `lines` without their marks and line ends, never none. */
export type Block = { headings: string[]; lines: string[]; page?: number };

const FENCE = /^\s*```/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s*(?:[-*+]|\d{1,3}[.)])\s+(.*)$/;
export const ROW = /^\s*\|/;
const RULE_OF_TABLE = /^\s*\|[\s:|-]*$/;

/**
 * The blocks of a Markdown document. Code and HTML comments say nothing here, and are left out.
 *
 * @param options.tables are rows of tables lines of their block, or left out as well?
 */
export function blocksOf(text: string, { tables = false } = {}): Block[] {
  const blocks: Block[] = [];
  const headings: string[] = [];
  let lines: string[] = [];
  const end = () => {
    if (lines.length > 0) blocks.push({ headings: headings.filter(Boolean), lines });
    lines = [];
  };
  let fenced = false;
  for (const line of withoutComments(text).split(/\r?\n/)) {
    const heading = HEADING.exec(line);
    const item = ITEM.exec(line);
    if (FENCE.test(line)) fenced = !fenced;
    else if (fenced || (ROW.test(line) && !(tables && !RULE_OF_TABLE.test(line)))) continue;
    else if (heading) {
      end();
      headings.length = heading[1]!.length - 1;
      headings[heading[1]!.length - 1] = withoutMarks(heading[2]!);
    } else if (line.trim() === '') end();
    else if (item) {
      end();
      lines.push(item[1]!.trim());
    } else lines.push(line.trim());
  }
  end();
  return blocks;
}

// Neither is a pattern: those that would do take time by the square of a hostile text's length.

function withoutComments(text: string): string {
  let rest = '';
  for (let at = 0; ;) {
    const start = text.indexOf('<!--', at);
    const end = start === -1 ? -1 : text.indexOf('-->', start + 4);
    if (end === -1) return rest + text.slice(at);
    rest += text.slice(at, start);
    at = end + 3;
  }
}

/** A heading without the `##` that may close it. */
function withoutMarks(heading: string): string {
  let end = heading.length;
  while (heading[end - 1] === '#') end -= 1;
  return heading.slice(0, end).trim();
}

/** The paragraphs of a text without any marks. */
export const paragraphsOf = (text: string): Block[] =>
  text
    .split(/(?:\r?\n|\r)\s*(?:\r?\n|\r)/)
    .map((paragraph) => paragraph.split(/[\r\n]+/).map((line) => line.trim()))
    .map((lines) => ({ headings: [], lines: lines.filter(Boolean) }))
    .filter(({ lines }) => lines.length > 0);
