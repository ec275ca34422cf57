/**
 * The choices of a completion, each index once and in order: some servers repeat a choice or list them as they
 * finish. Choices without an index stay where they are.
 */
export function distinctChoices<Choice extends { index?: number } | null>(
  given: readonly Choice[],
): Choice[] {
  if (!given.every((choice) => typeof choice?.index === 'number')) return [...given];
  const byIndex = new Map<number, Choice>();
  for (const choice of given) if (!byIndex.has(choice!.index!)) byIndex.set(choice!.index!, choice);
  return [...byIndex].sort(([a], [b]) => a - b).map(([, choice]) => choice);
}
