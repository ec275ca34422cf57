/** Links between the pages of the documentation lead somewhere, their anchors too. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['*.md', 'docs/**/*.md', 'examples/**/*.md', '*/README.md'];

const withoutCode = (text: string) => text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');

/** As GitHub names headings. */
const anchorsOf = (page: string): string[] =>
  [
    ...readFileSync(page, 'utf8')
      .replaceAll(/^```.*?^```/gms, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

function broken(page: string): string[] {
  const text = withoutCode(readFileSync(join(root, page), 'utf8'));
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link!)) return [];
    const [path, anchor] = link!.split('#') as [string, string?];
    const target = path === '' ? join(root, page) : join(root, dirname(page), path);
    if (!existsSync(target)) return [`${page}: ${link} is not there`];
    if (anchor === undefined || statSync(target).isDirectory()) return [];
    return anchorsOf(target).includes(anchor) ? [] : [`${page}: ${link} has no such heading`];
  });
}

it('every link between pages leads somewhere', () => {
  const pages = [...new Set(PAGES.flatMap((pattern) => globSync(pattern, { cwd: root })))].filter(
    (page) => !/node_modules|^dist\//.test(page),
  );
  expect(pages.length).toBeGreaterThan(30);
  expect(pages.flatMap(broken)).toEqual([]);
});
