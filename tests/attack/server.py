"""An HTTP server that counts what reaches it, by operation, and answers anything with a valid success.

It shares no code with the gate: whether a request is a change is decided here, from the bytes that arrived.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# The only operations that the roads call on purpose as reads; whatever else names itself counts as a change.
READS = {"GetItem", "BatchGetItem", "DescribeTable", "GetQueueUrl", "GetQueueAttributes"}

MULTIPART = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COPIED = b"<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"
ANSWERED = b"<Answer><Result/></Answer>"


class CountingServer(ThreadingHTTPServer):
    """Listens on a free loopback port; `seen` holds (operation, is a change) in order of arrival."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, bool]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self) -> list[tuple[str, bool]]:
        """Return what was seen since the last call, and forget it."""
        seen, self.seen = self.seen, []
        return seen

    def take_changes(self) -> list[str]:
        return [operation for operation, change in self.take() if change]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that `Expect: 100-continue` is answered at once
    server: CountingServer

    def _any(self) -> None:
        if self.path == "/taken":
            return self._taken()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = _operation(self.command, self.path, dict(self.headers.items()), body)
        change = operation not in READS if " " not in operation else self.command not in ("GET", "HEAD")
        self.server.seen.append((operation, change))
        answer = self._answer()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _taken(self) -> None:
        """Tell another process which changes have arrived since it asked last."""
        told = json.dumps(self.server.take_changes()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def _answer(self) -> bytes:
        if "X-Amz-Target" in self.headers:
            return b"{}"
        if self.command == "POST" and "uploads" in urlsplit(self.path).query:
            return MULTIPART
        if "x-amz-copy-source" in self.headers:
            return COPIED
        return b"" if self.command in ("GET", "PUT", "HEAD") else ANSWERED

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _any

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests read `seen`."""


def _operation(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """Return the operation that the request names (the worst if it names several), else "METHOD /path"."""
    form = parse_qs(f"{urlsplit(path).query}&{body[:10_000].decode('latin-1')}")
    named = [headers.get("X-Amz-Target", "").split(".")[-1], *form.get("Action", [])]
    if "/operation/" in path:
        named.append(path.split("/operation/")[1])
    worst_first = sorted(filter(None, named), key=READS.__contains__)
    return worst_first[0] if worst_first else f"{method} {path.split('?')[0]}"


@contextmanager
def counting_server() -> Iterator[CountingServer]:
    server = CountingServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def client_environment(url: str) -> dict[str, str]:
    """Return the variables that send every boto3 client of a child process to `url`, and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
