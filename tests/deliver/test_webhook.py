"""The webhook over a real socket: one POST, no redirect followed, the address in no word that is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any

import pytest

from ops_lib.deliver import webhook
from ops_lib.errors import BadEnvironment


class Chat(HTTPServer):
    status = 200
    got: list[Any]


class _Hook(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def chat() -> Iterator[Chat]:
    server = Chat(("127.0.0.1", 0), _Hook)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def address(chat: Chat) -> str:
    return f"http://127.0.0.1:{chat.server_port}/T000/secret"


def test_the_text_arrives_once(chat: Chat) -> None:
    sent = webhook.post(address(chat), "two\nlines")
    assert sent.done
    assert chat.got == [("/T000/secret", {"text": "two\nlines"})]
    assert "secret" not in sent.words


@pytest.mark.parametrize("status", [302, 400, 403, 500])
def test_another_answer_is_not_done_and_is_not_tried_again(chat: Chat, status: int) -> None:
    chat.status = status
    sent = webhook.post(address(chat), "x")
    assert (sent.done, sent.words) == (False, f"127.0.0.1 answered {status}")
    assert len(chat.got) == 1


def test_nobody_there_is_said_without_the_address() -> None:
    sent = webhook.post("http://127.0.0.1:9/T000/secret", "x")
    assert (sent.done, sent.known) == (False, False)
    assert sent.words == "127.0.0.1 did not answer (Connection refused)"
    assert "secret" not in sent.words


@pytest.mark.parametrize(
    "url",
    [
        *("", "file:///etc/passwd", "ftp://a/b", "secret-without-scheme", "http://", "http://host/T000/sec ret"),
        *(
            "http://host:secret/x",
            "http://alice:secret@host/x",
            "http://[::1/secret",
            "http://host/secret\n",
            "http://h/\u00e9",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_and_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webhook.VARIABLE, url)
    with pytest.raises(BadEnvironment) as refused:
        webhook.address()
    assert "OPS_WEBHOOK_URL" in str(refused.value)
    assert not url or url not in str(refused.value)


class Rude(BaseHTTPRequestHandler):
    """Answers with what `server.rude` says, byte for byte, at its own pace."""

    server: Any

    def handle(self) -> None:
        self.request.recv(65536)
        for piece, pause_s in self.server.rude:
            try:
                self.request.sendall(piece)
            except OSError:
                return
            self.server.ended.wait(pause_s)


@pytest.fixture
def rude() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Rude)
    server.ended = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()


ANSWERS = {
    "silence": [(b"", 60)],
    "drop by drop": [(b"HTTP/1.1 200 OK\r\n", 0), *[(b"X: y\r\n", 0.05)] * 1200],
    "no protocol": [(b"\x00\xff what\r\n\r\n", 0)],
    "a line without end": [(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, 0)],
    "headers without end": [(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000, 0)],
    "nothing": [],
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_who_answers_badly_holds_up_nothing_and_is_not_known(
    rude: Any, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(webhook, "DEADLINE_S", 0.6)
    rude.rude = ANSWERS[answer]
    sent = webhook.post(f"http://127.0.0.1:{rude.server_port}/T000/secret", "x")
    assert (sent.done, sent.known) == (False, False)
    assert sent.words.startswith("127.0.0.1 did not answer")
    assert "secret" not in sent.words


def test_a_huge_answer_is_not_read(rude: Any) -> None:
    rude.rude = [(b"HTTP/1.1 500 No\r\nContent-Length: 9999999999\r\n\r\n", 0), *[(b"x" * 65536, 0)] * 64]
    sent = webhook.post(f"http://127.0.0.1:{rude.server_port}/T000/secret", "x")
    assert (sent.done, sent.words) == (False, "127.0.0.1 answered 500")


def test_another_host_is_never_asked(chat: Chat, rude: Any) -> None:
    rude.rude = [(f"HTTP/1.1 307 Over there\r\nLocation: {address(chat)}\r\n\r\n".encode(), 0)]
    sent = webhook.post(f"http://127.0.0.1:{rude.server_port}/T000/secret", "x")
    assert (sent.done, sent.words) == (False, "127.0.0.1 answered 307")
    assert chat.got == []
