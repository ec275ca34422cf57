/** JSON that comes out as it went in: numbers that JavaScript would round keep their digits. */

type RawJson = { rawJSON(text: string): unknown };
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** @throws SyntaxError */
export function parseExactly(text: string): unknown {
  const keep: Reviver = (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? (JSON as unknown as RawJson).rawJSON(source)
      : value;
  return JSON.parse(text, keep as Parameters<typeof JSON.parse>[1]);
}
