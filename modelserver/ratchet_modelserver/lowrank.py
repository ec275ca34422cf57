"""A linear layer with LoRA beside it: frozen weights in any number format, adapters in float32.

The low-rank products are made in the base's format, as under automatic mixed precision; the
gradients of the adapters, and what the optimizer keeps, are float32. Forward and backward pass take
the fewest products: none for the frozen weight's gradient, and none for an input that needs none.
"""

from __future__ import annotations

import torch
from torch import nn


class _LowRank(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, a, b, scaling):
        flat = x.reshape(-1, x.shape[-1])
        a16, b16 = a.to(x.dtype), b.to(x.dtype)
        narrow = flat @ a16.T
        out = nn.functional.linear(flat, weight, bias).addmm_(narrow, b16.T, alpha=scaling)
        ctx.save_for_backward(flat, narrow, weight, a16, b16)
        ctx.scaling, ctx.shape = scaling, x.shape
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, slope):
        flat, narrow, weight, a16, b16 = ctx.saved_tensors
        slope = slope.reshape(-1, slope.shape[-1])
        through = (slope @ b16).mul_(ctx.scaling)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (slope @ weight).addmm_(through, a16).view(ctx.shape)
        grad_a = (through.T @ flat).float()
        grad_b = (slope.T @ narrow).float().mul_(ctx.scaling)
        return grad_x, None, None, grad_a, grad_b, None


class LowRankLinear(nn.Module):
    """Takes the place of a frozen `nn.Linear`."""

    def __init__(self, linear: nn.Linear, rank: int, scaling: float):
        super().__init__()
        self.weight, self.bias, self.scaling = linear.weight, linear.bias, scaling
        rows, columns = linear.weight.shape
        device = linear.weight.device
        self.a = nn.Parameter(torch.empty(rank, columns, device=device))
        self.b = nn.Parameter(torch.zeros(rows, rank, device=device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _LowRank.apply(x, self.weight, self.bias, self.a, self.b, self.scaling)


class LowRank:
    """LoRA on the linear layers `names` of `base`, which is changed."""

    def __init__(self, base: nn.Module, names: list[str], rank: int, scaling: float, prefix: str):
        base.requires_grad_(False)
        self.base = base
        self.params: dict[str, nn.Parameter] = {}
        for name in names:
            owner, _, last = name.rpartition(".")
            layer = LowRankLinear(base.get_submodule(name), rank, scaling)
            setattr(base.get_submodule(owner), last, layer)
            self.params[f"{prefix}{name}.lora_A.weight"] = layer.a
            self.params[f"{prefix}{name}.lora_B.weight"] = layer.b

    def __call__(self, **inputs):
        return self.base(**inputs)
