"""Chat completions, through the official client."""

from __future__ import annotations

import copy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import openai
import pytest
import torch
from conftest import ROOT
from transformers import AutoModelForCausalLM


def prompt(tokenizer, content: str) -> torch.Tensor:
    return torch.tensor([tokenizer(content + "\n", add_special_tokens=False).input_ids])


def generate(reference, content: str, tokens: int) -> str:
    model, tokenizer = reference
    ids = prompt(tokenizer, content)
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=tokens,
        do_sample=False,
        pad_token_id=0,
    )
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)


def test_answers_with_usage_and_fingerprint(server):
    answer = server.chat(max_tokens=7, seed=1)
    assert answer.object == "chat.completion"
    assert answer.usage.prompt_tokens == 4
    assert answer.usage.completion_tokens <= 7
    assert answer.usage.total_tokens == 4 + answer.usage.completion_tokens
    assert answer.system_fingerprint.startswith("fp_") and len(answer.system_fingerprint) == 19


def test_n_choices_differ_and_repeat_with_the_seed(server):
    def choices(n):
        found = server.chat(n=n, seed=5, max_tokens=20).choices
        return [choice.message.content for choice in found]

    four = choices(4)
    assert len(set(four)) == 4
    assert choices(4) == four
    assert choices(2) == four[:2]


def test_no_seed_is_random(server):
    assert server.text(max_tokens=20) != server.text(max_tokens=20)


def test_greedy_equals_generate_whatever_shares_the_batch(server, reference):
    """Prompts of different lengths, so that rows are padded, and settings of all kinds in one
    batch."""
    contents = ["1", "1+2", "abc def", "99+11=", "a longer prompt than others", "1+2"]
    noise = [dict(temperature=1.5), dict(top_p=0.5), dict(extra_body={"top_k": 3}), dict(n=3)]
    with ThreadPoolExecutor(16) as pool:
        greedy = [
            pool.submit(server.text, content, temperature=0, max_tokens=10 + i)
            for i, content in enumerate(contents)
        ]
        others = [pool.submit(server.text, "1+2", max_tokens=9, **kind) for kind in noise * 2]
        for i, (content, answer) in enumerate(zip(contents, greedy, strict=True)):
            assert answer.result() == generate(reference, content, 10 + i)
        for other in others:
            other.result()


def test_sampling_does_not_depend_on_the_batch(server):
    alone = [server.text(f"{i}+1", seed=i, max_tokens=24) for i in range(6)]
    with ThreadPoolExecutor(12) as pool:
        together = [
            pool.submit(server.text, f"{i % 6}+1", seed=i % 6, max_tokens=24) for i in range(24)
        ]
        assert [one.result() for one in together] == alone * 4


def test_samples_follow_the_distribution(server, reference):
    """First tokens of 1,024 samples against the model's own probabilities."""
    model, tokenizer = reference
    with torch.no_grad():
        expected = model(prompt(tokenizer, "1+2")).logits[0, -1].softmax(-1).numpy()
    counts = np.zeros(len(expected))
    for seed in range(4):
        answer = server.chat(n=256, seed=seed, max_tokens=1)
        for choice in answer.choices:
            text = choice.message.content
            counts[tokenizer.convert_tokens_to_ids(text) if text else 0] += 1
    likely = expected > 0.01
    likely[:3] = False  # special tokens have no text
    seen, expected = counts[likely] / counts.sum(), expected[likely]
    assert np.all(np.abs(seen - expected) < 4.5 * np.sqrt(expected / counts.sum()))


def test_top_k_1_and_tiny_top_p_are_greedy(server):
    greedy = server.text(temperature=0, max_tokens=12)
    assert server.text(temperature=1.5, max_tokens=12, extra_body={"top_k": 1}) == greedy
    assert server.text(temperature=1.5, max_tokens=12, top_p=1e-6) == greedy


def test_logprobs_match_a_forward_pass(server, reference):
    model, tokenizer = reference
    choice = server.chat(seed=3, max_tokens=10, logprobs=True, top_logprobs=3).choices[0]
    entries = choice.logprobs.content
    assert "".join(entry.token for entry in entries) == choice.message.content
    ids = tokenizer(choice.message.content, add_special_tokens=False).input_ids
    start = prompt(tokenizer, "1+2")
    with torch.no_grad():
        logits = model(torch.cat((start, torch.tensor([ids])), 1)).logits[0, start.shape[1] - 1 :]
    expected = logits.log_softmax(-1)
    for i, (id, entry) in enumerate(zip(ids, entries, strict=True)):
        assert entry.logprob == pytest.approx(float(expected[i, id]), abs=1e-4)
        best = expected[i].topk(3).values.tolist()
        assert [top.logprob for top in entry.top_logprobs] == pytest.approx(best, abs=1e-4)


def test_prompt_logprobs_match_a_forward_pass(server, reference):
    model, tokenizer = reference
    body = {"prompt_logprobs": 2, "add_generation_prompt": False, "continue_final_message": True}
    answer = server.client.chat.completions.create(
        model="tiny",
        messages=[
            {"role": "user", "content": "1+2"},
            {"role": "assistant", "content": "#3"},
        ],
        max_tokens=0,
        extra_body=body,
    )
    ids = tokenizer("1+2\n#3", add_special_tokens=False).input_ids
    found = answer.model_dump()["prompt_logprobs"]
    assert found[0] is None and len(found) == len(ids)
    with torch.no_grad():
        expected = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    for i, id in enumerate(ids[1:]):
        entry = found[i + 1][str(id)]
        assert entry["logprob"] == pytest.approx(float(expected[i, id]), abs=1e-4)
        assert entry["rank"] == int((expected[i] > expected[i, id]).sum()) + 1
        assert entry["decoded_token"] == tokenizer.decode([id])
        best = int(expected[i].argmax())
        assert found[i + 1][str(best)]["rank"] == 1
    assert answer.usage.completion_tokens == 0


def test_stop_strings_cut_before_the_match(server):
    whole = server.text(seed=2, max_tokens=40)
    stop = whole[7:9]
    answer = server.chat(seed=2, max_tokens=40, stop=["zzzz", stop])
    assert answer.choices[0].message.content == whole[: whole.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_length_is_the_finish_reason_at_the_limit(server):
    reasons = {server.chat(seed=s, max_tokens=2).choices[0].finish_reason for s in range(8)}
    assert "length" in reasons


def test_streams_the_same_text(server):
    options = dict(seed=4, max_tokens=30, n=2)
    whole = [choice.message.content for choice in server.chat(**options).choices]
    pieces, usage, reasons = ["", ""], None, []
    for chunk in server.chat(**options, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            pieces[choice.index] += choice.delta.content or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
    assert pieces == whole
    assert len(reasons) == 2
    assert usage.prompt_tokens == 4


def test_a_streamed_stop_string_never_shows(server):
    whole = server.text(seed=2, max_tokens=40)
    stop = whole[9:12]
    chunks = server.chat(seed=2, max_tokens=40, stop=stop, stream=True, logprobs=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole[: whole.index(stop)]


def test_text_parts_and_developer_messages(server):
    parts = [{"type": "text", "text": "1+"}, {"type": "text", "text": "2"}]
    messages = [{"role": "developer", "content": "x"}, {"role": "user", "content": parts}]
    create = server.client.chat.completions.create
    one = create(model="tiny", messages=messages, temperature=0, max_tokens=8)
    assert one.choices[0].message.content == server.text("x\n1+2", temperature=0, max_tokens=8)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (dict(temperature=3), "temperature"),
        (dict(n=0), "n"),
        (dict(max_tokens=0), "max_tokens"),
        (dict(stop=["a"] * 5), "stop"),
        (dict(stop=""), "stop"),
        (dict(top_logprobs=2), "top_logprobs"),
        (dict(frequency_penalty=0.5), "frequency_penalty"),
        (dict(response_format={"type": "json_object"}), "response_format"),
        (dict(extra_body={"temprature": 1}), "temprature"),
        (dict(tools=[{"type": "function", "function": {"name": "f"}}]), "tools"),
    ],
)
def test_bad_requests_name_the_field(server, options, param):
    with pytest.raises(openai.BadRequestError) as caught:
        server.chat(**options)
    assert caught.value.body["param"] == param
    assert caught.value.body["type"] == "invalid_request_error"


def test_unknown_model_is_404(server):
    with pytest.raises(openai.NotFoundError) as caught:
        server.chat(model="nobody")
    assert caught.value.code == "model_not_found"
    assert caught.value.body["param"] == "model"
    with pytest.raises(openai.NotFoundError):
        server.client.models.retrieve("nobody")


@pytest.mark.parametrize("options", [dict(content="1" * 200), dict(max_tokens=126)])
def test_context_overflow(server, options):
    with pytest.raises(openai.BadRequestError) as caught:
        server.chat(**options)
    assert caught.value.code == "context_length_exceeded"


JSON = {"Content-Type": "application/json"}


def test_other_errors_have_the_same_shape(server):
    for response, status in [
        (httpx.get(f"{server.url}/v1/nothing"), 404),
        (httpx.get(f"{server.url}/v1/chat/completions"), 405),
        (httpx.post(f"{server.url}/v1/chat/completions", content=b"{", headers=JSON), 400),
        (httpx.post(f"{server.url}/v1/chat/completions", content=b"{"), 415),
    ]:
        assert response.status_code == status
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_models_and_health(server, reference):
    model = server.client.models.retrieve("tiny")
    weights = list(reference[0].parameters())
    assert model.parameters == sum(p.numel() for p in weights)
    assert model.weight_bytes == sum(p.nbytes for p in weights)
    assert model.id in [one.id for one in server.client.models.list()]
    assert model.system_fingerprint == server.chat(max_tokens=1).system_fingerprint
    with pytest.raises(openai.BadRequestError):
        server.client.models.delete("tiny")
    assert httpx.get(f"{server.url}/health").json()["status"] == "ok"


def test_a_caller_who_hangs_up_frees_the_engine(server):
    body = {"model": "tiny", "messages": [{"role": "user", "content": "1"}], "n": 200}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=0.02)
    assert server.text(max_tokens=3, temperature=0)
    assert httpx.get(f"{server.url}/health").json()["waiting"] == 0


def test_a_full_queue_is_429(start):
    small = start("--max-queue", "4")
    with pytest.raises(openai.RateLimitError) as caught:
        small.chat(n=5, max_tokens=1)
    assert caught.value.response.headers["retry-after"] == "1"
    assert small.chat(n=4, max_tokens=1)


def test_the_quick_step_is_the_model(reference):
    """llama.py against Transformers' own forward pass, with padding on the left of some rows."""
    from ratchet_modelserver import attention, kvcache, llama

    model, _ = reference
    ids = torch.randint(3, 45, (5, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, :4] = mask[3, :2] = 0
    full = (mask.cumsum(-1) - 1).clamp_min(0)
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=mask, position_ids=full).logits
        module = copy.deepcopy(model)
        attention.use(module, torch.device("cpu"))
        assert llama.fits(module)
        step = llama.Step(module)
        cache = kvcache.make_cache(module, kvcache.BufferPool(), reserve=2)
        module(
            input_ids=ids[:, :5],
            attention_mask=mask[:, :5],
            position_ids=full[:, :5],
            past_key_values=cache,
        )
        step.adopt(cache.layers)
        padding = (mask[:, :8] == 0)[:, None, None]
        for i in range(5, 9):
            logits = step(ids[:, i], full[:, i], cache.layers, padding[..., : i + 1])
            real = mask[:, i] == 1
            torch.testing.assert_close(logits[real], expected[real, i], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "mistral", "qwen2"])
def test_other_architectures_decode_like_generate(kind, tmp_path, reference):
    """The general path: learned positions, a sliding window shorter than the text, biases."""
    from ratchet_modelserver import kvcache, rows
    from ratchet_modelserver.decode import Batch
    from ratchet_modelserver.registry import Registry
    from transformers import GPT2Config, MistralConfig, Qwen2Config

    shape = dict(vocab_size=45, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
    shape |= dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, initializer_range=0.3)
    config = {
        "gpt2": lambda: GPT2Config(
            vocab_size=45, n_embd=32, n_layer=2, n_head=4, n_positions=64, eos_token_id=2
        ),
        "mistral": lambda: MistralConfig(
            **shape, num_key_value_heads=2, intermediate_size=64, sliding_window=8
        ),
        "qwen2": lambda: Qwen2Config(**shape, num_key_value_heads=2, intermediate_size=64),
    }[kind]()
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    reference[1].save_pretrained(tmp_path)
    registry = Registry(torch.device("cpu"), torch.float32, 1 << 30, 2)
    registry.add_base("m", tmp_path)
    model = registry.resolve("m")
    weights = registry.weights(model)
    assert weights.quick is None
    settings = rows.Settings(max_tokens=20, temperature=0)
    ticket = rows.Ticket(None, None)
    made = [rows.Row(model, list(range(3, 3 + n)), 0, settings, ticket, 0) for n in (4, 12, 4, 9)]
    Batch(weights, model.base, made, kvcache.BufferPool(), lambda _: None, lambda _: None).run()
    plain = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for row in made:
        ids = torch.tensor([row.prompt])
        out = plain.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=20,
            do_sample=False,
            pad_token_id=0,
        )[0, len(row.prompt) :].tolist()
        assert row.tokens == [token for token in out if token != 2]


def test_without_a_model_the_first_one_answers(server):
    body = {"messages": [{"role": "user", "content": "1"}], "max_tokens": 1}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body).json()
    assert answer["model"] == "tiny"


def test_mistakes_at_start_are_told_in_one_line(server, model_folder, tmp_path):
    def fails(*options: str) -> str:
        command = [sys.executable, "-m", "ratchet_modelserver", "--data", str(tmp_path), *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode != 0 and "Traceback" not in done.stderr
        return done.stderr

    port = server.url.rpartition(":")[2]
    assert f"cannot listen on 127.0.0.1:{port}" in fails(
        "--model", f"tiny={model_folder}", "--port", port
    )
    said = fails("--model", f"tiny={tmp_path}", "--port", "0")
    assert "config.json is missing, so it is no Hugging Face model folder" in said
