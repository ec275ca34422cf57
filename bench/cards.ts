/**
 * What an iteration would take on a GPU, and what fits where: arithmetic, nothing is measured. docs/models.md has its table.
 *
 *   npx node bench/cards.ts [--models 0.5,1.5,7] [--read 550000] [--written 60000] [--trained 83000]
 *
 * `--models` are billions of parameters; the tokens are those of an iteration, as `ratchet check` forecasts and `ratchet report`
 * counts them. The defaults are the word problems of docs/measurements/word-problems.md.
 */
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: '0.5,1.5,3,7,14,32,70' },
    read: { type: 'string', default: '550000' },
    written: { type: 'string', default: '60000' },
    trained: { type: 'string', default: '83000' },
  },
});

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    console.error(`--${name} must be a number above 0, not "${text}".`);
    process.exit(2);
  }
  return value;
}
const read = positive('read', options.read);
const written = positive('written', options.written);
const trained = positive('trained', options.trained);
const models = options.models.split(',').map((text) => positive('models', text));

/** Dense bfloat16 operations a second, bytes a second and GB of memory, by the maker's data sheets. */
const CARDS = [
  { name: 'L4, 24 GB', operations: 121e12, bytes: 300e9, gb: 24 },
  { name: 'RTX 4090, 24 GB', operations: 165e12, bytes: 1008e9, gb: 24 },
  { name: 'A100, 80 GB', operations: 312e12, bytes: 2039e9, gb: 80 },
  { name: 'H100, 80 GB', operations: 989e12, bytes: 3350e9, gb: 80 },
];
/** The share of the card's peak that reading, training and writing reach; rows that are written side by side. */
const PEAK = 0.3;
const BANDWIDTH = 0.5;
const ROWS = 64;

/** Weights in bfloat16, and beside them keys and values, activations, the adapter and its optimizer. */
const gbOf = (billions: number) => 2 * billions * 1.15 + 3;

/** Two operations per parameter and token read, six (forward, backward, forward again) per token trained; writing waits for memory. */
function secondsOn(billions: number, card: (typeof CARDS)[number]): number {
  const parameters = billions * 1e9;
  const computing = (2 * read + 6 * trained) * parameters;
  const moving = (written / ROWS) * 2 * parameters;
  return computing / (PEAK * card.operations) + moving / (BANDWIDTH * card.bytes);
}

function cell(billions: number, card: (typeof CARDS)[number]): string {
  const gb = gbOf(billions);
  if (gb > card.gb) return `${Math.ceil(gb / card.gb)} cards a process`;
  const minutes = secondsOn(billions, card) / 60;
  const time = minutes < 1 ? '< 1 min' : `${Math.round(minutes)} min`;
  return 2 * gb > card.gb ? `${time}, two cards` : time;
}

console.log(`| model | one process | ${CARDS.map(({ name }) => name).join(' | ')} |`);
console.log(`|---|---|${'---|'.repeat(CARDS.length)}`);
for (const billions of models) {
  const cells = CARDS.map((card) => cell(billions, card));
  console.log(`| ${billions} B | ${Math.round(gbOf(billions))} GB | ${cells.join(' | ')} |`);
}
