"""Which number format a model computes in, unless `--dtype` says it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from .llama import LIMIT


def choose(folder: Path, device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU. On a CPU float32, but bfloat16 for models above `LIMIT` parameters where
    the processor multiplies it faster: two to three times there, elsewhere slower. Tiny models gain
    nothing from it."""
    if device.type != "cpu":
        return torch.bfloat16
    if not fast_bfloat16() or parameters(folder) <= LIMIT:
        return torch.float32
    return torch.bfloat16


def fast_bfloat16() -> bool:
    """Told from what the processor is, not by timing it: a run that goes on after a restart computes
    in the same format."""
    has = torch.cpu.get_capabilities()
    if has.get("amx_bf16") or has.get("bf16"):
        return True
    # Intel's without AMX, which many virtual machines do not show, multiply matrices of 128 rows and
    # more in bfloat16 at 0.6 of the speed of float32. AMD's were not measured.
    return bool(has.get("avx512_bf16")) and "AuthenticAMD" in processor()


def processor() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def parameters(folder: Path) -> int:
    """How many the model has, from its configuration alone."""
    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder, trust_remote_code=False))
    return sum(p.numel() for p in module.parameters())
