/** Fenced code in Markdown as models write it: backticks or tildes, indented or not, the last one perhaps never closed. */

export type Fence = {
  text: string;
  /** What stands behind the opening fence: a language, most often. */
  info: string;
  /** The line of prose above, if any. */
  above: string;
};

/** Lines end with `\n` alone. A fence is closed by one of its own kind that is as long, with nothing behind it. */
export function fencesIn(text: string): Fence[] {
  const found: Fence[] = [];
  let open: { mark: string; indent: string; info: string; above: string; lines: string[] } | undefined;
  let above = '';
  const close = () => {
    if (open) found.push({ text: open.lines.join('\n'), info: open.info, above: open.above });
    open = undefined;
    above = '';
  };
  for (const line of text.split('\n')) {
    const fence = /^([ \t]*)(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$/.exec(line);
    if (!open) {
      const [, indent, mark, info] = fence ?? [];
      if (mark !== undefined && !(mark.startsWith('`') && info!.includes('`')))
        open = { mark, indent: indent!, info: info!, above, lines: [] };
      else if (line.trim() !== '') above = line;
    } else if (
      fence &&
      fence[3] === '' &&
      fence[2]![0] === open.mark[0] &&
      fence[2]!.length >= open.mark.length
    )
      close();
    else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart());
  }
  close();
  return found;
}
