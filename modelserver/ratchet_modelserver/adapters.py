"""LoRA adapter folders in PEFT's format: reading, writing, merging into weights.

Plain LoRA on linear layers is merged here; every other kind goes through PEFT itself, which is
imported only then, as that takes seconds.
"""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from . import model_folder
from .fetching import FetchError

PREFIX = "base_model.model."
AGAIN = "copy the adapter here again, or train it again"


@dataclass
class AdapterConfig:
    """What `adapter_config.json` says, as far as plain LoRA goes."""

    rank: int
    alpha: float
    targets: list[str] | str
    scaling: float
    plain: bool
    """Whether `scaling * B @ A` added to the linear weights is all that the adapter does."""


def read_config(folder: Path) -> AdapterConfig:
    """Raises ValueError when the folder is no PEFT LoRA adapter."""
    path = folder / "adapter_config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"{folder} has no adapter_config.json: not a PEFT adapter folder"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON ({error}): {AGAIN}") from None
    try:
        return config_of(folder, raw)
    except (KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise ValueError(
            f"{path} is no LoRA configuration ({type(error).__name__}: {error}): {AGAIN}"
        ) from None


def config_of(folder: Path, raw: dict) -> AdapterConfig:
    if raw.get("peft_type") != "LORA":
        raise ValueError(f"{folder} is a {raw.get('peft_type')} adapter; only LORA is supported")
    rank, alpha = raw["r"], raw["lora_alpha"]
    unusual = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out")
    unusual += (
        "lora_bias",
        "target_parameters",
        "trainable_token_indices",
        "alora_invocation_tokens",
    )
    return AdapterConfig(
        rank,
        alpha,
        raw["target_modules"],
        alpha / (math.sqrt(rank) if raw.get("use_rslora") else rank),
        plain=raw.get("bias", "none") == "none" and not any(raw.get(key) for key in unusual),
    )


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """{PEFT's key: tensor}, on the CPU."""
    return load_file(folder / "adapter_model.safetensors")


def check_finite(folder: Path) -> None:
    """Raises ValueError naming the first tensor that holds NaN or infinite values: a model with
    it answers with noise."""
    path = folder / "adapter_model.safetensors"
    with safe_open(path, framework="pt") as file:
        for key in sorted(file.keys()):
            tensor = file.get_tensor(key)
            if not tensor.is_floating_point() or bool(tensor.isfinite().all()):
                continue
            bad = int((~tensor.isfinite()).sum())
            raise ValueError(
                f"{path} holds values that are no finite numbers: {bad} of {tensor.numel()} in {key}"
            )


def check(folder: Path, base: nn.Module | None) -> None:
    """Raises ValueError, naming the file and the mend, unless the folder holds a LoRA adapter of
    finite numbers that fits `base` (None: whichever). Reads everything of it; runs nothing."""
    config = read_config(folder)
    path = folder / "adapter_model.safetensors"
    if not path.is_file():
        pickle = " but a pickle, which may run code" if (folder / "adapter_model.bin").exists() else ""
        raise ValueError(f"{folder} has no adapter_model.safetensors{pickle}: {AGAIN}")
    try:
        model_folder.refuse_pointers([path])
        model_folder.head(path)
        with safe_open(path, framework="pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}
        check_finite(folder)
    except (FetchError, SafetensorError) as error:
        raise ValueError(f"{error} (an adapter: {AGAIN})") from None
    if base is not None:
        check_shapes(shapes, dict(base.named_modules()), config.plain)


def check_shapes(shapes: dict[str, list[int]], modules: dict[str, nn.Module], plain: bool) -> None:
    """Raises ValueError when an adapter with tensors of `shapes` does not fit the base's `modules`.
    plain: it has to hold LoRA on linear layers."""
    lowered = [key for key in shapes if key.endswith(".lora_A.weight")]
    if not lowered and plain:
        raise ValueError("it holds no LoRA weights")
    for key in lowered:
        name = key.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        low, high = shapes[key], shapes.get(key.replace(".lora_A.", ".lora_B."))
        weight = getattr(modules.get(name), "weight", None)
        fits = weight is not None and high is not None and len(low) == len(high) == 2
        if not fits or low[0] != high[1] or {low[1], high[0]} != set(weight.shape):
            raise ValueError(f"{name} does not fit the base: was another one trained?")


def pairs(weights: dict[str, torch.Tensor]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """{module name in the base model: (A [rank, in], B [out, rank])}."""
    found = {}
    for key, a in weights.items():
        if key.endswith(".lora_A.weight"):
            b = weights[key.replace(".lora_A.", ".lora_B.")]
            found[key.removeprefix(PREFIX).removesuffix(".lora_A.weight")] = (a, b)
    return found


def plain_pairs(
    base: nn.Module, folder: Path, config: AdapterConfig
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """`pairs` of the adapter, or {} when it does anything but plain LoRA on linear layers."""
    if not config.plain:
        return {}
    weights = read_weights(folder)
    named = pairs(weights)
    modules = dict(base.named_modules())
    simple = 2 * len(named) == len(weights) > 0 and all(
        type(modules.get(name)) is nn.Linear for name in named
    )
    return named if simple else {}


@torch.no_grad()
def merged(base: nn.Module, make_copy, folder: Path) -> nn.Module:
    """A copy of `base` (made by `make_copy()`) with the adapter in `folder` merged in."""
    config = read_config(folder)
    named = plain_pairs(base, folder, config)
    module = make_copy()
    if not named:
        from peft import PeftModel

        return PeftModel.from_pretrained(module, str(folder)).merge_and_unload()
    modules = dict(module.named_modules())
    for name, (a, b) in named.items():
        weight = modules[name].weight
        weight += (config.scaling * (b.to(weight.device).float() @ a.to(weight.device).float())).to(
            weight.dtype
        )
    return module


class BesideLinear(nn.Module):
    """A linear layer with LoRA beside it, in float32 whatever the layer's dtype, as PEFT has it."""

    def __init__(self, linear: nn.Linear, a: torch.Tensor, b: torch.Tensor, scaling: float):
        """a: [rank, in], b: [out, rank]."""
        super().__init__()
        device = linear.weight.device
        self.linear = linear
        self.a = a.to(device, torch.float32).T.contiguous()
        self.b = b.to(device, torch.float32).T.contiguous() * scaling

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        low = x.reshape(-1, x.shape[-1]).float() @ self.a
        result = self.linear(x)
        flat = torch.addmm(result.reshape(-1, result.shape[-1]).float(), low, self.b)
        return flat.view(result.shape).to(result.dtype)


@torch.no_grad()
def beside(base: nn.Module, folder: Path) -> nn.Module:
    """`base` with the adapter in `folder` beside its weights, which are not copied. What merging
    would round away in bfloat16 counts here, and `base` stays as it is."""
    config = read_config(folder)
    named = plain_pairs(base, folder, config)
    tensors = (*base.parameters(), *base.buffers())
    twin = copy.deepcopy(base, {id(tensor): tensor for tensor in tensors})
    if not named:
        from peft import PeftModel

        return PeftModel.from_pretrained(twin, str(folder))
    for name, (a, b) in named.items():
        parent, _, child = name.rpartition(".")
        parent = twin.get_submodule(parent)
        setattr(parent, child, BesideLinear(getattr(parent, child), a, b, config.scaling))
    return twin


def write_folder(
    folder: Path,
    weights: dict[str, torch.Tensor],
    *,
    base: str,
    rank: int,
    alpha: float,
    dropout: float,
    targets: list[str] | str,
    files: dict[str, bytes],
) -> None:
    """Write a PEFT adapter folder atomically: a temporary folder, synced, then renamed.
    `files` are written beside the adapter."""
    from peft import LoraConfig

    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True, exist_ok=True)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
        base_model_name_or_path=base,
        inference_mode=True,
    )
    tensors = {key: value.detach().contiguous().cpu() for key, value in weights.items()}
    try:
        config.save_pretrained(str(temporary))
        save_file(tensors, temporary / "adapter_model.safetensors", metadata={"format": "pt"})
        for name, data in files.items():
            (temporary / name).write_bytes(data)
        for path in temporary.iterdir():
            sync(path)
        if folder.exists():
            # Only after a crash between the rename and the event that reports it: the content is
            # the same.
            shutil.rmtree(folder)
        os.rename(temporary, folder)
    except BaseException:
        # On a full disk, what did not fit must not stay and keep it full.
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(folder.parent)


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError:
        pass  # some filesystems refuse it for folders
    finally:
        os.close(fd)
