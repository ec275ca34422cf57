/** Numbers, tables and bars as text. Colour is added only where it is asked for, after the widths are settled. */
import { stripVTControlCharacters } from 'node:util';

const UNSAFE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** Model text and other people's text made safe for a terminal: no control characters, no bidirectional overrides. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\s+/gu, ' ').replaceAll(UNSAFE, '').trim();
}

/** The same of a text in lines, as code and worked solutions are: line breaks and blanks stay, and a tab is two blanks. */
export const plainLines = (text: string): string[] =>
  stripVTControlCharacters(text)
    .split(/\r\n|[\n\v\f\r\u0085\u2028\u2029]/u)
    .map((line) => line.replaceAll('\t', '  ').replaceAll(/\s/gu, ' ').replaceAll(UNSAFE, '').trimEnd());

export function percent(rate: number | null | undefined, digits = 1): string {
  return rate === null || rate === undefined ? '–' : `${(rate * 100).toFixed(digits)} %`;
}

/** A difference of two rates, in points. */
export function points(difference: number): string {
  const value = (difference * 100).toFixed(1);
  return `${difference >= 0 && !value.startsWith('-') ? '+' : ''}${value.replace('-', '−')}`;
}

/** `p=0.031`, `p=1.2e-5`: two digits that matter. */
export function pValueText(p: number | null | undefined): string {
  if (p === null || p === undefined) return '–';
  if (p === 0) return '<1e-300';
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (seconds < 3600)
    return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** 1,234,567 as `1.2 M`; small counts whole. */
export function compact(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(count >= 1e8 ? 0 : 1)} M`;
  if (count >= 1e4) return `${Math.round(count / 1e3)} k`;
  return String(Math.round(count));
}

/** `4–6` for neighbours, `4, 6` else. */
export function levelRange(levels: readonly number[] | null | undefined): string {
  if (!levels || levels.length === 0) return '–';
  const sorted = [...levels].sort((a, b) => a - b);
  const first = sorted[0]!;
  const last = sorted.at(-1)!;
  if (sorted.length === 1) return String(first);
  return last - first === sorted.length - 1 ? `${first}–${last}` : sorted.join(', ');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export function bar(share: number, width: number): string {
  const cells = Math.max(0, Math.min(1, share)) * width;
  const full = Math.floor(cells);
  return ('█'.repeat(full) + eighths[Math.floor((cells - full) * 8)]).padEnd(width, '░');
}

export function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Cuts to `columns`, with an ellipsis where something is lost. Text with colour is not cut. */
export function cut(text: string, columns: number): string {
  const characters = Array.from(text);
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

export type Column = { title: string; align?: 'left' | 'right' };

/** A table without rules: a header and rows, columns two blanks apart. */
export function table(columns: Column[], rows: string[][], indent = ''): string[] {
  const widths = columns.map((column, i) =>
    Math.max(width(column.title), ...rows.map((row) => width(row[i] ?? ''))),
  );
  const line = (cells: string[]) =>
    indent +
    cells
      .map((cell, i) => {
        const padding = ' '.repeat(Math.max(0, widths[i]! - width(cell)));
        return columns[i]!.align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [
    line(columns.map((column) => column.title)),
    ...rows.map((row) => line(columns.map((_, i) => row[i] ?? ''))),
  ];
}

/** Breaks a paragraph at blanks so that no line passes `columns`. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && width(indent) + width(line) + 1 + width(word) > columns) {
      lines.push(indent + line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  if (line) lines.push(indent + line);
  return lines;
}
