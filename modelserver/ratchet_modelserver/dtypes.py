"""Which number format a model computes in, unless `--dtype` says it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from .llama import LIMIT


def choose(folder: Path, device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU. On a CPU float32, but bfloat16 for models above `LIMIT` parameters where
    the processor multiplies it natively: two to three times quicker there, elsewhere emulated and
    slower. Tiny models gain nothing from it."""
    if device.type != "cpu":
        return torch.bfloat16
    if not native_bfloat16() or parameters(folder) <= LIMIT:
        return torch.float32
    return torch.bfloat16


def native_bfloat16() -> bool:
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16") or has.get("bf16"))


def parameters(folder: Path) -> int:
    """How many the model has, from its configuration alone."""
    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder, trust_remote_code=False))
    return sum(p.numel() for p in module.parameters())
