"""The trainable part: LoRA matrices over a frozen base, in one flat tensor."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.func import functional_call

from .adapters import PREFIX
from .lowrank import LowRank

DENSE_LIMIT = 32 << 20
"""Parameters in the adapted layers up to which the effective weight W + s·B·A is formed each
step. That costs less than the extra matrix products over all tokens while the layers are small."""


def linear_targets(
    base: nn.Module, wanted: list[str] | str | None
) -> tuple[list[str], list[str] | str]:
    """(names of the adapted modules, what to write as `target_modules`). None means every linear
    layer but the output head. Raises ValueError when nothing matches."""
    head = base.get_output_embeddings()
    linear = {
        name: module
        for name, module in base.named_modules()
        if (isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D")
        and module is not head
    }
    if wanted is None or wanted == "all-linear":
        return list(linear), sorted({name.rsplit(".", 1)[-1] for name in linear})
    wanted = [wanted] if isinstance(wanted, str) else wanted
    for target in wanted:
        if not any(name == target or name.endswith(f".{target}") for name in linear):
            have = ", ".join(sorted({name.rsplit(".", 1)[-1] for name in linear}))
            raise ValueError(
                f"lora_target_modules: no linear layer is called '{target}' (the model has {have})"
            )
    return [n for n in linear if any(n == t or n.endswith(f".{t}") for t in wanted)], sorted(wanted)


class DenseLora:
    """LoRA on small linear layers: each step runs the plain model with weights W + s·B·A."""

    def __init__(self, base: nn.Module, names: list[str], rank: int, scaling: float):
        base.requires_grad_(False)
        self.base, self.scaling = base, scaling
        modules = dict(base.named_modules())
        self.targets = []
        self.params: dict[str, nn.Parameter] = {}
        for name in names:
            weight = modules[name].weight
            rows, columns = weight.shape
            a = nn.Parameter(torch.empty(rank, columns, device=weight.device))
            b = nn.Parameter(torch.zeros(rows, rank, device=weight.device))
            self.params[f"{PREFIX}{name}.lora_A.weight"] = a
            self.params[f"{PREFIX}{name}.lora_B.weight"] = b
            self.targets.append((f"{name}.weight", weight.float(), a, b))

    def __call__(self, **inputs):
        weights = {
            name: torch.addmm(weight, b, a, alpha=self.scaling)
            for name, weight, a, b in self.targets
        }
        return functional_call(self.base, weights, kwargs=inputs)


class PeftLora:
    """LoRA through PEFT's own layers: any layer kind, and dropout."""

    def __init__(self, base, targets: list[str] | str, rank: int, alpha: float, dropout: float):
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            target_modules=targets,
            task_type="CAUSAL_LM",
        )
        self.model = get_peft_model(base, config).train()
        self.params = {
            name.replace(".default.", "."): parameter
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }

    def __call__(self, **inputs):
        return self.model(**inputs)


def build(base: nn.Module, wanted, rank: int, alpha: float, dropout: float):
    """(the model with LoRA, its target_modules). Raises ValueError for targets that do not
    exist."""
    names, targets = linear_targets(base, wanted)
    modules = dict(base.named_modules())
    size = sum(modules[name].weight.numel() for name in names)
    plain = all(type(modules[name]) is nn.Linear for name in names)
    single = base.dtype == torch.float32
    if plain and dropout == 0 and size <= DENSE_LIMIT and single:
        return DenseLora(base.eval(), names, rank, alpha / rank), targets
    if plain and dropout == 0:
        return LowRank(base.train(), names, rank, alpha / rank, PREFIX), targets
    return PeftLora(base, targets, rank, alpha, dropout), targets


def init_weights(params: dict[str, nn.Parameter], seed: int) -> None:
    """PEFT's start: A Kaiming-uniform, B zero, so that the adapter changes nothing yet."""
    generator = torch.Generator().manual_seed(seed)
    for key, parameter in params.items():
        with torch.no_grad():
            if ".lora_B." in key:
                parameter.zero_()
            else:
                bound = 1 / math.sqrt(parameter[0].numel())
                fresh = torch.empty(parameter.shape).uniform_(-bound, bound, generator=generator)
                parameter.copy_(fresh)


class Flat:
    """All parameters, and their gradients, as views into one float32 tensor each: clipping, the
    optimizer and the moving average are then one operation each, however many layers there are."""

    def __init__(self, params: dict[str, nn.Parameter]):
        self.params = params
        device = next(iter(params.values())).device
        size = sum(p.numel() for p in params.values())
        self.values = torch.empty(size, device=device)
        self.values.grad = torch.zeros(size, device=device)
        start = 0
        for parameter in params.values():
            end = start + parameter.numel()
            self.values[start:end] = parameter.data.reshape(-1)
            parameter.data = self.values[start:end].view(parameter.shape)
            parameter.grad = self.values.grad[start:end].view(parameter.shape)
            start = end

    def named(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        """`values` (flat) cut into named tensors."""
        named, start = {}, 0
        for key, parameter in self.params.items():
            named[key] = values[start : start + parameter.numel()].view(parameter.shape)
            start += parameter.numel()
        return named
