"""`python -m ops_lib.sandbox start NAME | stop [NAME] | status | serve NAME`."""

from __future__ import annotations

import json
import signal
import sys
from typing import NoReturn

import click

from ops_lib.errors import EXIT_USAGE, OpsError
from ops_lib.sandbox import processes, state
from ops_lib.sandbox.recording import RECORDINGS

NAME = click.argument("name", type=click.Choice(list(RECORDINGS)))


@click.group()
def sandbox() -> None:
    """The embedded pipeline: one AWS-compatible server on loopback for each recording."""


@sandbox.command()
@NAME
def start(name: str) -> None:
    """Start the server NAME if it does not run; print its state as one JSON line."""
    click.echo(json.dumps(processes.start(name)))


@sandbox.command()
@click.argument("name", type=click.Choice(list(RECORDINGS)), required=False)
def stop(name: str | None) -> None:
    """Stop the server NAME, or all."""
    for each in [name] if name else processes.names():
        click.echo(f"{each}: {'stopped' if processes.stop(each) else 'was not running'}")


@sandbox.command()
def status() -> None:
    """Show which servers run, and where."""
    for name in RECORDINGS:
        content = state.read(name)
        running = content and processes.health(content)
        click.echo(
            f"{name}: {content['endpoint_url']} (pid {content['pid']})"
            if content and running
            else f"{name}: not running"
        )


@sandbox.command(hidden=True)
@NAME
def serve(name: str) -> None:
    """Be the server NAME (started by `start`)."""
    signal.signal(signal.SIGTERM, _end)
    try:
        from ops_lib.sandbox import server
    except ImportError as error:
        raise click.ClickException(f"{error}; install the sandbox: pip install '.[sandbox]'") from None
    server.serve(name)


def _end(*_: object) -> NoReturn:
    raise SystemExit(0)


def main() -> NoReturn:
    """Entry point: one clear line for what goes wrong."""
    try:
        sandbox.main(standalone_mode=False)
    except OpsError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    sys.exit(0)


if __name__ == "__main__":
    main()
