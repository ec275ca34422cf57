"""Prompts that begin alike: what is shared must not show in any answer."""

from __future__ import annotations

import asyncio

import pytest
import torch
from conftest import tiny_adapter
from ratchet_modelserver import prefill
from ratchet_modelserver.engine import Engine, Limits
from ratchet_modelserver.prefix import Prefix, Prefixes, shared
from ratchet_modelserver.registry import Registry
from ratchet_modelserver.rows import Row, Settings, Ticket
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config

SHAPE = dict(
    vocab_size=45,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
    initializer_range=0.3,
    max_position_embeddings=4096,
)
KINDS = {
    "qwen2": lambda: Qwen2Config(**SHAPE),
    "llama": lambda: LlamaConfig(**SHAPE, attention_bias=True),  # no quick step of its own
    "gpt2": lambda: GPT2Config(
        vocab_size=45, n_embd=32, n_layer=2, n_head=4, n_positions=1024, eos_token_id=2
    ),
}


def make(kind: str, folder, reference) -> None:
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(KINDS[kind]()).save_pretrained(folder)
    reference[1].save_pretrained(folder)


@pytest.fixture
def folder(tmp_path, reference):
    make("qwen2", tmp_path / "m", reference)
    return tmp_path / "m"


def registry_of(folder, merge_limit: int = 1 << 30, **options) -> Registry:
    registry = Registry(torch.device("cpu"), torch.float32, merge_limit, 4, **options)
    registry.add_base("m", folder)
    return registry


class Running:
    """An engine with its thread, asked with token ids."""

    def __init__(self, registry: Registry, **limits):
        self.registry = registry
        self.engine = Engine(registry, Limits(**limits), 1)

    def __enter__(self):
        self.engine.start()
        return self

    def __exit__(self, *_):
        self.engine.stop()

    def answers(self, prompts: list[list[int]], models: list[str] | None = None, **settings):
        """Token ids per prompt; all are asked at once."""
        settings = {"max_tokens": 12, "temperature": 0} | settings

        async def ask():
            rows = []
            loop = asyncio.get_running_loop()
            for i, prompt in enumerate(prompts):
                ticket = Ticket(loop, loop.create_future(), pending=1)
                model = self.registry.resolve(models[i] if models else "m")
                rows.append(Row(model, prompt, i, Settings(**settings), ticket, 0))
            self.engine.submit(rows)
            await asyncio.wait_for(asyncio.gather(*(row.ticket.done for row in rows)), 60)
            return [row.tokens for row in rows]

        return asyncio.run(ask())


def tokens(seed: int, count: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(3, 45, (count,), generator=generator).tolist()


def prompts_behind(prefix: list[int], count: int) -> list[list[int]]:
    return [prefix + tokens(100 + i, 3 + i % 7) for i in range(count)]


def expected(module, prompt: list[int], count: int = 12) -> list[int]:
    ids = torch.tensor([prompt])
    out = module.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=count,
        do_sample=False,
        pad_token_id=0,
    )[0, len(prompt) :].tolist()
    return [token for token in out if token != 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_prefix_gives_the_same_tokens_as_none(kind, tmp_path, reference):
    make(kind, tmp_path, reference)
    registry = registry_of(tmp_path)
    assert registry.bases["m"].shares_prefixes
    prompts = prompts_behind(tokens(1, 60), 9)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    with Running(registry) as running:
        found = running.answers(prompts)
        assert registry.prefixes.bytes > 0
        saved = registry.prefixes.tokens_saved
        again = running.answers([prompts[4]])
        assert registry.prefixes.tokens_saved >= saved + 60
    assert found == [expected(plain, prompt) for prompt in prompts]
    assert again == [found[4]]


def test_single_callers_share_what_their_prompts_have_in_common(folder):
    registry = registry_of(folder)
    with Running(registry) as running:
        prompts = prompts_behind(tokens(1, 50), 4)
        alone = [running.answers([prompt])[0] for prompt in prompts]
        assert registry.prefixes.tokens_saved >= 50
    plain = registry.bases["m"].weights.module
    assert alone == [expected(plain, prompt) for prompt in prompts]


def test_samples_do_not_depend_on_what_was_shared(folder):
    prompts = prompts_behind(tokens(1, 50), 6)
    with Running(registry_of(folder, prefix_bytes=0)) as running:
        without = [running.answers([prompts[0]], temperature=1.0)[0]]
        without += running.answers(prompts, temperature=1.0)[1:]
    with Running(registry_of(folder)) as running:
        running.answers(prompts)
        assert running.answers(prompts, temperature=1.0) == without


def watch_batches(running: Running, monkeypatch) -> list[int]:
    """How many batches took turns, turn by turn."""
    seen, inner = [], running.engine.turn

    def turn(active, pool):
        going = inner(active, pool)
        seen.append(len(active))
        return going

    monkeypatch.setattr(running.engine, "turn", turn)
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_begin_otherwise_go_on_as_one_batch(kind, tmp_path, reference, monkeypatch):
    make(kind, tmp_path, reference)
    registry = registry_of(tmp_path)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    groups = [prompts_behind(tokens(seed, 50 + 7 * seed), 3) for seed in range(1, 5)]
    mixed = [prompt for group in zip(*groups, strict=True) for prompt in group][:9]
    running = Running(registry, gather_ms=1)
    seen = watch_batches(running, monkeypatch)
    with running:
        for group in groups:
            running.answers(group)
        assert len(registry.prefixes.entries) >= 4
        seen.clear()
        found = running.answers(mixed, max_tokens=30)
    assert found == [expected(plain, prompt, 30) for prompt in mixed]
    # Nine rows behind four prefixes: no more steps than the longest answer takes.
    assert max(seen) == 1


def test_rows_do_not_part_from_a_prefix_that_is_dearer_to_copy_than_the_weights(
    folder, monkeypatch
):
    registry = registry_of(folder)
    plain = registry.bases["m"].weights.module
    groups = [prompts_behind(tokens(seed, 900), 2) for seed in (1, 2)]
    running = Running(registry, gather_ms=1)
    seen = watch_batches(running, monkeypatch)
    with running:
        for group in groups:
            running.answers(group)
        seen.clear()
        mixed = [*groups[0], *groups[1]]
        found = running.answers(mixed, max_tokens=30)
    assert found == [expected(plain, prompt, 30) for prompt in mixed]
    assert max(seen) == 2


@pytest.mark.parametrize("merge_limit", [0, 1 << 30])
def test_adapters_with_one_prefix_do_not_mix(folder, tmp_path, merge_limit):
    registry = registry_of(folder, merge_limit)
    for i in range(2):
        tiny_adapter(folder, tmp_path / f"a{i}", seed=i)
        registry.add_adapter(f"a{i}", "m", tmp_path / f"a{i}")
    prompts = prompts_behind(tokens(1, 60), 6)
    names = ["m", "a0", "a1"]
    with Running(registry) as running:
        mixed = running.answers(prompts * 3, [name for name in names for _ in prompts])
        later = running.answers(prompts[:2] * 3, [name for name in names for _ in range(2)])
    for i, name in enumerate(names):
        module = AutoModelForCausalLM.from_pretrained(folder).eval()
        if name != "m":
            from peft import PeftModel

            module = PeftModel.from_pretrained(module, str(tmp_path / name)).eval()
        want = [expected(module, prompt) for prompt in prompts]
        assert mixed[6 * i : 6 * i + 6] == want
        assert later[2 * i : 2 * i + 2] == want[:2]
    assert mixed[:6] != mixed[6:12] != mixed[12:]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_adapter_beside_the_weights_answers_like_pefts(folder, tmp_path, dtype):
    from peft import PeftModel
    from ratchet_modelserver import adapters

    tiny_adapter(folder, tmp_path / "a", seed=3)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    before = base(input_ids=torch.tensor([tokens(1, 20)])).logits
    ours = adapters.beside(base, tmp_path / "a")
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
    theirs = PeftModel.from_pretrained(theirs, str(tmp_path / "a")).eval()
    for seed in range(4):
        ids = torch.tensor([tokens(seed, 40)])
        with torch.no_grad():
            found, wanted = ours(input_ids=ids).logits, theirs(input_ids=ids).logits
        # PEFT rounds its sum to bfloat16 twice, this once.
        close = 1e-5 if dtype == torch.float32 else 0.02 * float(wanted.std())
        assert float((found - wanted).float().abs().mean()) <= close
    assert torch.equal(base(input_ids=torch.tensor([tokens(1, 20)])).logits, before)
    shared_memory = {p.data_ptr() for p in base.parameters()}
    assert shared_memory == {p.data_ptr() for p in ours.parameters()}


def test_a_removed_model_leaves_no_prefix(folder, tmp_path):
    registry = registry_of(folder)
    tiny_adapter(folder, tmp_path / "a", seed=0)
    registry.add_adapter("a", "m", tmp_path / "a")
    with Running(registry) as running:
        running.answers(prompts_behind(tokens(1, 60), 3), ["a"] * 3)
        assert registry.prefixes.bytes > 0
        registry.remove("a")
        assert registry.prefixes.bytes == 0 and not registry.prefixes.entries


def entry(length: int, first: int = 3) -> Prefix:
    pair = (torch.zeros(1, 1, length, 4), torch.zeros(1, 1, length, 4))
    return Prefix([first] * length, [pair])


def test_the_least_recently_used_prefix_goes_first():
    store = Prefixes(3 * entry(40).bytes)
    for first in (3, 4, 5):
        store.put("fp", entry(40, first))
    assert store.best("fp", [3] * 50)[0] == 40
    store.put("fp", entry(40, 6))
    assert store.best("fp", [4] * 50)[0] == 0
    assert store.best("fp", [3] * 50)[0] == 40
    assert store.bytes == 3 * entry(40).bytes
    store.put("fp", entry(200))
    assert store.bytes <= store.limit and store.best("fp", [3] * 300)[0] == 40


def test_other_weights_never_see_a_prefix():
    store = Prefixes(1 << 20)
    store.put("fp_a", entry(40))
    assert store.best("fp_b", [3] * 50) == (0, None)


def test_a_very_long_prefix_is_read_in_pieces_and_not_kept_beyond_the_limit(folder, monkeypatch):
    monkeypatch.setattr(prefill, "CHUNK", 64)
    registry = registry_of(folder, prefix_bytes=1 << 16)
    plain = registry.bases["m"].weights.module
    widest, inner = [0], prefill.read

    def watched(module, cache, tails, prefix):
        widest[0] = max(widest[0], len(tails) * max(map(len, tails)))
        return inner(module, cache, tails, prefix)

    monkeypatch.setattr(prefill, "read", watched)
    prompts = prompts_behind(tokens(1, 1500), 3)
    with Running(registry) as running:
        found = running.answers(prompts)
    assert 0 < widest[0] <= 64
    assert registry.prefixes.bytes <= 1 << 16
    assert found == [expected(plain, prompt) for prompt in prompts]


def test_rows_that_begin_otherwise_wait_only_where_sharing_is_worth_it():
    store = Prefixes(1 << 20)
    long, other = tokens(1, 600), [tokens(i, 40) for i in range(50, 60)]
    few = prompts_behind(long, 8)
    assert store.worth_sharing("fp", few[0], few[1:] + other)[0] == 600
    # Two that share 40 tokens are not worth leaving ten others behind.
    pair = prompts_behind(tokens(2, 40), 2)
    assert store.worth_sharing("fp", pair[0], pair[1:] + [tokens(i, 90) for i in range(10)])[0] == 0


def test_shared_counts_equal_tokens_at_the_start():
    assert shared([1, 2, 3], [1, 2, 3, 4]) == 3
    assert shared([1, 2, 3], [1, 2, 9]) == 2
    assert shared([5], [6]) == 0 and shared([], [1]) == 0
    for same in range(40):
        assert shared([1] * same + [2] * 3, [1] * same + [3] * 5) == same
