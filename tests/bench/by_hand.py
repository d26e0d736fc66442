"""The evidence of one job as an operator gathers it with the runbook's `aws` commands: one process after the other."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from ops_lib.read.log_groups import log_prefixes
from ops_lib.read.logs import MARGIN
from ops_lib.read.one_job import path_queues
from ops_lib.read.tracebacks import EVENTS, MOST, SPAN_MS
from ops_lib.settings import Settings


class ByHand:
    """One operator, one shell: `seconds` counts the commands alone, not what the operator thinks between them."""

    def __init__(self, aws: Path, settings: Settings, endpoint_url: str) -> None:
        assert settings.keys
        self.settings, self.commands, self.seconds = settings, 0, 0.0
        self._aws, self._endpoint_url = aws, endpoint_url
        access_key, secret_key = settings.keys
        # Nothing of the operator's own: no profile, no proxy, no pager.
        self._environ = {"PATH": os.defpath, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        self._environ |= {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
        self._environ |= {"AWS_DEFAULT_REGION": settings.region, "AWS_DEFAULT_OUTPUT": "json", "AWS_PAGER": ""}

    def gather(self, job_id: str) -> None:
        """Read what `read_job` reads, by the runbook's sections 1, 2, 3 and 5."""
        created_at = self._rows(job_id)
        self._objects(job_id)
        for key in path_queues(self.settings.queues):
            self._pair(self.settings.queues[key])
        self._tasks()
        if self.settings.endpoint_name:
            self._run("sagemaker", "describe-endpoint", "--endpoint-name", self.settings.endpoint_name)
        self._age()
        self._lines(job_id, created_at)

    def _rows(self, job_id: str) -> int:
        """Return when the job was created, in seconds since 1970."""
        tables, key = self.settings.tables, ("--key", json.dumps({"job_id": {"S": job_id}}), "--consistent-read")
        job = self._run("dynamodb", "get-item", "--table-name", tables["jobs"], *key)["Item"]
        self._run("dynamodb", "get-item", "--table-name", tables["reassembly-triggered"], *key)
        of_job = ("--key-condition-expression", "job_id = :j")
        values = ("--expression-attribute-values", json.dumps({":j": {"S": job_id}}))
        all_of = ("--table-name", tables["segment-completions"], *of_job, *values, "--consistent-read")
        self._run("dynamodb", "query", *all_of)
        if table := tables.get("inference-invocations"):
            mine = ("--filter-expression", "job_id = :j", *values, "--consistent-read")
            for row in self._run("dynamodb", "scan", "--table-name", table, *mine)["Items"]:
                self._failure(row["output_location"]["S"])
        return int(job["created_at"]["N"])

    def _failure(self, place: str) -> None:
        """Ask for what SageMaker wrote where the invocation failed; where it did not, there is nothing."""
        key = f"sagemaker-async-failures/{PurePosixPath(place).stem}-error.out"
        object_ = ("--bucket", self.settings.output_bucket, "--key", key)
        self._run("s3api", "get-object", *object_, "--range", "bytes=0-4095", os.devnull, absent="NoSuchKey")

    def _objects(self, job_id: str) -> None:
        made, given = self.settings.output_bucket, self.settings.input_bucket
        for bucket, prefix in ((made, "jobs"), (given, "input"), (given, "segments")):
            self._run("s3api", "list-objects-v2", "--bucket", bucket, "--prefix", f"{prefix}/{job_id}/")

    def _pair(self, url: str) -> None:
        main = self._run("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")
        dead = json.loads(main["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"].rsplit(":", 1)[-1]
        found = self._run("sqs", "get-queue-url", "--queue-name", dead)["QueueUrl"]
        self._run("sqs", "get-queue-attributes", "--queue-url", found, "--attribute-names", "All")

    def _tasks(self) -> None:
        cluster, arns = ("--cluster", self.settings.cluster), []
        for status in ("RUNNING", "STOPPED"):
            arns += self._run("ecs", "list-tasks", *cluster, "--desired-status", status)["taskArns"]
        tasks = self._run("ecs", "describe-tasks", *cluster, "--tasks", *arns)["tasks"] if arns else []
        running = [t for t in tasks if (t["group"], t["lastStatus"]) == ("service:video-worker", "RUNNING")]
        if running:
            definition = running[0]["taskDefinitionArn"]
            self._run("ecs", "describe-task-definition", "--task-definition", definition)

    def _age(self) -> None:
        name = self.settings.queues["reassembly"].rsplit("/", 1)[-1]
        dimension = {"Name": "QueueName", "Value": name}
        metric = {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage", "Dimensions": [dimension]}
        query = json.dumps([{"Id": "q0", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}])
        end = self.settings.now()
        times = ("--start-time", (end - timedelta(minutes=15)).isoformat(), "--end-time", end.isoformat())
        self._run("cloudwatch", "get-metric-data", "--metric-data-queries", query, *times)

    def _lines(self, job_id: str, created_at: int) -> None:
        groups = []
        for prefix in log_prefixes(self.settings):
            found = self._run("logs", "describe-log-groups", "--log-group-name-prefix", prefix)["logGroups"]
            groups += [group["logGroupName"] for group in found]
        margin_s = int(MARGIN.total_seconds())
        times = ("--start-time", str(created_at - margin_s))
        times += ("--end-time", str(int(self.settings.now().timestamp()) + margin_s))
        shown = "fields @timestamp, @log, @logStream, @message"
        query = f"{shown} | filter @message like /job_id={job_id}/ | sort @timestamp asc"
        asked = self._run("logs", "start-query", "--log-group-names", *groups, *times, "--query-string", query)
        while (answer := self._run("logs", "get-query-results", "--query-id", asked["queryId"]))["status"] == "Running":
            pass
        self._tracebacks([{one["field"]: one["value"] for one in row} for row in answer["results"]])

    def _tracebacks(self, rows: list[dict[str, str]]) -> None:
        """Read on in the stream of the newest line of each error."""
        newest = {row["@message"].partition("[ERROR] ")[2]: row for row in rows if "[ERROR] " in row["@message"]}
        for row in list(newest.values())[-MOST:]:
            at_ms = int(datetime.fromisoformat(row["@timestamp"]).replace(tzinfo=UTC).timestamp() * 1000)
            place = ("--log-group-name", row["@log"].rpartition(":")[2], "--log-stream-name", row["@logStream"])
            times = ("--start-time", str(at_ms), "--end-time", str(at_ms + SPAN_MS))
            self._run("logs", "get-log-events", *place, *times, "--limit", str(EVENTS), "--start-from-head")

    def _run(self, *words: str, absent: str = "") -> Any:
        """Run a command and return its answer; where AWS says `absent`, nothing."""
        # On each command: version 1 of the CLI does not honour AWS_ENDPOINT_URL everywhere.
        command = [str(self._aws), "--endpoint-url", self._endpoint_url, *words]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=self._environ, check=False)
        self.seconds += time.perf_counter() - start
        self.commands += 1
        if done.returncode and not (absent and absent in done.stderr):
            raise RuntimeError(f"aws {' '.join(words[:2])} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout) if done.stdout.strip() else {}
