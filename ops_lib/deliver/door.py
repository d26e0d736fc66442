"""The small door: three operations, each to the one place that the environment's YAML names.

It admits through the gate exactly what it has compared with those places first. The role (deploy/iam/deliver.json) says
the same to AWS: this stops mistakes, the role stops the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ops_lib import gate
from ops_lib.aws import Aws
from ops_lib.errors import ChangeRefused
from ops_lib.redaction import shortened

THERE_ALREADY = "PreconditionFailed"


@dataclass(frozen=True)
class Places:
    """Where a delivery may go: the report store in S3 (bucket, prefix), one SNS topic, one namespace of metrics."""

    bucket: str | None
    prefix: str
    topic_arn: str | None
    namespace: str | None

    def require(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """Raise ChangeRefused for everything but a file into the store, a word to the topic, a heartbeat."""
        key = str(arguments.get("Key", ""))
        right = {
            "PutObject": self.bucket is not None
            and arguments.get("Bucket") == self.bucket
            and key.startswith(self.prefix)
            and ".." not in key.split("/"),
            "Publish": self.topic_arn is not None and arguments.get("TopicArn") == self.topic_arn,
            "PutMetricData": self.namespace is not None and arguments.get("Namespace") == self.namespace,
        }
        if not right.get(operation):
            step = "see deliver and report_store in the environment's YAML"
            raise ChangeRefused(f"Refused {operation}: a delivery goes to no such place. Next: {step}.")


@dataclass(frozen=True)
class Sent:
    """What became of one call: `done`, or why not; `known` False: its answer was lost, it may have arrived."""

    done: bool
    words: str
    known: bool = True


class Deliverer:
    """Makes the three calls, each once; raises nothing for what AWS answers."""

    def __init__(self, aws: Aws, places: Places) -> None:
        self._aws, self._places = aws, places

    def send(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Sent:
        """Make one call. Raises ChangeRefused for another operation, or for another place."""
        self._places.require(operation, arguments)
        client = self._aws.once(service)
        with gate.admit(client.meta.service_model.service_id, operation, arguments) as was_sent:
            try:
                getattr(client, xform_name(operation))(**arguments)
            except ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", "?"))
                if code == THERE_ALREADY:
                    return Sent(True, "it was there already")
                return Sent(False, shortened(str(error), 240))
            except (BotoCoreError, ResponseParserError) as error:
                return Sent(False, shortened(str(error), 240), known=not was_sent())
        return Sent(True, "done")
