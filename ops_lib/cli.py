"""`ops`: run a notebook headless, make the daily report, open a notebook for an incident, check access, sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ops_lib.errors import EXIT_CRASH, EXIT_CRITICAL, EXIT_UNKNOWN, EXIT_USAGE, BadParameter, OpsError
from ops_lib.redaction import printable, redact

if TYPE_CHECKING:
    from ops_lib.show.headless import Run

COLOURS = {"critical": "red", "warning": "yellow", "unknown": "magenta", "ok": "green", "note": "blue"}
OURS = "This is a fault of ours. Next: run it again; if it breaks again, give this line to the runbooks' developers."
ENVIRONMENT = click.option(
    "-e", "--environment", default=None, help="Name or path; default $OPS_ENVIRONMENT, else the sandbox."
)
PARAMETER = click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A notebook parameter.")
OUTPUT = click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the three files.")
BUNDLE = click.option(
    "--bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also keep every answer of AWS in this file; `-e bundle:FILE` runs from it.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stereo-spot-ops")
def ops() -> None:
    """Runbooks of the stereo-spot pipeline. Exit codes: 0 ok, 1 warning, 2 critical, 3 unknown, 64 usage, 70 crash."""


@ops.command()
@click.argument("notebook")
@ENVIRONMENT
@PARAMETER
@OUTPUT
@BUNDLE
def run(
    notebook: str, environment: str | None, parameters: tuple[str, ...], output: Path | None, bundle: Path | None
) -> int:
    """Run NOTEBOOK headless; leaves notebook.ipynb, report.html and findings.json."""
    return _run(notebook, environment, parameters, output, bundle).exit_code


@ops.command()
@ENVIRONMENT
@PARAMETER
@OUTPUT
@BUNDLE
@click.option("--deliver", "delivered", is_flag=True, help="Then deliver it, as `ops deliver` does.")
def report(
    environment: str | None,
    parameters: tuple[str, ...],
    output: Path | None,
    bundle: Path | None,
    delivered: bool,
) -> int:
    """Make the daily health report: `run daily_health` with a verdict for each open job."""
    if delivered:
        _require_somewhere(environment)
    done = _run("daily_health", environment, parameters, output, bundle)
    if not delivered:
        return done.exit_code
    # A process of its own: this one has run a kernel, and has read with another role.
    chosen = ["-e", environment] if environment else []
    command = [sys.executable, "-m", "ops_lib", "deliver", str(done.folder), *chosen]
    arrived = subprocess.run(command, check=False).returncode == 0
    return done.exit_code if arrived or done.exit_code == EXIT_CRITICAL else EXIT_UNKNOWN


def _require_somewhere(environment: str | None) -> None:
    """Refuse before anything is read what could not be delivered afterwards."""
    from ops_lib.deliver.delivery import destinations
    from ops_lib.settings import open_settings

    destinations(open_settings(environment))


@ops.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@ENVIRONMENT
def deliver(folder: Path, environment: str | None) -> int:
    """Deliver the report in FOLDER: report store, SNS, webhook, heartbeat; again: what is left.

    Exit codes: 0 all of it arrived, 3 something did not, 64 wrong usage.
    """
    from ops_lib.deliver.delivery import deliver as send
    from ops_lib.deliver.door import Sent

    def tell(name: str, sent: Sent) -> None:
        severity = "ok" if sent.done else "warning" if sent.known else "unknown"
        click.echo(f"{click.style(name.ljust(22), fg=COLOURS[severity])} {sent.words}")

    return 0 if send(folder, environment, tell) else EXIT_UNKNOWN


@ops.command("open")
@click.argument("notebook")
@ENVIRONMENT
@PARAMETER
@click.option("--no-browser", is_flag=True, help="Only write the copy and print its path.")
def open_copy(notebook: str, environment: str | None, parameters: tuple[str, ...], no_browser: bool) -> int:
    """Open a dated copy of NOTEBOOK in JupyterLab, parameters filled in; the original is never edited."""
    from ops_lib.show.opened import open_dated_copy

    checked, settings, given = _checked(notebook, environment, parameters)
    path = open_dated_copy(notebook.removesuffix(".ipynb"), settings, checked, given)
    click.echo(str(path))
    if no_browser:
        return 0
    return subprocess.run([sys.executable, "-m", "jupyter", "lab", str(path)], check=False).returncode


@ops.command()
@ENVIRONMENT
def doctor(environment: str | None) -> int:
    """Try each read once: credentials, account, stale .env, missing permissions, and what to do about each."""
    from ops_lib.show.doctor import examine

    lines, code = examine(environment)
    for severity, text in lines:
        click.echo(f"{click.style(severity.upper().ljust(8), fg=COLOURS[severity])} {text}")
    return code


@ops.command("apply")
@click.argument("plan_file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--code", required=True, help="The code that the review showed.")
@click.option("--count", type=int, help="How many dead letters a plan that purges a queue deletes.")
@click.option("-e", "--environment", default=None, help="Name or path; default the plan's own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    help="Seconds to wait for the effect; default 20, a move task or an update of the endpoint 3600.",
)
def apply_plan(
    plan_file: Path, code: str, count: int | None, environment: str | None, as_json: bool, wait_s: float | None
) -> int:
    """Apply the reviewed plan in PLAN_FILE under the responder's credential; again: go on where it was ended.

    Exit codes: 0 all steps done, 2 refused, failed, cancelled or not come true, 3 an answer was lost or AWS has not
    ended with it, 64 nothing was begun, 70 crash.
    """
    from ops_lib.change.apply import apply
    from ops_lib.show.applied import teller

    return apply(plan_file, code, environment, teller(as_json), wait_s, count=count).exit_code


@ops.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1)
def sandbox(arguments: tuple[str, ...]) -> int:
    """Start, stop or show the sandbox's servers: `ops sandbox start NAME | stop [NAME] | status`."""
    return subprocess.run([sys.executable, "-m", "ops_lib.sandbox", *arguments], check=False).returncode


@ops.command()
@ENVIRONMENT
@click.option("--verify", is_flag=True, help="Only say whether it holds and what is open; list no entries.")
@click.option("--head", metavar="N:HASH", help="Say whether it still contains this head, as an outcome printed it.")
@click.option("--last", type=click.IntRange(min=0), default=20, show_default=True, help="How many entries to list.")
def journal(environment: str | None, verify: bool, head: str | None, last: int) -> int:
    """Show what was changed, open intents first. Exit 0, 1: an intent is open, 2: it was cut, altered or reordered."""
    from ops_lib.change.journal import head_from
    from ops_lib.show.journal_lines import journal_lines, journal_of

    wanted = head_from(head) if head else None
    lines, code = journal_lines(journal_of(environment), wanted, 0 if verify else last)
    for severity, text in lines:
        click.secho(text, fg=COLOURS.get(severity))
    return code


def _run(
    notebook: str, environment: str | None, texts: tuple[str, ...], output: Path | None, bundle: Path | None
) -> Run:
    checked, settings, given = _checked(notebook, environment, texts)
    from ops_lib.parameters import with_a_job
    from ops_lib.show import headless, kept_evidence, terminal

    if bundle:
        # The kernel inherits it: a parameter of the notebook would stand in its report.
        os.environ[kept_evidence.ASKED] = str(bundle.absolute())

    with_a_job(checked, settings.sandbox)

    name = notebook.removesuffix(".ipynb")
    folder = (output or headless.report_folder(settings, name)).absolute()
    _writable(folder)
    done = headless.run(name, settings, checked, folder, given)
    for line in terminal.told(done, _colour):
        click.echo(line)
    return done


def _checked(notebook: str, environment: str | None, texts: tuple[str, ...]) -> Any:
    from ops_lib.bundle_settings import parameters_of
    from ops_lib.parameters import from_command_line, from_values
    from ops_lib.settings import open_settings

    given = dict(map(_split, texts))
    if environment is not None and "environment" in given:
        raise BadParameter("-p environment", given["environment"], "-e names it already", "give it once, with -e")
    checked = from_command_line(notebook, given)
    settings, names = open_settings(environment or checked.environment), set(given) - {"environment"}
    if own := parameters_of(settings, notebook.removesuffix(".ipynb")):
        values = own | checked.model_dump(include=names)
        return from_values(notebook, values), settings, set(values)
    return checked, settings, names


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadParameter("-p", text, "a parameter is written NAME=VALUE", "write for example -p job_id=<uuid>")
    return name, value


def _writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadParameter("--output", str(folder), error.strerror or "not writable", "name another folder") from None


def _colour(severity: str) -> str:
    return click.style(severity.ljust(8), fg=COLOURS[severity])


def main() -> NoReturn:
    """Entry point: every error becomes one clear line and its own exit code; a usage error is 64, not click's 2."""
    sys.exit(_guarded(lambda: ops.main(standalone_mode=False)))


def _guarded(command: Callable[[], Any]) -> int:
    try:
        code = command()
        return code if isinstance(code, int) else 0
    except OpsError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except click.Abort:
        click.echo("stopped", err=True)
        return EXIT_CRASH
    except Exception as error:  # noqa: BLE001 - the last resort: no bare traceback as a result
        now = datetime.now(UTC).isoformat(timespec="seconds")
        click.echo(f"ops broke at {now}: {type(error).__name__}: {redact(printable(str(error)))}. {OURS}", err=True)
        return EXIT_CRASH
