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

from ops_lib.errors import BadInput
from ops_lib.sandbox import living, state
from ops_lib.sandbox import recording as recordings
from ops_lib.sandbox.checked import OPERATIONS
from ops_lib.sandbox.corrections.hollow import filled
from ops_lib.sandbox.corrections.json_content_type import with_protocol
from ops_lib.sandbox.credentials import OWNER, Environ
from ops_lib.sandbox.door import Door
from ops_lib.sandbox.older import OlderJobs
from ops_lib.sandbox.operations import body_of, operation_of
from ops_lib.sandbox.options import Options
from ops_lib.sandbox.pace import pace
from ops_lib.sandbox.pipeline.version import version_named
from ops_lib.sandbox.prepare import SERVICES, Preparation
from ops_lib.sandbox.recording import Recording
from ops_lib.sandbox.story import Story

Respond = Callable[..., Any]
ALONE_S = 1.0  # without a request
UNLISTED = "(not in this sandbox)"


class _Quiet(MotoRequestHandler):
    def log(self, *_: Any) -> None:
        """Keep the log for what goes wrong."""


class Application:
    """moto behind a door: counts calls, refuses, makes services ready, answers /sandbox/..., serves no /moto-api."""

    def __init__(self, options: Options, recording: Recording, fingerprint: str, story: Story | None) -> None:
        self.health = {"name": options.name, "pid": os.getpid(), "fingerprint": fingerprint}
        self.calls: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._options, self._story = options, story
        self._preparation = Preparation(recording)
        self._door = Door()
        self._older = OlderJobs(story, self._preparation.of) if story else None
        self._answered = threading.Event()
        self.last_call = time.monotonic()
        self._moto: Callable[..., Any] = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/sandbox/"):
            return self._own(path, environ, respond)
        self.last_call = time.monotonic()
        if path.startswith("/moto-api"):
            return _json(respond, "404 Not Found", {"error": "the sandbox does not serve moto's own API"})
        if not str(environ.get("CONTENT_LENGTH") or "0").isdecimal():
            return _json(respond, "400 Bad Request", {"error": "Content-Length is not a number"})
        operation = operation_of(environ)
        with self._counting:
            self.calls[operation if operation in OPERATIONS else UNLISTED] += 1
        at_the_door = self._door.answer(environ, respond, operation)
        if at_the_door is not None:
            return at_the_door
        self._preparation.of(operation.partition(":")[0])
        if self._older:
            self._older.before(environ, operation)
        answer = self._moto(environ, with_protocol(respond, str(environ.get("CONTENT_TYPE", ""))))
        self._answered.set()
        return filled(answer)

    def warm_up(self) -> None:
        """Make everything ready, and build moto's applications, before anybody waits for them; then start the clock.

        Not before the first answer: whoever asks it would wait for all that.
        """
        self._answered.wait(ALONE_S)
        self._preparation.everything()
        if self._older:
            self._older.rows()
        for service in SERVICES:
            host = "monitoring" if service == "cloudwatch" else service
            self._moto.get_application({"HTTP_HOST": f"{host}.us-east-1.amazonaws.com", "PATH_INFO": "/"})  # type: ignore[attr-defined]
        gc.freeze()  # what was loaded stays: no collection need look at it again
        gc.enable()
        if self._story and self._options.speed:
            # Imported only here: it needs every service of moto's.
            from ops_lib.sandbox.clock import Clock

            Clock(self._options, self._story.scene).run()

    def _own(self, path: str, environ: Environ, respond: Respond) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "POST" and environ.get("HTTP_X_SANDBOX_KEY") != OWNER:
            return _json(respond, "403 Forbidden", {"error": "only the sandbox's owner may"})
        if path == "/sandbox/health":
            return _json(respond, "200 OK", self.health)
        if path == "/sandbox/calls":
            with self._counting:
                return _json(respond, "200 OK", dict(self.calls))
        if path == "/sandbox/calls/reset" and method == "POST":
            with self._counting:
                self.calls.clear()
            return _json(respond, "200 OK", {})
        if path == "/sandbox/upload" and method == "POST":
            return self._upload(environ, respond)
        if path == "/sandbox/endpoint" and method == "POST":
            return self._endpoint(environ, respond)
        if path == "/sandbox/policy" and method == "POST":
            return self._policy(environ, respond)
        if path == "/sandbox/reveal" and method == "POST":
            self._preparation.everything()
            from ops_lib.sandbox.reveal import reveal

            told = reveal(self._story.scene, self._story.incidents) if self._story else []
            return _json(respond, "200 OK", {"incidents": told})
        return _json(respond, "404 Not Found", {"error": path})

    def _endpoint(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        self._preparation.of("sagemaker")
        from ops_lib.sandbox.corrections.sagemaker_outcomes import script

        try:
            return _json(respond, "200 OK", script(json.loads(body_of(environ))))
        except BadInput as bad:
            said = {"what": bad.what, "value": bad.value, "rule": bad.rule, "next_step": bad.next_step}
            return _json(respond, "400 Bad Request", said)
        except (ValueError, TypeError, AttributeError) as error:
            return _json(respond, "400 Bad Request", {"error": str(error)})

    def _policy(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        """Let a role lack something, to see what it is needed for: {"role": "reader", "policy": {...} or null}."""
        try:
            asked = json.loads(body_of(environ))
            self._door.replace_policy(asked["role"], asked["policy"])
        except (ValueError, KeyError, TypeError) as error:
            return _json(respond, "400 Bad Request", {"error": f"{type(error).__name__}: {error}"})
        return _json(respond, "200 OK", {})

    def _upload(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        for service in ("dynamodb", "s3", "logs"):
            self._preparation.of(service)
        from ops_lib.sandbox.upload import upload

        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            job_id = upload(version_named(self._options.version), int(json.loads(body)["segments"]))
        except (ValueError, KeyError, TypeError) as error:
            return _json(respond, "400 Bad Request", {"error": str(error)})
        return _json(respond, "200 OK", {"job_id": job_id})


def serve(options: Options) -> None:
    """Listen on a free port of 127.0.0.1, write the state file, serve until idle or told to end."""
    held = state.hold(options.name)
    story = None if options.recording else living.story_of(options, time.time())
    recording = living.recording_of(story) if story else recordings.load(options.name, datetime.now(UTC))
    pace.speed = options.speed
    application = Application(options, recording, state.fingerprint(), story)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    state.write(options, server.server_port, recording)
    threading.Thread(target=_end_when_idle, args=(server, application), daemon=True).start()
    threading.Thread(target=application.warm_up, daemon=True).start()
    try:
        server.serve_forever()
    finally:
        state.remove(options.name, os.getpid())
        held.close()


def _json(respond: Respond, status: str, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    respond(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _end_when_idle(server: BaseWSGIServer, application: Application) -> None:
    idle_s = state.idle_s()
    while time.monotonic() - application.last_call < idle_s:
        time.sleep(min(1.0, idle_s / 4))
    server.shutdown()
