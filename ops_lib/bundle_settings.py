"""An environment as its bundle carries it: what `-e bundle:FILE` opens instead of a YAML and a .env."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ops_lib import bundle as bundles
from ops_lib.environment import Accepted, Declared, Thresholds
from ops_lib.errors import BadBundle
from ops_lib.places import state_root
from ops_lib.settings import Settings

SCHEME = "bundle:"
# Reserved for discarding: were anything sent after all, nobody would receive it.
NOWHERE = "http://127.0.0.1:9"
SAID = ("environment", "region", "prefix", "cluster", "input_bucket", "output_bucket", "endpoint_name", "web_ui_url")
MAPS = ("queues", "tables", "env")


def about(settings: Settings, notebook: str, parameters: Mapping[str, Any], account_id: str, now: datetime) -> Any:
    """Return what a bundle's first line says: which run this was, and the names its calls were made with."""
    names = {name: getattr(settings, name) for name in SAID}
    rules = {"thresholds": settings.thresholds.model_dump_json(), "declared": settings.declared.model_dump_json()}
    accepted = {"accepted": [one.model_dump_json() for one in settings.accepted]}
    maps = {name: dict(getattr(settings, name)) for name in MAPS}
    # A store in S3 was read as AWS is; a folder's reports are on the tape.
    store = settings.report_store if settings.reports_in_s3 else None
    whose = {"label": settings.label, "name": settings.name, "report_store": store}
    run = {"notebook": notebook, "parameters": dict(parameters), "account_id": account_id, "now": now.isoformat()}
    return run | {"settings": names | rules | accepted | maps | whose}


def open_bundle(environment: str) -> Settings:
    """Return the settings of `bundle:FILE`. Raises BadBundle where the file is not exactly as it was written."""
    path = Path(environment.removeprefix(SCHEME)).expanduser().absolute()
    bundle = bundles.read(path)
    try:
        told = bundle.about["settings"]
        return Settings(
            **{name: _text(told[name]) for name in SAID},
            file=path,
            account_id=str(bundle.about["account_id"]),
            endpoint_url=NOWHERE,
            profile=None,
            reader_role_arn=None,
            keys=("bundle", "bundle"),
            sandbox=None,
            frozen_now=bundle.now,
            state=state_root() / f"bundle-{path.stem}",
            journal=str(state_root() / f"bundle-{path.stem}" / "journal.jsonl"),
            report_store=_text(told["report_store"]) or str(state_root() / f"bundle-{path.stem}" / "reports"),
            thresholds=Thresholds.model_validate_json(told["thresholds"]),
            declared=Declared.model_validate_json(told["declared"]),
            accepted=tuple(Accepted.model_validate_json(text) for text in told["accepted"]),
            **{name: _texts(told[name]) for name in MAPS},
            bundle=bundle,
        )
    except (KeyError, TypeError, ValueError) as error:
        rule = f"another version of these runbooks wrote it ({type(error).__name__}: {error})"
        raise BadBundle("bundle", str(path), rule, "open it with the version that wrote it") from None


def parameters_of(settings: Settings, notebook: str) -> dict[str, Any]:
    """Return with what the bundle's own run of this notebook was made, so that nobody need name it again; else {}."""
    about = settings.bundle.about if settings.bundle else {}
    own = about.get("parameters") if about.get("notebook") == notebook else None
    return dict(own) if isinstance(own, dict) else {}


def _text(value: Any) -> Any:
    if not isinstance(value, str | None):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(values: Any) -> Any:
    if not isinstance(values, dict):
        raise TypeError(f"{values!r} is no map")
    return {name: _text(value) for name, value in values.items()}
