import { gate, share } from './gate.ts';

/** Tokens per run: four words, as in the repetition measure of Welleck et al. 2020 (seq-rep-4, arXiv 1908.04319). */
const RUN = 4;

/**
 * Does the rationale go round in circles? The score is the share of its runs of four words that stood in it before. Models that
 * train on their own text learn to repeat themselves, and a vote does not see it. Chinese or Thai have no blanks between words:
 * there the runs are of characters.
 */
export const repetition = gate({
  name: 'repetition',
  asks: 'does it say new things to its end?',
  threshold: ({ max }) => `\`gates.repetition.max\` (${max} of its runs of four words)`,
  unscoredWhen: () => 'never',
  weight: 'advisory',
  settings: {
    max: share.default(0.5).describe('largest share of runs of four words that stood in the text before'),
  },
  judge({ text }, _, { max: threshold }) {
    const { repeated, runs, of } = repetitionOf(text);
    const score = runs === 0 ? 0 : repeated / runs;
    const varied = score <= threshold;
    return {
      outcome: varied ? 'pass' : 'fail',
      score,
      threshold,
      reason:
        `repetition ${score.toFixed(2)} ${varied ? '≤' : '>'} ${threshold.toFixed(2)} ` +
        `(${repeated} of ${runs} runs of ${RUN} ${of} stood there before)`,
    };
  },
});

function repetitionOf(text: string): { repeated: number; runs: number; of: 'words' | 'characters' } {
  const plain = text.trim().toLowerCase();
  const of = /[^\S\n\r]/.test(plain) ? 'words' : 'characters';
  const tokens = of === 'words' ? plain.split(/\s+/) : Array.from(plain);
  const runs = Math.max(0, tokens.length - RUN + 1);
  // No token holds a line break when the text is cut into words, and each is one character long otherwise.
  const distinct = new Set(Array.from({ length: runs }, (_, i) => tokens.slice(i, i + RUN).join('\n')));
  return { repeated: runs - distinct.size, runs, of };
}
