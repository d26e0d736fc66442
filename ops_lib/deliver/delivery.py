"""One report delivered: its files, then the words, then the heartbeat, so that no heartbeat means: nobody was told.

What was done stands in delivery.json beside the report: delivering again does what is left. Words whose answer was
lost are not said twice; files and heartbeats may be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ops_lib.aws import connect_deliver
from ops_lib.deliver.door import Deliverer, Places, Sent
from ops_lib.deliver.record import Record
from ops_lib.deliver.summary import subject, summary
from ops_lib.deliver.webhook import address, post
from ops_lib.environment import Deliver, load_environment
from ops_lib.errors import BadEnvironment, BadParameter, ChangeRefused
from ops_lib.settings import Settings, open_settings

# The findings come last: who finds them in the store finds a whole report.
FILES = {"report.html": "text/html; charset=utf-8", "notebook.ipynb": "application/x-ipynb+json"}
FINDINGS = "findings.json"
NAMESPACE = "StereoSpot/Ops"
EXIT = {"ok": 0, "note": 0, "warning": 1, "critical": 2, "unknown": 3}
Tell = Callable[[str, Sent], None]


@dataclass(frozen=True)
class _Item:
    """One thing to deliver. `once`: where its answer is lost it is not sent again."""

    name: str
    send: Callable[[], Sent]
    once: bool = False


def deliver(folder: Path, environment: str | None, tell: Tell) -> bool:
    """Deliver the report in `folder` to where the environment's YAML says; return whether all of it arrived.

    Raises BadParameter where there is no report, BadEnvironment where the YAML names nowhere to deliver to.
    """
    folder = folder.resolve()  # its name is the report's name in the store
    content = _findings(folder)
    settings = open_settings(environment or str(content["environment"]))
    places, url = destinations(settings)
    deliverer = Deliverer(connect_deliver(settings), places)
    told = list(_items(folder, _named(content, settings), places, url, deliverer))
    beat = [_heartbeat(content, places, deliverer)] if places.namespace else []
    record = Record(folder)
    with record.held():
        arrived = all([_once(record, item, tell) for item in told])
        if not arrived:
            tell("heartbeat", Sent(False, "not put: something above did not arrive"))
            return False
        return all([_once(record, item, tell) for item in beat])


def destinations(settings: Settings) -> tuple[Places, str | None]:
    """Return where the environment's YAML says to deliver to, and the webhook's address (None: none is named).

    Raises BadEnvironment where it names nowhere, or a webhook whose address is not there.
    """
    declared = load_environment(settings.file).deliver
    places = _places(settings, declared)
    url = address() if declared and declared.webhook else None
    if places == Places(None, "", None, None) and url is None:
        rule = f"{settings.file.name} names no s3:// report_store and nothing under deliver"
        raise BadEnvironment("deliver", None, rule, "name one of them there")
    return places, url


def _findings(folder: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((folder / FINDINGS).read_text(encoding="utf-8"))
        summary(content, "")
        at = datetime.fromisoformat(content["generated_at"])
        if at.tzinfo is None or content["status"] not in EXIT:
            raise ValueError("no time or no status that a report has")
        return content | {"environment": str(content["environment"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        rule = f"it holds no report ({type(error).__name__})"
        raise BadParameter("FOLDER", str(folder), rule, "name the folder that `ops report` printed") from None


def _named(content: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the document for people: nobody is to take a sandbox for the pipeline."""
    label = settings.label
    return content | {"environment": f"{label}: {content['environment']}"} if label else content


def _places(settings: Settings, declared: Deliver | None) -> Places:
    bucket, prefix = settings.reports_in_s3 or (None, "")
    topic = declared.sns_topic_arn if declared else None
    return Places(bucket, f"{prefix}/" if prefix else "", topic, NAMESPACE if declared and declared.heartbeat else None)


def _items(
    folder: Path, content: dict[str, Any], places: Places, url: str | None, deliverer: Deliverer
) -> Iterator[_Item]:
    if places.bucket:
        for name, kind in {**FILES, FINDINGS: "application/json"}.items():
            yield _Item(f"store {name}", _file(folder / name, kind, places, deliverer))

    def text() -> str:
        return summary(content, _where(folder, places))

    if places.topic_arn:
        words = {"TopicArn": places.topic_arn, "Subject": subject(content)}
        yield _Item("SNS", lambda: deliverer.send("sns", "Publish", words | {"Message": text()}), once=True)
    if url:
        yield _Item("webhook", lambda: post(url, text()), once=True)


def _where(folder: Path, places: Places) -> str:
    """Return where the page can be read by now."""
    here = str(folder / "report.html")
    if not places.bucket:
        return here
    if Record(folder).states().get("store report.html") != "done":
        return f"{here} (it did not reach the store)"
    return f"s3://{places.bucket}/{places.prefix}{folder.name}/report.html"


def _file(file: Path, kind: str, places: Places, deliverer: Deliverer) -> Callable[[], Sent]:
    def send() -> Sent:
        try:
            body = file.read_bytes()
        except OSError as error:
            return Sent(False, error.strerror or "not readable")
        key = f"{places.prefix}{file.parent.name}/{file.name}"
        # Never over another's: a report that is in the store stays what it was.
        call = {"Bucket": places.bucket, "Key": key, "Body": body, "ContentType": kind, "IfNoneMatch": "*"}
        return deliverer.send("s3", "PutObject", call)

    return send


def _heartbeat(content: dict[str, Any], places: Places, deliverer: Deliverer) -> _Item:
    about = {
        "Dimensions": [{"Name": "Environment", "Value": str(content["environment"])}],
        "Timestamp": datetime.fromisoformat(str(content["generated_at"])),
    }
    metrics = [
        {"MetricName": "ReportDelivered", "Value": 1.0, "Unit": "Count", **about},
        {"MetricName": "ReportStatus", "Value": float(EXIT[content["status"]]), "Unit": "None", **about},
    ]
    call = {"Namespace": places.namespace, "MetricData": metrics}
    return _Item("heartbeat", lambda: deliverer.send("cloudwatch", "PutMetricData", call))


def _once(record: Record, item: _Item, tell: Tell) -> bool:
    """Send one item unless it is done; note what became of it before the next is sent."""
    states = record.states()
    before = states.get(item.name)
    if before == "done":
        tell(item.name, Sent(True, "was delivered before"))
        return True
    if before in ("sending", "lost") and item.once:
        tell(
            item.name, Sent(False, "its answer was lost before, so it is not said twice; remove it from delivery.json")
        )
        return False
    record.note(states | {item.name: "sending"})
    try:
        sent = item.send()
    except ChangeRefused:
        record.note(states)  # nothing was sent
        raise
    record.note(states | {item.name: "done" if sent.done else "failed" if sent.known else "lost"})
    tell(item.name, sent)
    return sent.done
