"""What is too large is refused before it costs anything, and nobody else waits meanwhile."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import httpx
import openai
import pytest
from conftest import EXAMPLES
from ratchet_modelserver.prompts import encode, encode_within

MB = 1 << 20


def rss(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Watch:
    """Asks for the server's health all the time: how long it waited at most, and its memory."""

    def __init__(self, server):
        self.server, self.longest, self.peak = server, 0.0, 0
        self.stopping = False
        self.before = rss(server.process.pid)
        self.thread = threading.Thread(target=self.look)

    def look(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self.stopping:
                started = time.monotonic()
                assert client.get(f"{self.server.url}/health").status_code == 200
                self.longest = max(self.longest, time.monotonic() - started)
                self.peak = max(self.peak, rss(self.server.process.pid))
                time.sleep(0.01)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping = True
        self.thread.join()


@pytest.mark.parametrize("text", ["1", "a b ", "<eos>"])
def test_a_prompt_of_five_megabytes(server, text):
    with Watch(server) as watch:
        started = time.monotonic()
        with pytest.raises(openai.BadRequestError) as caught:
            server.chat(text * (5 * MB // len(text)), max_tokens=1)
        took = time.monotonic() - started
    assert caught.value.code == "context_length_exceeded"
    assert "context is 128 tokens" in caught.value.message and len(caught.value.message) < 300
    assert took < 5 and watch.longest < 1
    assert watch.peak - watch.before < 200 * MB


def test_the_limit_of_a_body_is_exact(start):
    server = start("--max-body-mb", "1")

    def post(size: int, chunked: bool = False):
        head, tail = b'{"messages":[{"role":"user","content":"', b'"}],"max_tokens":1}'
        body = head + b"1" * (size - len(head) - len(tail)) + tail
        assert len(body) == size
        content = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
        headers = {"Content-Type": "application/json"}
        url = f"{server.url}/v1/chat/completions"
        return httpx.post(url, content=content, headers=headers).json()["error"]

    for chunked in (False, True):
        assert post(MB, chunked)["code"] == "context_length_exceeded"
        error = post(MB + 1, chunked)
        assert error["code"] == "request_too_large" and "--max-body-mb" in error["message"]


def test_the_limit_of_an_upload_is_exact(start):
    server = start("--max-upload-mb", "1")
    head = (
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )

    def post(size: int, chunked: bool) -> httpx.Response:
        body = head + b"1" * (size - len(head) - 7) + b"\r\n--x--"
        content = iter([body[:1000], body[1000:]]) if chunked else body
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return httpx.post(f"{server.url}/v1/files", content=content, headers=headers)

    for chunked in (False, True):
        assert post(MB, chunked).status_code == 200
        refused = post(MB + 1, chunked)
        assert refused.status_code == 413 and "--max-upload-mb" in refused.text
    assert len(list(server.client.files.list())) == 2


def test_a_large_upload_goes_to_the_disk(server):
    size = 150 * MB
    head = (
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../a\x01b"\r\n\r\n'
    )

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(size // MB):
            yield b"1" * MB
        yield b"\r\n--x--\r\n"

    with Watch(server) as watch:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = httpx.post(f"{server.url}/v1/files", content=body(), headers=headers, timeout=120)
    assert answer.status_code == 200 and answer.json()["bytes"] == size
    assert "/" not in answer.json()["filename"]
    assert watch.peak - watch.before < 64 * MB and watch.longest < 1
    assert server.client.files.delete(answer.json()["id"]).deleted


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x--",
        b"nothing at all",
        b"--x\r\n\r\n\r\n--x--",
        b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--",
        b"--x\r\n" + b"A: " + b"b" * 100_000 + b"\r\n\r\na\r\n--x--",
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="%d"\r\n\r\na\r\n' % i for i in range(99)
        )
        + b"--x--",
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n' + b"a" * 2 * MB + b"\r\n--x--",
    ],
)
def test_forms_that_are_none(server, body):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = httpx.post(f"{server.url}/v1/files", content=body, headers=headers)
    assert answer.status_code == 400 and answer.json()["error"]["message"]


def test_a_conversation_of_very_many_messages(server):
    with Watch(server) as watch:
        for many in (4096, 4097, 150_000):
            parts = [{"type": "text", "text": ""}] * many
            for messages in ([{"role": "user", "content": parts}], [{"role": "user", "content": ""}] * many):
                body = {"messages": messages, "max_tokens": 1}
                answer = httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=30)
                assert ("at most 4096 items" in answer.text) == (many > 4096), answer.text[:500]
    assert watch.longest < 1


def test_log_probabilities_have_a_bound(start, ascii_folder):
    server = start("--model", f"ascii={ascii_folder}")
    with pytest.raises(openai.BadRequestError) as caught:
        server.chat(model="ascii", n=256, max_tokens=900, logprobs=True, top_logprobs=20)
    assert caught.value.param == "logprobs" and "at most 2,000,000" in caught.value.message
    with Watch(server) as watch:
        body = {"model": "ascii", "messages": [{"role": "user", "content": "1"}], "n": 64}
        body |= {"max_tokens": 100, "logprobs": True, "top_logprobs": 20, "temperature": 2}
        url = f"{server.url}/v1/chat/completions"
        answer = httpx.post(url, json=body, timeout=60)  # not parsed: that would hold up the watch
    assert answer.status_code == 200 and len(answer.content) > MB and watch.longest < 1


@pytest.mark.parametrize(
    "value",
    ["x" * 3 * MB, "\x00", "%00", "../../etc/passwd", "ft:" + "é" * 1000],
    ids=["long", "nul", "percent", "path", "letters"],
)
def test_names_of_any_kind_come_back_short(server, value):
    body = {"model": value, "messages": [{"role": "user", "content": "1"}]}
    answer = httpx.post(f"{server.url}/v1/chat/completions", json=body)
    assert answer.status_code == 404 and len(answer.content) < 2000
    body = {"model": "tiny", "training_file": value}
    answer = httpx.post(f"{server.url}/v1/fine_tuning/jobs", json=body)
    assert answer.status_code == 400 and len(answer.content) < 4000
    answer = httpx.post(f"{server.url}/v1/chat/completions", json={value: 1, "messages": []})
    assert answer.status_code == 400 and len(answer.content) < 4000


def test_a_beginning_decides_only_what_is_surely_too_long(reference):
    _, tokenizer = reference
    for length in (0, 1, 40, 41, 160, 161, 1000):
        text = "12" * length
        whole = encode(tokenizer, text)
        assert encode_within(tokenizer, text, False, 10**6) == whole
        assert encode_within(tokenizer, text, False, len(whole) or 1) == whole
    assert encode_within(tokenizer, "1" * 100_000, False, 1000) is None
    assert encode_within(tokenizer, "1" * 1079, False, 1000) == encode(tokenizer, "1" * 1079)


def test_a_training_line_without_end(server, monkeypatch, tmp_path):
    from ratchet_modelserver import dataset

    monkeypatch.setattr(dataset, "LONGEST_LINE", 200)
    path = tmp_path / "train.jsonl"
    line = b'{"messages":[{"role":"user","content":"1"},{"role":"assistant","content":"2"}]'
    path.write_bytes(line + b" " * (198 - len(line)) + b"}\n" + line + b"}")
    assert len(list(dataset.read_lines(path))) == 2
    path.write_bytes(line + b"}\n" + line + b" " * (199 - len(line)) + b"}\n")
    with pytest.raises(dataset.BadData, match="line 2 has more than 200 bytes"):
        list(dataset.read_lines(path))
    assert server.upload(EXAMPLES)
