"""Who may ask: loopback names unless told, pages of other sites never, with a key only its holders."""

from __future__ import annotations

import http.client
import json
import socket
from types import SimpleNamespace

import httpx
import pytest
from conftest import EXAMPLES
from ratchet_modelserver.access import Access, host_name, is_loopback
from starlette.requests import Request

OWN = ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "LOCALHOST", "localhost:8111", "[::1]:8111"]
OTHERS = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "evil.example:8111",
    "[::2]",
    "",
    "null",
    "localhost@evil.example",
    "2130706433",
]


@pytest.mark.parametrize("name", OWN)
def test_the_machines_own_names(name):
    assert is_loopback(host_name(name))


@pytest.mark.parametrize("name", OTHERS)
def test_names_of_others(name):
    assert not is_loopback(host_name(name))


def ask(server, method: str, path: str, headers: dict[str, str], body: bytes | None = None):
    """(status, body) with exactly these headers."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, data


def test_a_foreign_name_gets_nothing(server):
    file = server.upload(EXAMPLES)
    for path in ("/health", "/v1/models", "/v1/files", f"/v1/files/{file}/content", "/nothing"):
        assert ask(server, "GET", path, {"Host": "evil.example:8111"})[0] == 403
        assert ask(server, "GET", path, {})[0] in (400, 403)
    status, data = ask(server, "GET", "/v1/files", {"Host": "evil.example"})
    assert b"--allowed-host" in data and b"file-" not in data
    assert ask(server, "GET", "/health", {"Host": "localhost"})[0] == 200


def test_a_page_of_another_site_gets_nothing(server):
    chat = json.dumps({"messages": [{"role": "user", "content": "1"}], "max_tokens": 1}).encode()
    own = {"Host": "127.0.0.1", "Content-Type": "application/json"}
    post = lambda more: ask(server, "POST", "/v1/chat/completions", own | more, chat)[0]  # noqa: E731
    assert post({}) == 200
    assert post({"Origin": "http://localhost:3000"}) == 200
    assert post({"Origin": "https://evil.example"}) == 403
    assert post({"Origin": "null"}) == 403
    assert post({"Sec-Fetch-Site": "cross-site"}) == 403
    assert post({"Sec-Fetch-Site": "same-origin"}) == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/fine_tuning/jobs"])
def test_what_a_page_can_send_unasked_is_not_json(server, kind, path):
    headers = {"Host": "127.0.0.1"} | ({"Content-Type": kind} if kind else {})
    status, data = ask(server, "POST", path, headers, b'{"messages": []}')
    assert status == 415 and b"application/json" in data


def test_files_come_as_a_form(server):
    for kind in ("text/plain", "application/json", "application/x-www-form-urlencoded"):
        headers = {"Host": "127.0.0.1", "Content-Type": kind}
        assert ask(server, "POST", "/v1/files", headers, b"{}")[0] == 415


def test_the_key_is_demanded_of_all_but_the_health_check():
    locked = Access(SimpleNamespace(), [], "hush-hush", None)
    own = {"Host": "localhost"}
    for given in ("Bearer hush", "Bearer hush-hush-hush", "Bearer ", "", "Bearer Hush-hush", "hush-hush"):
        assert check(locked, own | {"Authorization": given}).status == 401
    assert check(locked, own).status == 401
    key = {"Authorization": "bearer hush-hush"}
    assert check(locked, own | key) is None
    assert check(locked, own | {"Authorization": "Bearer clé"}).status == 401
    assert check(locked, own, "/health") is None
    # Whoever has the key may come under any name; a page of another site still may not.
    assert check(locked, {"Host": "gpu:8111", **key}) is None
    assert check(locked, key).status == 403
    foreign = {"Host": "gpu:8111", "Origin": "https://evil.example", **key}
    assert check(locked, foreign).status == 403


def check(access: Access, headers: dict[str, str], path: str = "/v1/models"):
    raw = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": raw, "query_string": b""}
    scope |= {"server": ("127.0.0.1", 8111), "scheme": "http"}
    return access.check(Request(scope))


def test_names_that_are_told():
    told = Access(SimpleNamespace(), ["GPU", "trainer:8111"], None, None)
    assert check(told, {"Host": "gpu:8111"}) is None and check(told, {"Host": "trainer"}) is None
    assert check(told, {"Host": "localhost"}) is None
    assert check(told, {"Host": "other"}).status == 403
    anyone = Access(SimpleNamespace(), ["*"], None, None)
    assert check(anyone, {"Host": "other"}) is None
    assert check(anyone, {"Host": "other", "Origin": "https://elsewhere"}) is None


def test_a_head_without_end_is_cut_off(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        with pytest.raises(OSError):
            for number in range(10_000):
                line.sendall(b"X-%d: %s\r\n" % (number, b"a" * 1000))
    assert httpx.get(f"{server.url}/health").status_code == 200
