"""Looks at a Hugging Face model folder before anything is loaded from it, and says what is known of
it. Reads JSON and the heads of the weight files; runs no code of the model.

Covers: missing and cut-off files, Git LFS pointers, weights as pickles, architectures that need code
of their own. Does not cover: whether the weights are any good.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from pathlib import Path

from .fetching import FetchError

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")
POINTER = b"version https://git-lfs.github.com/spec/"


def check(folder: Path) -> dict:
    """What is known of the model: parameters, bytes, dtype, architecture, context (tokens), template
    (whether it has a chat template), vocabulary. Raises FetchError naming the file and the mend."""
    config = read_config(folder)
    heads = check_files(folder)
    check_architecture(folder, config)
    if config.get("quantization_config"):
        method = config["quantization_config"].get("quant_method", "quantised")
        raise FetchError(
            f"{folder / 'config.json'}: the weights are quantised ({method}), which can't be "
            "trained here: take the model's bfloat16 or float16 weights."
        )
    text = config.get("text_config") or config
    return {
        "parameters": sum(count for count, _ in heads.values()),
        "bytes": sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        "dtype": common_dtype([kinds for _, kinds in heads.values()]),
        "architecture": (config.get("architectures") or [config.get("model_type")])[0],
        "context": text.get("max_position_embeddings") or text.get("n_positions"),
        "vocabulary": text.get("vocab_size"),
        "template": has_template(folder),
    }


def check_files(folder: Path) -> dict[Path, tuple[int, dict[str, int]]]:
    """`head` of every weight file. Raises FetchError for a file that is missing, a pointer or cut off;
    needs no library, so that a server can say it before it loads any."""
    read_config(folder)
    texts = (".json", ".jinja", ".model", ".txt")
    refuse_pointers(sorted(path for path in folder.iterdir() if path.suffix in texts))
    weights = weight_files(folder)
    refuse_pointers(weights)
    check_tokenizer(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        if (folder / name).is_file():
            read_json(folder / name)
    return {path: head(path) for path in weights}


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of its weight files, as the server makes its fingerprint."""
    found = hashlib.sha256()
    for path in weight_files(folder):
        found.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                found.update(block)
    return found.hexdigest()


def read_json(path: Path) -> dict:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FetchError(
            f"{path} cannot be read as JSON ({error}): download that file again."
        ) from None
    if not isinstance(value, dict):
        raise FetchError(f"{path} holds no JSON object: download that file again.")
    return value


def read_config(folder: Path) -> dict:
    if not folder.is_dir():
        raise FetchError(f"There is no folder {folder}: correct the path.")
    path = folder / "config.json"
    if not path.is_file():
        mend = "it is no Hugging Face model folder: give the one that holds config.json"
        if (folder / "adapter_config.json").is_file():
            base = read_json(folder / "adapter_config.json").get("base_model_name_or_path")
            mend = f"it is an adapter: give its base model ({base}) instead"
        raise FetchError(f"{path} is missing, so {mend}.")
    if is_pointer(path):
        refuse_pointer(path)
    return read_json(path)


def is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER


def refuse_pointer(path: Path) -> None:
    raise FetchError(
        f"{path} is a Git LFS pointer of {path.stat().st_size} bytes, not the file: run "
        f"`git lfs pull` in {path.parent}, or add the model by its hub id."
    )


def refuse_pointers(paths: list[Path]) -> None:
    for path in paths:
        if path.is_file() and path.stat().st_size < 1024 and is_pointer(path):
            refuse_pointer(path)


def weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        mapped = read_json(index).get("weight_map")
        names = sorted({str(name) for name in mapped.values()}) if isinstance(mapped, dict) else []
        if not names or any("/" in name or "\\" in name for name in names):
            raise FetchError(f"{index} names no weight files: download that file again.")
        for name in names:
            if not (folder / name).is_file():
                raise FetchError(
                    f"{folder / name} is missing, one of {len(names)} files that {index.name} "
                    "names: download that file too."
                )
        return [folder / name for name in names]
    found = folder / "model.safetensors"
    if found.is_file():
        return [found]
    others = sorted(path.name for path in folder.glob("*.safetensors"))
    if others:
        raise FetchError(
            f"{index} is missing, which says what {', '.join(others[:3])} hold: download it too."
        )
    pickles = [path.name for suffix in (".bin", ".pt", ".pth") for path in folder.glob(f"*{suffix}")]
    if pickles:
        raise FetchError(
            f"{folder / sorted(pickles)[0]} is a pickle, which may run code as it is read: only "
            "safetensors are taken. Take a revision with model.safetensors, or convert it with "
            "transformers' save_pretrained in a place that you trust."
        )
    ggufs = sorted(path.name for path in folder.glob("*.gguf"))
    if ggufs:
        raise FetchError(
            f"{folder} holds no safetensors but {ggufs[0]}: give the path of that file instead."
        )
    raise FetchError(f"{found} is missing: the folder has no weights. Download them too.")


def head(path: Path) -> tuple[int, dict[str, int]]:
    """(parameters, parameters by dtype) from a safetensors file's head, whose offsets must fit its
    size."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size - 8, 100_000_000):
                raise ValueError("its head is longer than the file")
            tensors = json.loads(file.read(length))
        tensors.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in tensors.values()), default=0)
        kinds: dict[str, int] = {}
        for tensor in tensors.values():
            count = math.prod(tensor["shape"])
            if type(tensor["data_offsets"][1]) is not int or type(count) is not int:
                raise ValueError("its head holds no whole numbers")
            kinds[tensor["dtype"]] = kinds.get(tensor["dtype"], 0) + count
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        RecursionError,
        struct.error,
    ) as error:
        raise FetchError(
            f"{path} is no safetensors file ({error}): download that file again."
        ) from None
    if 8 + length + end != size:
        raise FetchError(
            f"{path} is cut off: it has {size} of {8 + length + end} bytes. Download that file again."
        )
    if not kinds:
        raise FetchError(f"{path} holds no weights: download that file again.")
    return sum(kinds.values()), kinds


def common_dtype(all_kinds: list[dict[str, int]]) -> str:
    total: dict[str, int] = {}
    for kinds in all_kinds:
        for name, count in kinds.items():
            total[name] = total.get(name, 0) + count
    return max(total, key=lambda name: total[name])


def check_tokenizer(folder: Path) -> None:
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise FetchError(
            f"{folder / 'tokenizer.json'} is missing (and so are {', '.join(TOKENIZERS[1:])}): "
            "download the tokenizer's files of the model as well."
        )


def check_architecture(folder: Path, config: dict) -> None:
    """The architecture must be one that Transformers has itself, and one that writes text."""
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING

    kind = config.get("model_type")
    own = config.get("auto_map") or {}
    known = kind in CONFIG_MAPPING
    if own and not known:
        code = str(own.get("AutoModelForCausalLM") or next(iter(own.values()))).split(".")[0]
        raise FetchError(
            f"{folder / 'config.json'} wants code of its own ({code}.py, by auto_map), which is never "
            f"run here: take a model whose architecture Transformers knows itself, not '{kind}'."
        )
    if not known:
        raise FetchError(
            f"{folder / 'config.json'}: the installed Transformers does not know model_type "
            f"'{kind}'. Take another model, or a newer Transformers in the Python environment."
        )
    if CONFIG_MAPPING[kind] not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise FetchError(
            f"{folder / 'config.json'}: '{kind}' is no causal language model, so it writes no "
            "answers. Take a text generation model."
        )


def has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    path = folder / "tokenizer_config.json"
    return path.is_file() and bool(read_json(path).get("chat_template"))
