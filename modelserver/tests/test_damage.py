"""Folders and files that are cut off, replaced or of another model: named with the mend, never run,
and never in the way of what is whole."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import httpx
import openai
import pytest
import torch
from conftest import EXAMPLES, make_model, tiny_adapter
from ratchet_modelserver.errors import ApiError
from ratchet_modelserver.registry import Registry
from ratchet_modelserver.store import Store
from safetensors.torch import load_file, save_file
from test_training import SLOW, children, step_of

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\noid sha256:4cac19622fc3ada9c0fdeadb33f88f367b541f38\n"
    b"size 123456\n"
)
WEIGHTS = "model.safetensors"
ADAPTER = "adapter_model.safetensors"


def registry() -> Registry:
    return Registry(torch.device("cpu"), torch.float32, 1 << 30, 2)


def cut(path: Path, share: float = 0.6) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def edit(path: Path, **values) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def without(folder: Path, name: str, key: str) -> None:
    tensors = load_file(folder / name)
    del tensors[key if key in tensors else sorted(tensors)[0]]
    save_file(tensors, folder / name, metadata={"format": "pt"})


def code_of_its_own(folder: Path) -> None:
    edit(folder / "config.json", model_type="evil", auto_map={"AutoModelForCausalLM": "evil.Evil"})
    (folder / "evil.py").write_text("open('was-run', 'w')")


def sharded(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    names = sorted(tensors)
    half = len(names) // 2
    for number, part in enumerate((names[:half], names[half:]), 1):
        save_file({key: tensors[key] for key in part}, folder / f"model-{number}.safetensors")
    mapped = {key: f"model-{1 if i < half else 2}.safetensors" for i, key in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapped}))
    (folder / WEIGHTS).unlink()
    cut(folder / "model-2.safetensors")


MODELS = {
    "a pointer for weights": (
        lambda f: (f / WEIGHTS).write_bytes(POINTER),
        r"model.safetensors is a Git LFS pointer.*git lfs pull",
    ),
    "a pointer for the tokenizer": (
        lambda f: (f / "tokenizer.json").write_bytes(POINTER),
        r"tokenizer.json is a Git LFS pointer.*git lfs pull",
    ),
    "a pointer for the configuration": (
        lambda f: (f / "config.json").write_bytes(POINTER),
        r"config.json is a Git LFS pointer",
    ),
    "cut weights": (lambda f: cut(f / WEIGHTS), r"model.safetensors is cut off: .*again"),
    "a cut shard": (sharded, r"model-2.safetensors is cut off: .*again"),
    "weights without a tensor": (
        lambda f: without(f, WEIGHTS, "model.layers.1.mlp.up_proj.weight"),
        r"lack 1 tensors of the model \(model.layers.1.mlp.up_proj.weight",
    ),
    "code of its own": (code_of_its_own, r"config.json wants code of its own \(evil.py"),
    "a cut tokenizer": (
        lambda f: cut(f / "tokenizer.json"),
        r"tokenizer.json cannot be read as JSON .*again",
    ),
    "another model's tokenizer": (
        lambda f: make_model(f / "other", "".join(map(chr, range(32, 200))))
        and shutil.copy(f / "other" / "tokenizer.json", f),
        r"the tokenizer has \d+ tokens beyond the model's embedding of \d+ rows .*tokenizer.json",
    ),
    "a pickle": (
        lambda f: (f / WEIGHTS).rename(f / "pytorch_model.bin"),
        r"pytorch_model.bin is a pickle, which may run code",
    ),
    "shapes of another model": (
        lambda f: edit(f / "config.json", hidden_size=64, num_attention_heads=8),
        r"--model m: ",
    ),
    "an index out of the folder": (
        lambda f: (f / "model.safetensors.index.json").write_text(
            json.dumps({"weight_map": {"a": "../../model.safetensors"}})
        ),
        r"index.json names no weight files",
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_folder_that_is_not_whole(kind, model_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    harm, said = MODELS[kind]
    harm(folder)
    with pytest.raises(ValueError, match=said) as caught:
        registry().add_base("m", folder)
    assert "\n" not in str(caught.value) and not (tmp_path / "was-run").exists()


def test_code_beside_a_known_architecture_is_not_run(model_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    (folder / "evil.py").write_text("open('was-run', 'w')")
    own = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}
    edit(folder / "config.json", auto_map=own)
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.T", None]})
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("a question on the terminal"))
    try:
        registry().add_base("m", folder)
    except ValueError as error:
        assert "\n" not in str(error)
    assert not (tmp_path / "was-run").exists()


def test_pointers_that_nothing_reads_harm_nobody(model_folder, tmp_path):
    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    for name in ("pytorch_model.bin", "consolidated.safetensors", "README.md"):
        (folder / name).write_bytes(POINTER)
    registry().add_base("m", folder)


def test_a_token_that_no_prompt_has_may_lie_beyond_the_embedding(model_folder, tmp_path):
    """A padding token, added without resizing: many published folders have one."""
    from transformers import AutoTokenizer

    folder = Path(shutil.copytree(model_folder, tmp_path / "model"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    models = registry()
    models.add_base("m", folder)
    template = models.bases["m"].template
    assert template.ids([{"role": "user", "content": "1+2"}])
    with pytest.raises(ApiError, match=r"the token '\[PAD\]', for which"):
        template.ids([{"role": "user", "content": "1[PAD]2"}])


ADAPTERS = {
    "cut weights": (lambda f: cut(f / ADAPTER), "is cut off"),
    "a pointer": (lambda f: (f / ADAPTER).write_bytes(POINTER), "Git LFS pointer"),
    "no weights": (lambda f: (f / ADAPTER).unlink(), "has no adapter_model.safetensors"),
    "an empty file": (lambda f: (f / ADAPTER).write_bytes(b""), "no safetensors file"),
    "no configuration": (lambda f: (f / "adapter_config.json").unlink(), "no adapter_config"),
    "half a configuration": (lambda f: cut(f / "adapter_config.json"), "cannot be read as JSON"),
    "a list for configuration": (
        lambda f: (f / "adapter_config.json").write_text("[]"),
        "no LoRA configuration",
    ),
    "a rank of zero": (lambda f: edit(f / "adapter_config.json", r=0), "no LoRA configuration"),
    "a rank in letters": (lambda f: edit(f / "adapter_config.json", r="a"), "no LoRA configuration"),
    "one half of a pair": (
        lambda f: without(f, ADAPTER, "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"),
        "does not fit the base",
    ),
    "another base": (
        lambda f: save_file(
            {key: value[:, :5].contiguous() for key, value in load_file(f / ADAPTER).items()},
            f / ADAPTER,
        ),
        "does not fit the base",
    ),
}


@pytest.fixture(scope="module")
def adapter(model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapter") / "whole"
    tiny_adapter(model_folder, folder, 1)
    return folder


@pytest.fixture(scope="module")
def models(model_folder):
    made = registry()
    made.add_base("tiny", model_folder)
    return made


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_damaged_adapter_is_not_served_and_says_why(kind, models, adapter, tmp_path):
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    harm, said = ADAPTERS[kind]
    harm(folder)
    with pytest.raises((ValueError, OSError), match=said):
        models.add_adapter("a", "tiny", folder)
    with pytest.raises(ApiError, match="'a' is not served: ") as caught:
        models.resolve("a")
    assert caught.value.status == 404
    models.add_adapter("a", "tiny", adapter)
    assert models.resolve("a") and not models.not_served
    models.remove("a")


@pytest.mark.parametrize("seed", range(4))
def test_random_damage_to_an_adapter_never_does_more(seed, models, adapter, tmp_path):
    """It is served with finite numbers, or refused in one line; then used or refused by a 400."""
    rng = random.Random(seed)
    for _ in range(25):
        folder = Path(shutil.copytree(adapter, tmp_path / "adapter", dirs_exist_ok=True))
        path = folder / rng.choice([ADAPTER, "adapter_config.json"])
        data = bytearray(path.read_bytes())
        for _ in range(rng.choice([1, 1, 3, 50])):
            place = rng.randrange(min(len(data), rng.choice([16, 400, len(data)])))
            data[place] = rng.randrange(256)
        if rng.random() < 0.3:
            data = data[: rng.randrange(len(data))]
        path.write_bytes(data)
        try:
            model = models.add_adapter("b", "tiny", folder)
        except (ValueError, OSError) as error:
            assert len(str(error)) < 3000
            continue
        try:
            models.weights(model)
        except ApiError as error:
            assert error.status == 400
        models.adapted.clear()


def test_an_adapter_that_goes_bad_later_is_a_400(models, adapter, tmp_path):
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    model = models.add_adapter("c", "tiny", folder)
    cut(folder / ADAPTER)
    models.adapted.clear()
    with pytest.raises(ApiError, match="The adapter of 'c' cannot be used") as caught:
        models.weights(model)
    assert caught.value.status == 400


def test_a_server_among_ruins(start, model_folder, tmp_path):
    """An adapter cut off, a job whose files were never copied, a trainer that hangs: the base answers,
    health tells the truth, and every job ends."""
    store = Store(tmp_path / "data")
    spec = {"model": "tiny", "base": "tiny", "suffix": "old", "training_file": "file-1"}
    spec |= {"validation_file": None, "seed": 1, "metadata": None, "hyper": {}, "parent": None}
    store.add_job("ftjob-ruined12", spec, None, "")
    store.update_job(
        "ftjob-ruined12", status="succeeded", fine_tuned_model="ft:tiny:old:ruined12"
    )
    tiny_adapter(model_folder, tmp_path / "data" / "adapters" / "ftjob-ruined12", 1)
    cut(tmp_path / "data" / "adapters" / "ftjob-ruined12" / ADAPTER)
    store.add_job("ftjob-nofiles1", spec, None, "")
    store.close()
    store.lock.close()

    server = start(env={"RATCHET_TRAIN_SILENCE_SECONDS": "4"})
    assert server.text(max_tokens=2) is not None
    with pytest.raises(openai.NotFoundError, match="not served: .* is cut off"):
        server.chat(model="ft:tiny:old:ruined12")
    health = httpx.get(f"{server.url}/health").json()
    assert health["status"] == "degraded" and "ft:tiny:old:ruined12" in health["problems"][0]
    lost = server.wait("ftjob-nofiles1")
    assert lost.status == "failed" and "train.jsonl" in lost.error.message

    job = server.train(server.upload(EXAMPLES), hyperparameters=SLOW)
    end = time.monotonic() + 120
    while step_of(server, job.id) < 20:
        assert time.monotonic() < end
        time.sleep(0.1)
    (trainer,) = [one for zygote in children(server.process.pid) for one in children(zygote)]
    os.kill(trainer, signal.SIGSTOP)
    while not any("made no progress for 8 seconds" in m for m in server.messages(job.id)):
        assert time.monotonic() < end
        time.sleep(0.2)
    while not any("continuing after step" in m for m in server.messages(job.id)):
        assert time.monotonic() < end
        time.sleep(0.2)
    server.client.fine_tuning.jobs.cancel(job.id)
