/** Numbers and laws of a study in words, on every face. */

/** As many digits as say something. */
export const number = (value: number): string => String(Number(value.toPrecision(4)));

/** The law with its parameters put in. */
export function filledIn(hypothesis: string, parameters: readonly { name: string; value: number }[]): string {
  const values = new Map(parameters.map(({ name, value }) => [name, number(value)]));
  return hypothesis.replaceAll(/\bk\d+\b/g, (name) => values.get(name) ?? name);
}

export const settingsText = (settings: Record<string, number>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(', ');
