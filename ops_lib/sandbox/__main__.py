"""`python -m ops_lib.sandbox start [NAME] [options] | stop [NAME] | status`."""

from __future__ import annotations

import gc
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from ops_lib.errors import EXIT_USAGE, BadInput, OpsError
from ops_lib.places import ops_command
from ops_lib.sandbox import options, processes, state
from ops_lib.sandbox.incidents import INCIDENTS, NOT_SHOWN, for_version

VERSIONS = ("runbook", "newest")
LIVING = "sandbox"


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
@click.option("--incident", "chosen", multiple=True, metavar="NAME", help="Plant it; may be given several times.")
@click.option("--blind", is_flag=True, help="Plant one without telling which: find out; then `reveal`.")
def start(
    name: str, version: str | None, speed: float | None, jobs: int | None, chosen: tuple[str, ...], blind: bool
) -> None:
    """Start the server NAME if it does not run so already; print its state as one JSON line.

    One that runs with other options is ended first, and so is a blind one.
    """
    usual = options.default(name)
    wanted = replace(
        usual,
        version=version or usual.version,
        speed=usual.speed if speed is None else speed,
        completed=jobs or usual.completed,
        incidents=chosen,
        blind=blind,
    )
    _possible(wanted)
    if wanted != usual and usual.recording:
        raise click.UsageError(f"{name} is a recording: it takes no options")
    click.echo(json.dumps(processes.start(wanted, afresh=wanted != usual)))
    click.echo(f"next: {ops_command()} run 0_triage -e {name}", err=True)


def _possible(wanted: options.Options) -> None:
    for name in wanted.incidents:
        if name not in INCIDENTS:
            raise click.UsageError(f"no incident is called {name!r}. Next: {ops_command()} sandbox incidents")
        if wanted.version not in INCIDENTS[name].versions:
            raise click.UsageError(f"{name} cannot happen in the {wanted.version} version")


@sandbox.command()
@click.option("--version", type=click.Choice(VERSIONS), default="newest")
def incidents(version: str) -> None:
    """List the incidents that a sandbox of that version can show, and why others cannot be shown."""
    for name in for_version(version):
        one = INCIDENTS[name]
        click.echo(f"{name:<32}{one.kind:<10}{one.told}")
    for name, reason in NOT_SHOWN.items():
        click.echo(f"{name:<32}{'-':<10}not shown: {reason}")


@sandbox.command()
@click.argument("name", type=Name(), default="sandbox")
def reveal(name: str) -> None:
    """Say which incidents were planted in the running sandbox NAME, and whether all is well now."""
    told = processes.ask(name, "reveal", {})["incidents"]
    if not told:
        click.echo("nothing was planted")
    for one in told:
        click.echo(f"{one['name']} ({one['kind']}): {one['told']}")
        click.echo(f"  what puts it right: {one['remedy']}")
        for job_id, wrong in one["jobs"].items():
            click.echo(f"  {job_id}: {f'not well: {wrong}' if wrong else 'well'}")
        for letter in one["letters"]:
            named, wrong = f"{letter['class']} {letter['message_id']} in {letter['queue']}", letter["wrong"]
            click.echo(f"  {named}: {f'not well: {wrong}' if wrong else 'well'}")


@sandbox.command()
@click.argument("incident")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--notebook", help="What is run on it; default: what a person would open for it.")
@click.option("--version", type=click.Choice(VERSIONS), help="Of the pipeline; default the newest in which it happens.")
def bundle(incident: str, file: Path, notebook: str | None, version: str | None) -> None:
    """Keep an INCIDENT's evidence in FILE: a test's fixture that needs no sandbox, `-e bundle:FILE`."""
    from ops_lib.sandbox import bundled

    versions = INCIDENTS[incident].versions if incident in INCIDENTS else VERSIONS
    usual = options.default(bundled.NAME)
    newest = version or next(one for one in reversed(VERSIONS) if one in versions)
    wanted = replace(usual, version=newest, speed=0.0, completed=20, incidents=(incident,))
    _possible(wanted)
    chosen = notebook or bundled.NOTEBOOK_OF[INCIDENTS[incident].kind]
    bundled.keep(wanted, chosen, file)
    click.echo(f"{ops_command()} run {chosen} -e bundle:{file}")


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
    if options.default(name).recording:
        next_step = f"{ops_command()} sandbox start {LIVING}, then {ops_command()} sandbox upload {LIVING}"
        raise BadInput("sandbox", name, "a recording stands still: no worker takes an upload", next_step)
    click.echo(processes.ask(name, "upload", {"segments": segments})["job_id"])


@sandbox.command()
@click.argument("name", type=Name(), default="sandbox")
@click.option("--next-update", metavar="OUTCOME", help="success, rollback, rollback-failed, failed or stuck.")
@click.option("--status", metavar="STATUS", help="One of SageMaker's nine; it stays so until something changes it.")
@click.option("--container", metavar="STATE", help="well, failing, stub or slow, until another config is deployed.")
def endpoint(name: str, next_update: str | None, status: str | None, container: str | None) -> None:
    """Show the SageMaker endpoint of the running sandbox NAME; choose how its next update ends, or what it is now."""
    asked = {"next_update": next_update, "status": status, "container": container}
    is_so = processes.ask(name, "endpoint", asked)
    said = f"{is_so['status']} with config {is_so['config']}, its container {is_so['container']}"
    click.echo(f"{is_so['endpoint']}: {said}")
    click.echo(f"the next update ends as: {is_so['next_update']}")


@sandbox.command(hidden=True)
@click.argument("wanted")
def serve(wanted: str) -> None:
    """Be the server of these options (started by `start`)."""
    signal.signal(signal.SIGTERM, _end)
    gc.disable()  # until all is loaded: nothing of it is garbage
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
        sandbox.main(standalone_mode=False, prog_name="ops sandbox")
    except OpsError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    sys.exit(0)


if __name__ == "__main__":
    main()
