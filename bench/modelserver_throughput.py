"""Throughput of the model server through HTTP against `model.generate` on the same batch, as one
ratio.

Both sides generate the same number of tokens from the same prompts, at temperature 0.8, with the
same model, dtype and threads, in turns: the ratio is between their best rounds. Run it with the
model server's Python:

    PYTHONPATH=modelserver python bench/modelserver_throughput.py [--model DIR] [--requests 256]

Without --model it makes a random Llama of the built-in model's shape. Exit code 1 when the ratio is
below --least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Both sides wait without spinning; with a busy neighbour, spinning threads cost several times as
# much.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

CHARACTERS = "0123456789+=,#\n "


def make_model(folder: Path) -> None:
    """A random model without an end token, so that every completion has full length on both
    sides."""
    vocabulary = {"<pad>": 0} | {character: i for i, character in enumerate(CHARACTERS, 1)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>")
    fast.chat_template = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def problems(count: int) -> list[str]:
    rng = random.Random(0)
    return [f"{rng.randrange(10**10):010d}+{rng.randrange(10**10):010d}" for _ in range(count)]


class Direct:
    """`model.generate` in this process."""

    def __init__(self, folder: Path, prompts: list[str], tokens: int, batch: int, device: str):
        self.device, self.tokens, self.batch = device, tokens, batch
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.texts = [
            self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            for prompt in prompts
        ]

    def round(self) -> float:
        """Completion tokens per second."""
        made, started = 0, time.perf_counter()
        for i in range(0, len(self.texts), self.batch):
            inputs = self.tokenizer(
                self.texts[i : i + self.batch],
                return_tensors="pt",
                padding=True,
                add_special_tokens=False,
            ).to(self.device)
            output = self.model.generate(
                input_ids=inputs.input_ids,
                attention_mask=inputs.attention_mask,
                max_new_tokens=self.tokens,
                do_sample=True,
                temperature=0.8,
                top_k=0,
                pad_token_id=self.tokenizer.pad_token_id or 0,
            )[:, inputs.input_ids.shape[1] :]
            ends = self.tokenizer.eos_token_id
            for row in output.tolist():
                made += row.index(ends) + 1 if ends is not None and ends in row else len(row)
            self.tokenizer.batch_decode(output, skip_special_tokens=True)
        return made / (time.perf_counter() - started)


async def request(port: int, body: bytes) -> int:
    """One POST on a connection of its own. Returns its completion tokens. A bare client, so that
    the two sides share the processor with as little else as possible."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    status, _, rest = answer.partition(b"\r\n")
    content = rest.partition(b"\r\n\r\n")[2]
    if b" 200 " not in status:
        raise RuntimeError(f"{status.decode()}: {content.decode()}")
    return json.loads(content)["usage"]["completion_tokens"]


async def served(port: int, prompts: list[str], tokens: int) -> float:
    """Completion tokens per second of all prompts at once, one request each."""
    bodies = [
        json.dumps(
            {
                "model": "bench",
                "messages": [{"role": "user", "content": prompt}],
                "max_tokens": tokens,
                "temperature": 0.8,
                "seed": i,
            }
        ).encode()
        for i, prompt in enumerate(prompts)
    ]
    started = time.perf_counter()
    made = sum(await asyncio.gather(*(request(port, body) for body in bodies)))
    return made / (time.perf_counter() - started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a Hugging Face causal LM folder")
    parser.add_argument("--requests", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--tokens", type=int, default=112)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--least", type=float, default=0.7)
    parser.add_argument("--json", action="store_true", help="print one JSON object only")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.model or Path(scratch) / "model"
        if options.model is None:
            make_model(folder)
        prompts = problems(options.requests)
        server = subprocess.Popen(
            [sys.executable, "-m", "ratchet_modelserver", "--model", f"bench={folder}"]
            + ["--data", f"{scratch}/data", "--port", "0", "--threads", str(options.threads)]
            + ["--max-batch", str(options.batch), "--device", options.device, "--exit-with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(options.threads)},
        )
        try:
            ready = server.stdout.readline()
            if not ready.startswith("ready "):
                raise SystemExit("the server did not start; its error is above")
            port = int(ready.split()[1].rsplit(":", 1)[1])
            direct = Direct(folder, prompts, options.tokens, options.batch, options.device)
            with torch.inference_mode():
                ours, theirs = [], []
                for _ in range(options.rounds):
                    theirs.append(direct.round())
                    ours.append(asyncio.run(served(port, prompts, options.tokens)))
        finally:
            server.stdin.close()
            server.wait(10)
    result = {
        "requests": options.requests,
        "batch": options.batch,
        "threads": options.threads,
        "device": options.device,
        "server_tokens_per_second": round(max(ours)),
        "generate_tokens_per_second": round(max(theirs)),
        "ratio": round(max(ours) / max(theirs), 2),
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(
            f"{options.requests} requests, batch {options.batch}, {options.threads} thread(s), "
            f"{options.device}: "
            f"server {result['server_tokens_per_second']:,} tokens/s, "
            f"generate {result['generate_tokens_per_second']:,} tokens/s, "
            f"ratio {result['ratio']} (at least {options.least} wanted)"
        )
    return 0 if result["ratio"] >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
