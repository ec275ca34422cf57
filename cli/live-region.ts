/**
 * The lines at the bottom of a terminal that are redrawn in place, with finished lines printed above them.
 * On anything but a terminal only the finished lines are written.
 */
export type LiveRegion = {
  /** Replaces the redrawn lines. Does nothing on a pipe. */
  draw(lines: string[]): void;
  /** Writes one line that stays. */
  print(line: string): void;
  /** Takes the redrawn lines away. */
  clear(): void;
};

export type Output = Pick<NodeJS.WriteStream, 'write'> & {
  isTTY?: boolean;
  rows?: number;
  columns?: number;
};

const autoWrapOff = '\u001b[?7l';
const autoWrapOn = '\u001b[?7h';
const clearToEnd = '\u001b[0J';

export function createLiveRegion(out: Output): LiveRegion {
  let shown: string[] = [];
  const up = () => (shown.length > 0 ? `\u001b[${shown.length}A\r` : '\r') + clearToEnd;

  function draw(lines: string[]): void {
    if (!out.isTTY) return;
    // More lines than the window has cannot be taken back: they would have scrolled away.
    const fitting = lines.slice(0, Math.max(1, (out.rows ?? 24) - 1));
    if (fitting.length === shown.length && fitting.every((line, i) => line === shown[i])) return;
    // Without wrapping one line is one row, however narrow the window: long lines are cut by the terminal.
    out.write(`${up()}${autoWrapOff}${fitting.map((line) => `${line}\n`).join('')}${autoWrapOn}`);
    shown = fitting;
  }

  function print(line: string): void {
    if (!out.isTTY) {
      out.write(`${line}\n`);
      return;
    }
    const below = shown;
    out.write(`${up()}${line}\n`);
    shown = [];
    draw(below);
  }

  function clear(): void {
    if (!out.isTTY || shown.length === 0) return;
    out.write(up());
    shown = [];
  }

  return { draw, print, clear };
}
