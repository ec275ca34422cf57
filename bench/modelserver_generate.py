"""The model server beside Transformers' `generate` on a few-shot task, in one run, as ratios.

Three ways to get `n` answers of each of some word problems behind four worked examples, with the
same model, number format, threads and temperature:

- plain: `model.generate(num_return_sequences=n)` on a batch of as many prompts as there are callers;
- shared: the best that can be written by hand: the examples are read once, each question once for
  its n answers, all rows in one batch, logits of the last position only;
- server: `python -m ratchet_modelserver`, asked over HTTP by so many callers, each with one request
  at a time.

Tokens are those of the answers, end tokens included; CPU seconds are those of the process that
generates. Run it with the model server's Python:

    PYTHONPATH=modelserver python bench/modelserver_generate.py --model DIR [--callers 1 8 32]
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Threads that spin while they wait cost several times as much beside other work; all sides wait
# passively.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

EXAMPLES = [
    (
        "Amy had 14 stickers. She gave 5 of them to her brother. How many stickers are left?",
        "14 - 5 = 9\n#### 9",
    ),
    (
        "There are 6 shelves with 8 books on each shelf. How many books are there in all?",
        "6 * 8 = 48\n#### 48",
    ),
    (
        "Ben has 23 marbles and finds 19 more. How many marbles does he have?",
        "23 + 19 = 42\n#### 42",
    ),
    (
        "A farmer puts 36 apples into bags of 4. How many bags does he need?",
        "36 / 4 = 9\n#### 9",
    ),
]
TEMPLATES = [
    "{a} has {x} {thing}. {b} gives {a} {y} more and takes {z} back. How many {thing} has {a} now?",
    "A shop sold {x} boxes of {thing} on Monday and {y} on Tuesday, {z} in each. How many is that?",
    "{a} and {b} share {x} {thing}. {b} takes {y} of them. How many are left when {z} are lost?",
]


def questions(count: int) -> list[str]:
    rng = random.Random(0)
    return [
        rng.choice(TEMPLATES).format(
            a=rng.choice(["Mia", "Tom", "Lena"]),
            b=rng.choice(["Noah", "Eva", "Ali"]),
            thing=rng.choice(["pears", "cards", "stamps", "coins"]),
            x=rng.randrange(20, 99),
            y=rng.randrange(2, 19),
            z=rng.randrange(2, 9),
        )
        for _ in range(count)
    ]


def messages(question: str) -> list[dict]:
    turns = [
        {"role": role, "content": text}
        for pair in EXAMPLES
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    return [*turns, {"role": "user", "content": question}]


class Direct:
    """Transformers in this process."""

    def __init__(self, folder: Path, dtype: str, tokens: int, temperature: float):
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=getattr(torch, dtype)
        ).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        ends = self.model.generation_config.eos_token_id
        self.ends = torch.tensor(ends if isinstance(ends, list) else [ends])
        self.tokens, self.temperature = tokens, temperature
        before, after = self.text("\0").split("\0")
        self.prefix, self.after = self.ids(before), after

    def text(self, question: str) -> str:
        return self.tokenizer.apply_chat_template(
            messages(question), tokenize=False, add_generation_prompt=True
        )

    def ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def count(self, made: torch.Tensor) -> int:
        """Tokens up to each row's end: made int64 [rows, tokens]."""
        ended = torch.isin(made, self.ends).int()
        return int((ended.cumsum(1) - ended == 0).sum())

    @torch.inference_mode()
    def plain(self, batch: list[str], n: int) -> int:
        inputs = self.tokenizer(
            [self.text(question) for question in batch],
            return_tensors="pt",
            padding=True,
            add_special_tokens=False,
        )
        made = self.model.generate(
            input_ids=inputs.input_ids,
            attention_mask=inputs.attention_mask,
            max_new_tokens=self.tokens,
            do_sample=True,
            temperature=self.temperature,
            top_k=0,
            top_p=1.0,
            num_return_sequences=n,
            pad_token_id=self.tokenizer.pad_token_id,
        )[:, inputs.input_ids.shape[1] :]
        self.tokenizer.batch_decode(made, skip_special_tokens=True)
        return self.count(made)

    @torch.inference_mode()
    def prepare(self) -> None:
        self.cache = DynamicCache()
        self.model(
            input_ids=torch.tensor([self.prefix]), past_key_values=self.cache, logits_to_keep=1
        )

    @torch.inference_mode()
    def shared(self, batch: list[str], n: int) -> int:
        tails = [self.ids(question + self.after) for question in batch]
        start, width = len(self.prefix), max(map(len, tails))
        ids = torch.full((len(tails), width), self.tokenizer.pad_token_id)
        mask = torch.zeros(len(tails), start + width, dtype=torch.long)
        mask[:, :start] = 1
        for i, tail in enumerate(tails):
            ids[i, width - len(tail) :] = torch.tensor(tail)
            mask[i, start + width - len(tail) :] = 1
        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(len(tails))
        position = (mask.cumsum(1) - 1)[:, start:].clamp(min=0)
        step = dict(past_key_values=cache, logits_to_keep=1)
        logits = self.model(
            input_ids=ids, attention_mask=mask, position_ids=position, **step
        ).logits[:, -1]
        cache.batch_repeat_interleave(n)
        logits, mask = logits.repeat_interleave(n, 0), mask.repeat_interleave(n, 0)
        position, made = mask.sum(1, keepdim=True), []
        done = torch.zeros(len(mask), dtype=torch.bool)
        while len(made) < self.tokens:
            token = torch.multinomial((logits.float() / self.temperature).softmax(-1), 1)
            made.append(token)
            done |= torch.isin(token[:, 0], self.ends)
            if done.all():
                break
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
            logits = self.model(
                input_ids=token, attention_mask=mask, position_ids=position, **step
            ).logits[:, -1]
            position = position + 1
        made = torch.cat(made, 1)
        self.tokenizer.batch_decode(made, skip_special_tokens=True)
        return self.count(made)


class Served:
    """The server process, and callers of it."""

    def __init__(self, folder: Path, scratch: str, options: argparse.Namespace):
        command = [sys.executable, "-m", "ratchet_modelserver", "--model", f"bench={folder}"]
        command += ["--data", f"{scratch}/data", "--port", "0", "--exit-with-parent"]
        command += ["--threads", str(options.threads), "--dtype", options.dtype]
        if options.adapter:
            command += ["--adapter", f"adapted={options.adapter}"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(options.threads)},
        )
        ready = self.process.stdout.readline()
        if not ready.startswith("ready "):
            raise SystemExit("the server did not start; its error is above")
        self.port = int(ready.split()[1].rsplit(":", 1)[1])
        self.model = "adapted" if options.adapter else "bench"
        self.tokens, self.temperature = options.tokens, options.temperature

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, batch: list[str], n: int, callers: int) -> int:
        return asyncio.run(self.asked(batch, n, callers))

    async def asked(self, batch: list[str], n: int, callers: int) -> int:
        waiting = list(enumerate(batch))

        async def caller() -> int:
            made = 0
            while waiting:
                seed, question = waiting.pop(0)
                made += await self.request(seed, question, n)
            return made

        return sum(await asyncio.gather(*(caller() for _ in range(callers))))

    async def request(self, seed: int, question: str, n: int) -> int:
        body = {"model": self.model, "messages": messages(question), "n": n, "seed": seed}
        body |= {"max_tokens": self.tokens, "temperature": self.temperature}
        body = json.dumps(body).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
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

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)


def measure(work, cpu) -> tuple[float, float]:
    """(tokens per second, tokens per CPU second) of `work()`, which returns its tokens."""
    started, used = time.perf_counter(), cpu()
    made = work()
    return made / (time.perf_counter() - started), made / max(cpu() - used, 1e-3)


def batches(all_questions: list[str], size: int) -> list[list[str]]:
    return [all_questions[i : i + size] for i in range(0, len(all_questions), size)]


def compare(direct: Direct, served: Served, callers: int, n: int, options) -> dict:
    asked = questions(max(options.requests, callers))
    ways = {
        "server": (lambda: served.ask(asked, n, callers), served.cpu_seconds),
        "shared": (
            lambda: sum(direct.shared(batch, n) for batch in batches(asked, callers)),
            time.process_time,
        ),
        "plain": (
            lambda: sum(direct.plain(batch, n) for batch in batches(asked, callers)),
            time.process_time,
        ),
    }
    row = {"callers": callers, "n": n}
    rates = {way: [] for way in options.ways}
    for _ in range(options.rounds):
        for way in options.ways:
            rates[way].append(measure(*ways[way]))
    for way, found in rates.items():
        wall, cpu = (max(column) for column in zip(*found, strict=True))
        row[way], row[f"{way}_cpu"] = round(wall, 1), round(cpu, 1)
    for way in ("shared", "plain"):
        if way in row and "server" in row:
            row[f"to_{way}"] = round(row["server"] / row[way], 2)
            row[f"to_{way}_cpu"] = round(row["server_cpu"] / row[f"{way}_cpu"], 2)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a Hugging Face causal LM folder")
    parser.add_argument("--adapter", type=Path, help="a LoRA folder for the server's side to use")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--n", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--requests", type=int, default=8, help="at least; one per caller if fewer")
    parser.add_argument("--tokens", type=int, default=24, help="most tokens per answer")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--rounds", type=int, default=1, help="the best of them counts")
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=["server", "shared", "plain"],
        default=["server", "shared", "plain"],
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        served = Served(options.model, scratch, options)
        try:
            direct = Direct(options.model, options.dtype, options.tokens, options.temperature)
            direct.prepare()
            served.ask(questions(2), 1, 1)
            for n in options.n:
                for callers in options.callers:
                    print(json.dumps(compare(direct, served, callers, n, options)), flush=True)
        finally:
            served.stop()


if __name__ == "__main__":
    main()
