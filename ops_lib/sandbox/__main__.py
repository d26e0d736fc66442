"""`python -m ops_lib.sandbox start [NAME] [options] | stop [NAME] | status`."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from typing import NoReturn

import click

from ops_lib.errors import EXIT_USAGE, OpsError
from ops_lib.sandbox import options, processes, state

VERSIONS = ("runbook", "newest")


class Name(click.ParamType[str]):
    """A sandbox's name: a recording's, `sandbox` or `sandbox-<word>`."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; a usage error for one that is none."""
        try:
            return options.default(value).name
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def sandbox() -> None:
    """The embedded pipeline: one AWS-compatible server on loopback for each name."""


@sandbox.command()
@click.argument("name", type=Name(), default="sandbox")
@click.option("--version", type=click.Choice(VERSIONS), help="Of the pipeline; default: by the name, else the newest.")
@click.option(
    "--speed", type=click.FloatRange(0, 10_000), help="How much faster its workers work; 0: they stand still."
)
@click.option("--jobs", type=click.IntRange(1, 100_000), help="Completed jobs in the past.")
def start(name: str, version: str | None, speed: float | None, jobs: int | None) -> None:
    """Start the server NAME if it does not run; print its state as one JSON line. With options: start it afresh."""
    usual = options.default(name)
    wanted = replace(
        usual,
        version=version or usual.version,
        speed=usual.speed if speed is None else speed,
        completed=jobs or usual.completed,
    )
    if wanted != usual and usual.recording:
        raise click.UsageError(f"{name} is a recording: it takes no options")
    click.echo(json.dumps(processes.start(wanted, afresh=wanted != usual)))


@sandbox.command()
@click.argument("name", type=Name(), required=False)
def stop(name: str | None) -> None:
    """Stop the server NAME, or all."""
    for each in [name] if name else processes.names():
        click.echo(f"{each}: {'stopped' if processes.stop(each) else 'was not running'}")


@sandbox.command()
def status() -> None:
    """Show which servers run, and where."""
    for name in processes.names() or ["sandbox"]:
        content = state.read(name)
        running = content and processes.health(content)
        click.echo(
            f"{name}: {content['endpoint_url']} (pid {content['pid']})"
            if content and running
            else f"{name}: not running"
        )


@sandbox.command()
@click.argument("name", type=Name(), default="sandbox")
@click.option("--segments", type=click.IntRange(1, 200), default=6, help="Of five minutes each.")
def upload(name: str, segments: int) -> None:
    """Upload a video to the running sandbox NAME as the web UI does; print the job's id."""
    click.echo(processes.ask(name, "upload", {"segments": segments})["job_id"])


@sandbox.command(hidden=True)
@click.argument("wanted")
def serve(wanted: str) -> None:
    """Be the server of these options (started by `start`)."""
    signal.signal(signal.SIGTERM, _end)
    try:
        from ops_lib.sandbox import server
    except ImportError as error:
        raise click.ClickException(f"{error}; install the sandbox: pip install '.[sandbox]'") from None
    server.serve(options.from_json(wanted))


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
