"""Files and fine-tuning jobs, through the official client."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import openai
import pytest
import torch
from conftest import ADDITIONS, EXAMPLES, example
from ratchet_modelserver import adapters
from ratchet_modelserver.registry import Registry
from safetensors.torch import save_file

FAST = {"n_epochs": 60, "learning_rate": 0.02, "lora_rank": 8, "batch_size": 4}
SLOW = {"n_epochs": 1000, "batch_size": 1, "checkpoint_every_steps": 20, "learning_rate": 1e-4}


def greedy(server, model: str) -> dict[str, str]:
    return {
        question: server.text(question, model, temperature=0, max_tokens=8)
        for question in ADDITIONS
    }


@pytest.fixture(scope="module")
def trained(server):
    file = server.upload(EXAMPLES)
    job = server.train(file, hyperparameters=FAST, suffix="sums", seed=1, metadata={"round": "1"})
    assert job.status in ("validating_files", "queued")
    return server.wait(job.id)


def test_files_round_trip(server):
    file = server.upload(EXAMPLES)
    assert server.client.files.retrieve(file).purpose == "fine-tune"
    assert server.client.files.content(file).text.count("\n") == 3
    assert file in [one.id for one in server.client.files.list()]
    assert server.client.files.delete(file).deleted
    with pytest.raises(openai.NotFoundError):
        server.client.files.retrieve(file)
    with pytest.raises(openai.BadRequestError):
        server.client.files.create(file=b"x", purpose="vision")


def test_training_learns_and_the_adapter_answers(server, trained):
    assert trained.status == "succeeded", trained.error
    assert trained.fine_tuned_model.startswith("ft:tiny:sums:")
    assert trained.trained_tokens > 0 and trained.result_files == []
    assert greedy(server, trained.fine_tuned_model) == ADDITIONS
    answer = server.chat(model=trained.fine_tuned_model, max_tokens=1)
    assert answer.system_fingerprint == trained.system_fingerprint
    assert answer.system_fingerprint != server.chat(max_tokens=1).system_fingerprint
    sizes = {model.id: model.weight_bytes for model in server.client.models.list()}
    # A small adapter is merged into a copy of the base.
    assert sizes[trained.fine_tuned_model] == sizes["tiny"]


def test_the_base_is_untouched(server, trained, reference):
    model, tokenizer = reference
    ids = tokenizer("1+2\n", return_tensors="pt", add_special_tokens=False).input_ids
    out = model.generate(input_ids=ids, max_new_tokens=8, do_sample=False)
    expected = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    assert server.text("1+2", temperature=0, max_tokens=8) == expected


def test_events_and_checkpoints(server, trained):
    events = server.client.fine_tuning.jobs.list_events(trained.id, limit=100).data
    metrics = [event for event in events if event.type == "metrics"]
    assert metrics[0].data["step"] == metrics[0].data["total_steps"] == 60
    assert metrics[0].data["train_loss"] < 0.1 < metrics[-1].data["train_loss"]
    points = server.client.fine_tuning.jobs.checkpoints.list(trained.id).data
    assert points[0].step_number < 60
    assert server.text("1+2", points[0].fine_tuned_model_checkpoint, temperature=0, max_tokens=8)


def test_peft_loads_the_folder(server, trained, model_folder):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = AutoModelForCausalLM.from_pretrained(model_folder)
    model = PeftModel.from_pretrained(base, trained.adapter_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    for question, answer in ADDITIONS.items():
        ids = tokenizer(question + "\n", return_tensors="pt", add_special_tokens=False).input_ids
        out = model.generate(input_ids=ids, max_new_tokens=8, do_sample=False)
        assert tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True) == answer


def test_a_switched_adapter_answers_like_a_merged_one(start, server, trained):
    """Large bases switch adapters by PEFT; the base must still answer as itself in between."""
    switched = start("--merge-limit-mb", "0", "--adapter", f"sums={trained.adapter_path}")
    base = server.text(temperature=0, max_tokens=8)
    assert switched.text(temperature=0, max_tokens=8) == base
    assert greedy(switched, "sums") == ADDITIONS
    assert switched.text(temperature=0, max_tokens=8) == base
    fingerprint = switched.chat(model="sums", max_tokens=1).system_fingerprint
    assert fingerprint == trained.system_fingerprint


def test_training_continues_from_an_adapter(server, trained):
    more = {"0+0": "#0", "7+7": "#14"}
    examples = EXAMPLES + [example(question, answer) for question, answer in more.items()]
    job = server.train(
        server.upload(examples),
        trained.fine_tuned_model,
        hyperparameters={"n_epochs": 30, "learning_rate": 0.02, "batch_size": 6},
        seed=1,
    )
    job = server.wait(job.id)
    assert job.status == "succeeded", job.error
    assert job.fine_tuned_model.startswith("ft:tiny::")
    assert job.hyperparameters.lora_rank == 8
    assert greedy(server, job.fine_tuned_model) == ADDITIONS
    assert server.text("7+7", job.fine_tuned_model, temperature=0, max_tokens=8) == "#14"


def test_ema_weights_differ_and_peft_path_trains_too(server, trained):
    """Dropout goes through PEFT's own layers; EMA averages over the steps."""
    hyper = {
        **FAST,
        "ema_decay": 0.9,
        "lora_dropout": 0.01,
        "lora_target_modules": ["q_proj", "down_proj"],
    }
    job = server.train(server.upload(EXAMPLES), hyperparameters={**hyper, "n_epochs": 100}, seed=1)
    job = server.wait(job.id)
    assert job.status == "succeeded", job.error
    assert job.hyperparameters.lora_target_modules == ["down_proj", "q_proj"]
    assert greedy(server, job.fine_tuned_model) == ADDITIONS
    same = server.train(
        server.upload(EXAMPLES), hyperparameters={**FAST, "ema_decay": 0.9}, suffix="sums", seed=1
    )
    assert server.wait(same.id).system_fingerprint != trained.system_fingerprint


def test_training_is_reproducible(server, trained):
    job = server.train(server.upload(EXAMPLES), hyperparameters=FAST, suffix="again", seed=1)
    job = server.wait(job.id)
    assert job.system_fingerprint == trained.system_fingerprint
    assert server.client.models.delete(job.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        server.chat(model=job.fine_tuned_model)
    assert not os.path.exists(job.adapter_path)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{oops", "not valid JSON"),
        (
            {"messages": [{"role": "user", "content": "1"}]},
            "the last message must be the assistant's",
        ),
        ({"messages": [{"role": "robot", "content": "1"}]}, "messages.0.role"),
        ({"prompt": "1", "completion": "2"}, "messages: Field required"),
        (example("1", "2" * 200), "the model takes at most 128"),
    ],
)
def test_a_bad_line_fails_the_job_by_number(server, bad, reason):
    job = server.train(server.upload([EXAMPLES[0], bad, EXAMPLES[1]]))
    job = server.wait(job.id)
    assert job.status == "failed"
    assert "line 2" in job.error.message and reason in job.error.message
    assert job.error.param == "training_file"


def test_diverging_training_fails_with_advice(server):
    job = server.train(
        server.upload(EXAMPLES), hyperparameters={"learning_rate": 1e30, "n_epochs": 30}
    )
    job = server.wait(job.id)
    assert job.status == "failed" and job.error.code == "training_diverged"
    assert "lower learning_rate" in job.error.message


def test_an_adapter_without_numbers_is_not_written(server):
    """The loss of the only step is finite; what it does to the weights is not."""
    job = server.train(
        server.upload(EXAMPLES),
        hyperparameters={"learning_rate": 1e300, "n_epochs": 1, "batch_size": 8},
    )
    job = server.wait(job.id)
    assert job.status == "failed" and job.error.code == "training_diverged"
    assert "no finite numbers after step 1" in job.error.message
    assert job.fine_tuned_model is None


def test_an_adapter_without_numbers_is_not_served(trained, tmp_path):
    folder = Path(shutil.copytree(trained.adapter_path, tmp_path / "poisoned"))
    adapters.check_finite(folder)
    weights = adapters.read_weights(folder)
    name = sorted(weights)[0]
    weights[name].view(-1)[3] = float("nan")
    save_file(weights, folder / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="no finite numbers: 1 of [0-9]+ in .*" + name):
        adapters.check_finite(folder)
    registry = Registry(torch.device("cpu"), torch.float32, 1 << 30, 1)
    registry.bases["tiny"] = SimpleNamespace(
        digest="", created=0, weights=SimpleNamespace(module=None)
    )
    with pytest.raises(ValueError, match="no finite numbers"):
        registry.add_adapter("poisoned", "tiny", folder)
    assert registry.models == {}


def test_bad_jobs_name_the_field(server):
    file = server.upload(EXAMPLES)
    for call, param in [
        (lambda: server.train("file-none"), "training_file"),
        (lambda: server.train(file, hyperparameters={"n_epochs": 0}), "hyperparameters.n_epochs"),
        (lambda: server.train(file, hyperparameters={"rank": 8}), "hyperparameters.rank"),
    ]:
        with pytest.raises(openai.BadRequestError) as caught:
            call()
        assert caught.value.body["param"] == param
    with pytest.raises(openai.NotFoundError):
        server.train(file, "nobody")
    job = server.wait(server.train(file, hyperparameters={"lora_target_modules": ["nope"]}).id)
    assert "no linear layer is called 'nope'" in job.error.message


def test_the_same_key_returns_the_first_job(server):
    file = server.upload(EXAMPLES)
    first = server.train(file, key="k1", hyperparameters={"n_epochs": 1}, seed=1)
    assert server.train(file, key="k1", hyperparameters={"n_epochs": 1}, seed=1).id == first.id
    with pytest.raises(openai.ConflictError):
        server.train(file, key="k1", hyperparameters={"n_epochs": 2}, seed=1)
    server.wait(first.id)


def test_listing_pages_and_filters(server, trained):
    jobs = server.client.fine_tuning.jobs
    for _ in range(2):
        server.wait(server.train(server.upload(EXAMPLES), hyperparameters={"n_epochs": 1}).id)
    ids = [job.id for job in jobs.list(limit=2)]  # the client follows the pages
    assert len(ids) == len(set(ids)) > 2 and trained.id in ids
    url = f"{server.url}/v1/fine_tuning/jobs"
    found = httpx.get(url, params={"metadata[round]": "1"}).json()["data"]
    assert [job["id"] for job in found] == [trained.id]
    assert httpx.get(url, params={"limit": "x"}).json()["error"]["param"] == "limit"


def test_cancel_and_one_at_a_time(server):
    file = server.upload(EXAMPLES)
    running = server.train(file, hyperparameters=SLOW)
    server.wait(running.id, "running")
    behind = server.train(file, hyperparameters={"n_epochs": 1})
    server.wait(behind.id, "queued")
    assert server.client.fine_tuning.jobs.cancel(running.id).status == "cancelled"
    assert server.wait(behind.id).status == "succeeded"
    assert server.wait(running.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        server.client.fine_tuning.jobs.cancel(running.id)


def children(pid: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = open(f"/proc/{entry}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == pid and stat[0] != "Z":
                found.append(int(entry))
    return found


def step_of(server, job_id: str) -> int:
    events = server.client.fine_tuning.jobs.list_events(job_id, limit=100).data
    return max([event.data["step"] for event in events if event.type == "metrics"], default=0)


def wait_for_step(server, job_id: str, step: int) -> None:
    end = time.monotonic() + 60
    while step_of(server, job_id) < step:
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def continued(server, id: str) -> int:
    """How often a job's training has gone on from a checkpoint."""
    return sum("continuing after step" in message for message in server.messages(id))


@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks at /proc")
def test_kills_do_not_lose_the_job(start, server):
    """The trainer, then the zygote, then the server are killed with SIGKILL: one job, the same
    adapter."""
    hyper = {"n_epochs": 200, "batch_size": 2, "checkpoint_every_steps": 20, "learning_rate": 0.005}
    undisturbed = server.train(server.upload(EXAMPLES), hyperparameters=hyper, seed=7)

    first = start()
    job = first.train(first.upload(EXAMPLES), key="once", hyperparameters=hyper, seed=7)
    wait_for_step(first, job.id, 40)
    zygote = children(first.process.pid)[0]
    trainer = children(zygote)[0]
    os.kill(trainer, signal.SIGKILL)
    wait_for_step(first, job.id, 80)
    assert any("killed by signal 9" in message for message in first.messages(job.id))
    first.kill()
    end = time.monotonic() + 5
    while alive(zygote) or any(alive(pid) for pid in children(zygote)):
        assert time.monotonic() < end, "the trainer outlived its server"
        time.sleep(0.05)

    second = start()
    assert [one.id for one in second.client.fine_tuning.jobs.list()] == [job.id]
    wait_for_step(second, job.id, 120)
    # The first server may have got as far as that: the second is killed once it trains itself.
    end = time.monotonic() + 120
    while continued(second, job.id) < 2:
        assert time.monotonic() < end, "the second server did not go on with the job"
        time.sleep(0.05)
    os.kill(children(second.process.pid)[0], signal.SIGKILL)
    # On a busy machine the last steps may be done before the kill.
    interrupted = second.client.fine_tuning.jobs.retrieve(job.id).status != "succeeded"
    done = second.wait(job.id)
    assert done.status == "succeeded", done.error
    steps = [
        event.data["step"]
        for event in second.client.fine_tuning.jobs.list_events(job.id, limit=1000).data
        if event.type == "metrics"
    ]
    assert sorted(steps) == sorted(set(steps)) and max(steps) == 400
    assert continued(second, job.id) == 2 + interrupted
    undisturbed = server.wait(undisturbed.id)
    assert done.trained_tokens == undisturbed.trained_tokens
    assert done.system_fingerprint == undisturbed.system_fingerprint
    again = second.train(job.training_file, key="once", hyperparameters=hyper, seed=7)
    assert again.id == job.id


@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks at /proc")
def test_a_trainer_that_keeps_dying_fails_and_sigterm_saves(start):
    server = start()
    file = server.upload(EXAMPLES)
    job = server.train(file, hyperparameters={**SLOW, "checkpoint_every_steps": 10**6})
    killed = set()
    while len(killed) < 3:
        for zygote in children(server.process.pid):
            for trainer in set(children(zygote)) - killed:
                killed.add(trainer)
                os.kill(trainer, signal.SIGKILL)
        time.sleep(0.02)
    job = server.wait(job.id)
    assert job.status == "failed"
    assert job.error.message == "The trainer died 3 times in a row: killed by signal 9 (SIGKILL)."

    job = server.train(file, hyperparameters={**SLOW, "checkpoint_every_steps": 10**6})
    wait_for_step(server, job.id, 40)
    started = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(10)
    assert time.monotonic() - started < 5
    again = start()
    end = time.monotonic() + 60
    while not any("continuing after step" in message for message in again.messages(job.id)):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not any("died" in message for message in again.messages(job.id))
    again.client.fine_tuning.jobs.cancel(job.id)


def test_plain_fallback_without_a_chat_template(reference):
    from ratchet_modelserver.template import Template

    _, tokenizer = reference
    bare = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, eos_token="<eos>")
    plain = Template(bare)
    messages = [{"role": "user", "content": "a b"}]
    assert plain.render(messages) == "User:\na b\n\nAssistant:\n"
    assert plain.ids(messages)


def test_effective_weights_train_like_peft(model_folder):
    """The quick path for small layers makes the same loss and gradients as PEFT's layers."""
    from ratchet_modelserver import lora
    from transformers import AutoModelForCausalLM

    ids = torch.arange(3, 23)[None]
    results = []
    for build in (
        lambda base: lora.DenseLora(base, lora.linear_targets(base, None)[0], 4, 2.0),
        lambda base: lora.PeftLora(base, lora.linear_targets(base, None)[1], 4, 8.0, 0.0),
    ):
        model = build(AutoModelForCausalLM.from_pretrained(model_folder).eval())
        params = dict(sorted(model.params.items()))
        generator = torch.Generator().manual_seed(0)
        for parameter in params.values():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
        flat = lora.Flat(params)
        loss = torch.nn.functional.cross_entropy(model(input_ids=ids).logits[0, :-1], ids[0, 1:])
        loss.backward()
        results.append((list(params), loss.detach(), flat.values.grad))
    assert results[0][0] == results[1][0]
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(results[0][2], results[1][2], rtol=1e-3, atol=1e-5)


def test_the_files_of_an_adapter_can_be_taken_away(server, trained):
    import hashlib
    import urllib.error
    import urllib.parse
    import urllib.request

    def get(path: str, name: str = trained.fine_tuned_model) -> bytes:
        model = urllib.parse.quote(name, safe="")
        with urllib.request.urlopen(f"{server.url}/v1/adapters/{model}/files{path}") as answer:
            return answer.read()

    listed = json.loads(get(""))
    assert listed["system_fingerprint"] == trained.system_fingerprint
    assert listed["base"]["id"] == "tiny" and len(listed["base"]["digest"]) == 64
    assert [one["name"] for one in listed["data"]] == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    for one in listed["data"]:
        data = get(f"/{one['name']}")
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["bytes"], one["sha256"])
        assert data == (Path(trained.adapter_path) / one["name"]).read_bytes()
    for path, name, status in (
        ("", "tiny", 400),
        ("", "nobody", 404),
        ("/..%2F..%2Fratchet.db", trained.fine_tuned_model, 404),
        ("/README.md", trained.fine_tuned_model, 404),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(path, name)
        assert refused.value.code == status
