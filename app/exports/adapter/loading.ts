/** Lines that load the adapter in PEFT, vLLM, SGLang and llama.cpp, to be copied from its card. */
import type { AdapterConfig } from './inspect.ts';

/** What vLLM takes for `--max-lora-rank`. */
const RANKS = [8, 16, 32, 64, 128, 256, 320, 512];

const sh = (...lines: string[]) => ['```sh', ...lines, '```', ''];

export function loading({
  base,
  name,
  config,
}: {
  base: string;
  name: string;
  config: AdapterConfig;
}): string[] {
  const rank = RANKS.find((one) => one >= config.r) ?? config.r;
  return [
    '`ADAPTER` stands for this folder: an absolute path, or the id of its repository where one can be given.',
    '',
    'PEFT:',
    '',
    '```python',
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    `base = "${base}"`,
    'tokenizer = AutoTokenizer.from_pretrained(base)',
    'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), "ADAPTER")',
    '```',
    '',
    ...(config.use_dora
      ? ['It is a DoRA adapter: vLLM, SGLang and llama.cpp may not take it; merge it with PEFT.', '']
      : []),
    `vLLM; ask for the model \`${name}\`. The second pair of lines loads it into a server that is up:`,
    '',
    ...sh(
      `vllm serve ${base} --enable-lora --max-lora-rank ${rank} --lora-modules ${name}=ADAPTER`,
      '',
      `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve ${base} --enable-lora --max-lora-rank ${rank}`,
      `curl http://localhost:8000/v1/load_lora_adapter -H 'Content-Type: application/json' -d '{"lora_name": "${name}", "lora_path": "ADAPTER"}'`,
    ),
    `SGLang; ask for the model \`${base}:${name}\`:`,
    '',
    ...sh(
      `python -m sglang.launch_server --model-path ${base} --enable-lora --max-lora-rank ${rank} --lora-paths ${name}=ADAPTER`,
      `curl http://localhost:30000/load_lora_adapter -H 'Content-Type: application/json' -d '{"lora_name": "${name}", "lora_path": "ADAPTER"}'   # or into one that is up`,
    ),
    'llama.cpp, with the scripts of its repository; `base.gguf` is the same base as a GGUF file:',
    '',
    ...sh(
      `python convert_lora_to_gguf.py ADAPTER --base-model-id ${base} --outfile ${name}.gguf`,
      `llama-server -m base.gguf --lora ${name}.gguf`,
    ).slice(0, -1),
  ];
}
