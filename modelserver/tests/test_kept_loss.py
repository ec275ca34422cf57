"""The trainer's own LoRA layers and loss against plain PEFT and plain cross-entropy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ratchet_modelserver import kept_loss, lora, shared_prefix
from ratchet_modelserver.dataset import Example
from ratchet_modelserver.hyper import resolve
from ratchet_modelserver.lowrank import LowRank
from ratchet_modelserver.registry import load_model
from ratchet_modelserver.schemas import Hyperparameters


@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)], ids=["float32", "bfloat16"]
)
def test_loss_and_gradients_are_pefts(model_folder, monkeypatch, dtype, near):
    monkeypatch.setattr(kept_loss, "PIECE_BYTES", 1000)  # several pieces
    load = lambda: load_model(model_folder, dtype, torch.device("cpu"))  # noqa: E731
    theirs, base = load(), load()
    names, targets = lora.linear_targets(base, None)
    plain = lora.PeftLora(theirs, targets, 4, 8.0, 0.0)
    ours = LowRank(base, names, 4, 2.0, lora.PREFIX)
    assert set(ours.params) == set(plain.params)
    generator = torch.Generator().manual_seed(0)
    for key, parameter in ours.params.items():
        assert parameter.dtype == torch.float32
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
            plain.params[key].copy_(parameter)
    ids = torch.randint(3, 40, (3, 20), generator=generator)
    assert kept_loss.applies(base, ids[:1])

    logits = plain(input_ids=ids, use_cache=False).logits[:, 7:-1].float()
    wanted = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), ids[:, 8:].flatten(), reduction="sum"
    )
    wanted.backward()
    states = base.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state[:, 7:-1]
    head = base.get_output_embeddings()
    loss = kept_loss.cross_entropy(states.flatten(0, 1), head, ids[:, 8:].flatten())
    loss.backward()

    assert loss.item() == pytest.approx(wanted.item(), rel=near / 10)
    for key, parameter in ours.params.items():
        expected = plain.params[key].grad
        assert parameter.grad.dtype == torch.float32
        assert (parameter.grad - expected).norm() <= near * expected.norm() + 1e-6, key


@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)], ids=["float32", "bfloat16"]
)
def test_a_prefix_read_once_gives_the_same_gradients(model_folder, dtype, near):
    base = load_model(model_folder, dtype, torch.device("cpu"))
    names, _ = lora.linear_targets(base, None)
    params = LowRank(base, names, 4, 2.0, lora.PREFIX).params
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in params.values():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    ids = torch.randint(3, 40, (3, 20), generator=generator)
    ids[:, :12] = ids[0, :12]
    decoder, head = base.get_decoder(), base.get_output_embeddings()
    assert shared_prefix.applies(decoder, ids[:1])

    def gradients(prefix: int) -> tuple[float, list[torch.Tensor]]:
        for parameter in params.values():
            parameter.grad = None
        states = shared_prefix.states(decoder, ids, prefix)[:, 14 - prefix : -1]
        loss = kept_loss.cross_entropy(states.flatten(0, 1), head, ids[:, 15:].flatten())
        loss.backward()
        return loss.item(), [parameter.grad for parameter in params.values()]

    plain, wanted = gradients(0)
    shared, found = gradients(12)
    assert shared == pytest.approx(plain, rel=near / 10)
    for one, other in zip(found, wanted, strict=True):
        assert (one - other).norm() <= near * other.norm() + 1e-6


def test_what_a_batch_begins_with_ends_before_what_it_learns():
    def example(tokens: list[int], learnt: int) -> Example:
        trained = np.arange(len(tokens)) >= learnt
        return Example(np.array(tokens, dtype=np.int64), trained)

    same = list(range(40))
    one, other = example([*same, 1, 2, 3], 41), example([*same, 5, 2], 41)
    assert shared_prefix.length([one, other]) == 40
    assert shared_prefix.length([one]) == 0
    # The state of the token before the first learnt one gives its loss, so it is not shared.
    assert shared_prefix.length([example([*same, 1, 2], 36), other]) == 35
    assert shared_prefix.length([example([*same, 1, 2], 32), other]) == 0


def test_a_model_that_scales_its_logits_keeps_its_own_forward_pass(model_folder):
    base = load_model(model_folder, torch.float32, torch.device("cpu"))
    ids = torch.arange(3, 13)[None]
    assert kept_loss.applies(base, ids)
    usual = base.forward

    def scaled(*args, **kwargs):
        out = usual(*args, **kwargs)
        out.logits = out.logits * 0.5
        return out

    base.forward = scaled
    assert not kept_loss.applies(base, ids)


def test_defaults_follow_the_models_size_and_the_number_of_examples():
    nothing = Hyperparameters()
    tiny = resolve(nothing, 500, 500_000, None)
    picked = ("learning_rate", "batch_size", "n_epochs", "lora_rank", "lora_alpha")
    assert [tiny[key] for key in picked] == [1e-3, 32, 4, 32, 64]
    few = resolve(nothing, 40, 500_000_000, None)
    assert [few[key] for key in picked] == [2e-4, 4, 3, 16, 32]
    many = resolve(nothing, 20_000, 8_000_000_000, None)
    assert [many[key] for key in picked] == [1e-4, 16, 1, 32, 64]
    own = resolve(Hyperparameters(learning_rate=3e-5, n_epochs=7), 40, 500_000_000, None)
    assert (own["learning_rate"], own["n_epochs"]) == (3e-5, 7)
