"""A tiny random Llama with a character tokenizer, and real server processes around it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

ROOT = Path(__file__).parent.parent
CHARACTERS = "0123456789+=,#\n abcdefghijklmnopqrstuvwxyz"
TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny", CHARACTERS)


@pytest.fixture(scope="session")
def ascii_folder(tmp_path_factory) -> Path:
    """A model that can write all of ASCII, so JSON too; it is as random as the other."""
    characters = "\n" + "".join(map(chr, range(32, 127)))
    return make_model(tmp_path_factory.mktemp("model") / "ascii", characters, 1024)


def make_model(
    folder: Path,
    characters: str,
    max_length: int = 128,
    template: str | None = TEMPLATE,
    special: tuple[str, ...] = (),
    eos: str = "<eos>",
    pad: str | None = "<pad>",
) -> Path:
    """A random Llama. Each character is a token; so is each of `special`, think tags aside as
    special tokens."""
    names = ["<pad>", "<bos>", "<eos>", *special, *characters]
    tokenizer = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_tokens([name for name in special if "think" in name])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, bos_token="<bos>", eos_token=eos
    )
    fast.add_special_tokens(
        {"additional_special_tokens": [n for n in names[: 3 + len(special)] if "think" not in n]}
    )
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(names),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=max_length,
        tie_word_embeddings=True,
        initializer_range=0.3,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=names.index(eos),
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def reference(model_folder):
    """(model, tokenizer) loaded here, to compare the server with."""
    model = LlamaForCausalLM.from_pretrained(model_folder).eval()
    return model, AutoTokenizer.from_pretrained(model_folder)


class Server:
    """A server process on a free port."""

    def __init__(self, model_folder: Path, data: Path, *options: str, env: dict | None = None):
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ratchet_modelserver", "--model", f"tiny={model_folder}"]
            + [
                "--data",
                str(data),
                "--port",
                "0",
                "--threads",
                "1",
                "--exit-with-parent",
                *options,
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
        )
        line = self.process.stdout.readline()
        assert line.startswith("ready http://127.0.0.1:"), f"the server did not start: {line!r}"
        self.url = line.split()[1]
        self.client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)

    def chat(self, content: str = "1+2", model: str = "tiny", **options):
        messages = [{"role": "user", "content": content}]
        return self.client.chat.completions.create(model=model, messages=messages, **options)

    def text(self, *args, **options) -> str:
        return self.chat(*args, **options).choices[0].message.content

    def upload(self, lines: list) -> str:
        """File id of a training file; a line that is no string is written as JSON."""
        data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        return self.client.files.create(file=("t.jsonl", data.encode()), purpose="fine-tune").id

    def train(self, file: str, model: str = "tiny", key: str | None = None, **options):
        """Create a job; `hyperparameters` may hold the extensions."""
        return self.client.fine_tuning.jobs.create(
            model=model,
            training_file=file,
            extra_body={"hyperparameters": options.pop("hyperparameters", {})},
            extra_headers={"Idempotency-Key": key} if key else None,
            **options,
        )

    def wait(self, job_id: str, *statuses: str, seconds: float = 240):
        wanted = statuses or ("succeeded", "failed", "cancelled")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = self.client.fine_tuning.jobs.retrieve(job_id)
            if job.status in wanted:
                return job
            time.sleep(0.05)
        raise AssertionError(f"the job is {job.status}, not {wanted}, after {seconds} s")

    def messages(self, job_id: str) -> list[str]:
        """Event messages, oldest first."""
        events = self.client.fine_tuning.jobs.list_events(job_id, limit=500).data
        return [event.message for event in reversed(events)]

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(scope="session")
def server(model_folder, tmp_path_factory):
    """One server for all tests that do not stop it."""
    running = Server(model_folder, tmp_path_factory.mktemp("data"))
    yield running
    running.stop()


@pytest.fixture
def start(model_folder, tmp_path):
    """Start servers on one data folder of this test's own."""
    started = []

    def launch(*options: str, env: dict | None = None) -> Server:
        started.append(Server(model_folder, tmp_path / "data", *options, env=env))
        return started[-1]

    yield launch
    for one in started:
        if one.process.poll() is None:
            one.stop()


def example(question: str, answer: str) -> dict:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


ADDITIONS = {f"{a}+{b}": f"#{a + b}" for a in (1, 4) for b in (2, 9)}
EXAMPLES = [example(question, answer) for question, answer in ADDITIONS.items()]


def tiny_adapter(base: Path, folder: Path, seed: int, rank: int = 4) -> None:
    """A LoRA folder, written by PEFT, that changes the base's answers."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=["q_proj", "v_proj", "down_proj"],
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
