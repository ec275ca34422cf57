"""Which number format a processor is given."""

import pytest
import torch
from ratchet_modelserver import dtypes


@pytest.mark.parametrize(
    ("capabilities", "processor", "fast"),
    [
        ({}, "GenuineIntel", False),
        ({"avx512_bf16": True}, "GenuineIntel", False),
        ({"avx512_bf16": True, "amx_bf16": True}, "GenuineIntel", True),
        ({"avx512_bf16": True}, "AuthenticAMD", True),
        ({"bf16": True}, "", True),
    ],
    ids=["neither", "Intel without AMX", "Intel", "AMD", "Arm"],
)
def test_bfloat16_is_for_processors_that_are_faster_in_it(monkeypatch, capabilities, processor, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(dtypes, "processor", lambda: f"vendor_id\t: {processor}\n")
    assert dtypes.fast_bfloat16() is fast
