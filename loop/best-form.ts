/**
 * The better of the two forms in which the model that a run starts from was measured: the plain question, or with the task's
 * worked examples before it. It is chosen on `target` alone, of equals the plain one, and then stands for that model everywhere:
 * in promotions, in guards and in what the report says of `final`.
 */
export type Form = 'plain' | 'examples';

export function betterForm(plainCorrect: number, withExamplesCorrect: number): Form {
  return withExamplesCorrect > plainCorrect ? 'examples' : 'plain';
}
