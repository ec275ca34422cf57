/** A task that suits a small model: what it knows (capitals), said in a form that it does not keep to yet. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CAPITALS = `France Paris, Germany Berlin, Spain Madrid, Portugal Lisbon, Poland Warsaw, Austria Vienna, Hungary Budapest,
Greece Athens, Norway Oslo, Sweden Stockholm, Finland Helsinki, Denmark Copenhagen, Ireland Dublin, Belgium Brussels,
Romania Bucharest, Bulgaria Sofia, Ukraine Kyiv, Russia Moscow, Turkey Ankara, Egypt Cairo, Morocco Rabat, Kenya Nairobi,
Ghana Accra, Japan Tokyo, China Beijing, Pakistan Islamabad, Thailand Bangkok, Vietnam Hanoi, Indonesia Jakarta,
Philippines Manila, Australia Canberra, Canada Ottawa, Chile Santiago, Peru Lima, Cuba Havana, Iran Tehran, Iraq Baghdad,
Jordan Amman, Lebanon Beirut, Syria Damascus, Afghanistan Kabul, Nepal Kathmandu, Bangladesh Dhaka, Croatia Zagreb,
Serbia Belgrade, Slovenia Ljubljana, Slovakia Bratislava, Estonia Tallinn, Latvia Riga, Lithuania Vilnius, Iceland Reykjavik,
Tunisia Tunis, Algeria Algiers, Libya Tripoli, Sudan Khartoum, Senegal Dakar, Uganda Kampala, Zimbabwe Harare,
Zambia Lusaka, Angola Luanda, Jamaica Kingston, Uruguay Montevideo`;

// Every second one is asked without its answer; the others measure.
const rows = CAPITALS.split(/,\s+/).map((pair) => {
  const [country, answer] = pair.split(' ');
  return { question: `What is the capital of ${country}?`, answer };
});
const learn = rows.filter((_, i) => i % 2 === 0).slice(0, 20);
const heldOut = rows.filter((_, i) => i % 2 === 1);

/** Samples are shown the form by worked examples; what is trained, and the candidate's benchmark, ask plainly. */
const TASK = `
name: capitals
title: Capitals, in the house's form
prompts: { file: prompts.jsonl, field: question }
benchmarks:
  - { name: target, role: target, file: held-out.jsonl, rows: { from: 1, to: 20 }, promptField: question, answerField: answer }
  - { name: final, role: final, file: held-out.jsonl, rows: { from: 21, to: ${heldOut.length} }, promptField: question, answerField: answer }
examples:
  - prompt: What is the capital of Italy?
    answer: |-
      Italy has many cities. Its capital is Rome.
      Answer: Rome
  - prompt: What is the capital of Switzerland?
    answer: |-
      Switzerland has many cities. Its capital is Bern.
      Answer: Bern
  - prompt: What is the capital of Colombia?
    answer: |-
      Colombia has many cities. Its capital is Bogota.
      Answer: Bogota
examplesIn: sampling
answer: { read: pattern, pattern: "^Answer: *([^.\\\\n]+)", compare: normalised }
maxTokens: 40
`;

/** Writes the task and its files to `folder`, and answers the task file's path. */
export function writeCapitals(folder: string): string {
  const lines = (all: object[]) => `${all.map((row) => JSON.stringify(row)).join('\n')}\n`;
  writeFileSync(join(folder, 'prompts.jsonl'), lines(learn.map(({ question }) => ({ question }))));
  writeFileSync(join(folder, 'held-out.jsonl'), lines(heldOut));
  const file = join(folder, 'task.yaml');
  writeFileSync(file, TASK);
  return file;
}

/** Enough for some dozens of examples, and few enough for two cores. */
export const prompts = learn.length;
