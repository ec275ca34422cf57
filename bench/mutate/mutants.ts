/** Small changes of a source file, all in one text: which of them acts is said while it runs (mutant schemata, Untch et al. 1993). */
import { parseAst } from 'vitest/node';

export type Mutant = {
  id: number;
  file: string;
  line: number;
  /** The whole line, trimmed. */
  source: string;
  /** The comparison as it stands, and the operator that stands in for its own. */
  from: string;
  to: Operator;
};

export type Operator = '<' | '<=' | '>' | '>=';

/** The boundary moved, and the sense turned round. */
export const CHANGES: Record<Operator, readonly [Operator, Operator]> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
};

type Node = { type: string; start: number; end: number; operator?: string; left: Node; right: Node };

/** Every `< <= > >=` of a parsed file. */
function comparisonsIn(node: unknown): (Node & { operator: Operator })[] {
  if (typeof node !== 'object' || node === null) return [];
  const inner = Object.values(node).flatMap(comparisonsIn);
  const { type, operator } = node as Node;
  const own = type === 'BinaryExpression' && operator !== undefined && operator in CHANGES;
  return own ? [node as Node & { operator: Operator }, ...inner] : inner;
}

/**
 * The file with `a < b` written as `__compare(7, "<", a, b)`, where 7 and 8 are the ids of its mutants.
 *
 * @param firstId of its mutants; the others follow
 */
export function instrument(
  file: string,
  source: string,
  firstId: number,
): { text: string; mutants: Mutant[] } {
  const mutants: Mutant[] = [];
  const edits: { at: number; drop: number; put: string }[] = [];
  const lines = source.split('\n');
  for (const { start, end, left, right, operator } of comparisonsIn(parseAst(source, { lang: 'ts' }))) {
    const first = firstId + mutants.length;
    const line = source.slice(0, start).split('\n').length;
    const from = source.slice(start, end).replaceAll(/\s+/g, ' ');
    for (const to of CHANGES[operator]) {
      const id = firstId + mutants.length;
      mutants.push({ id, file, line, source: lines[line - 1]!.trim(), from, to });
    }
    // Brackets round an operand stand outside of its node.
    const at = left.end + source.slice(left.end, right.start).indexOf(operator);
    edits.push({ at: start, drop: 0, put: `__compare(${first}, "${operator}", ` });
    edits.push({ at, drop: operator.length, put: ',' });
    edits.push({ at: end, drop: 0, put: ')' });
  }
  let text = source;
  for (const { at, drop, put } of edits.toSorted((a, b) => b.at - a.at))
    text = text.slice(0, at) + put + text.slice(at + drop);
  return { text, mutants };
}
