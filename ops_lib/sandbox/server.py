"""The server: moto's application on loopback, with health and call counts beside it; ends itself when idle."""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from ops_lib.sandbox import corrections, load, state
from ops_lib.sandbox import recording as recordings
from ops_lib.sandbox.corrections.json_content_type import with_protocol
from ops_lib.sandbox.operations import Environ, operation_of

Respond = Callable[..., Any]


class _Quiet(MotoRequestHandler):
    def log(self, *_: Any) -> None:
        """Keep the log for what goes wrong."""


class Application:
    """moto behind a thin door: counts calls, answers /sandbox/..., serves no /moto-api."""

    def __init__(self, name: str, fingerprint: str) -> None:
        self.health = {"name": name, "pid": os.getpid(), "fingerprint": fingerprint}
        self.calls: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.last_call = time.monotonic()
        self._moto: Callable[..., Any] = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/sandbox/"):
            return self._own(path, environ["REQUEST_METHOD"], respond)
        self.last_call = time.monotonic()
        if path.startswith("/moto-api"):
            return _json(respond, "404 Not Found", {"error": "the sandbox does not serve moto's own API"})
        operation = operation_of(environ)
        with self._counting:
            self.calls[operation] += 1
        answer: Iterable[bytes] = self._moto(environ, with_protocol(respond, str(environ.get("CONTENT_TYPE", ""))))
        return answer

    def _own(self, path: str, method: str, respond: Respond) -> Iterable[bytes]:
        if path == "/sandbox/health":
            return _json(respond, "200 OK", self.health)
        if path == "/sandbox/calls":
            with self._counting:
                return _json(respond, "200 OK", dict(self.calls))
        if path == "/sandbox/calls/reset" and method == "POST":
            with self._counting:
                self.calls.clear()
            return _json(respond, "200 OK", {})
        return _json(respond, "404 Not Found", {"error": path})


def serve(name: str) -> None:
    """Load the recording, listen on a free port of 127.0.0.1, write the state file, serve until idle or told to end."""
    corrections.apply_all()
    recording = recordings.load(name, datetime.now(UTC))
    load.load_all(recording)
    gc.freeze()  # what was loaded stays: no collection need look at it again
    application = Application(name, state.fingerprint())
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    state.write(name, server.server_port, recording)
    threading.Thread(target=_end_when_idle, args=(server, application), daemon=True).start()
    threading.Thread(target=_warm_up, args=(application,), daemon=True).start()
    try:
        server.serve_forever()
    finally:
        state.remove(name, os.getpid())


def _json(respond: Respond, status: str, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    respond(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _end_when_idle(server: BaseWSGIServer, application: Application) -> None:
    idle_s = state.idle_s()
    while time.monotonic() - application.last_call < idle_s:
        time.sleep(min(1.0, idle_s / 4))
    server.shutdown()


def _warm_up(application: Application) -> None:
    """Build the applications of the slow services before anybody waits for them."""
    for service in ("ecs", "sagemaker", "application-autoscaling", "logs", "monitoring"):
        application._moto.get_application({"HTTP_HOST": f"{service}.us-east-1.amazonaws.com", "PATH_INFO": "/"})  # type: ignore[attr-defined]
