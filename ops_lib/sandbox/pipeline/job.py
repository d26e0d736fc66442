"""One job as the pipeline knows it, and the names of what belongs to it (pipeline.md 2, 4)."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from ops_lib.sandbox.pipeline.version import OUTPUT

SEGMENT_S = 300  # CHUNK_SEGMENT_DURATION_SEC
MODES = ("anaglyph", "sbs")
BYTES_PER_S = 480_000  # of 1080p source


@dataclass(frozen=True)
class Job:
    """A video of `total` segments; the last is `short_bytes` smaller than the others."""

    job_id: str
    mode: str
    total: int
    title: str
    short_bytes: int

    @property
    def source_bytes(self) -> int:
        """Return the size of the uploaded file."""
        return self.total * SEGMENT_S * BYTES_PER_S - self.short_bytes

    @property
    def source_key(self) -> str:
        """Return the key of the uploaded file in the input bucket."""
        return f"input/{self.job_id}/source.mp4"

    @property
    def film_key(self) -> str:
        """Return the key of the finished film in the output bucket."""
        return f"jobs/{self.job_id}/final.mp4"

    @property
    def message(self) -> str:
        """Return the body of a reassembly or deletion message: pydantic writes no spaces."""
        return json.dumps({"job_id": self.job_id}, separators=(",", ":"))

    def chunk_key(self, index: int, total: int | None = None) -> str:
        """Return the key of one cut segment in the input bucket."""
        return f"segments/{self.job_id}/{index:05d}_{total or self.total:05d}_{self.mode}.mp4"

    def output_key(self, index: int) -> str:
        """Return the key of one converted segment in the output bucket."""
        return f"jobs/{self.job_id}/segments/{index}.mp4"

    def output_uri(self, index: int) -> str:
        """Return the S3 URI of one converted segment."""
        return f"s3://{OUTPUT}/{self.output_key(index)}"

    def request_key(self, index: int) -> str:
        """Return the key of the invocation request in the output bucket."""
        return f"sagemaker-invocation-requests/{self.job_id}/{index}.json"

    def response_key(self, index: int, inference_id: str = "") -> str:
        """Return the key of SageMaker's answer to an invocation, the first one's unless its id is given."""
        return f"sagemaker-async-responses/{inference_id or self.inference_id(index)}.out"

    def failure_key(self, index: int, inference_id: str = "") -> str:
        """Return the key SageMaker writes instead where the container failed."""
        return f"sagemaker-async-failures/{inference_id or self.inference_id(index)}-error.out"

    def inference_id(self, index: int) -> str:
        """Return the id of the first invocation of a segment."""
        return _inference_id(self.job_id, index)


@lru_cache(maxsize=1024)
def _inference_id(job_id: str, index: int) -> str:
    return str(uuid.UUID(bytes=blake2b(f"{job_id}/{index}".encode(), digest_size=16).digest(), version=4))


TITLES = ("holiday", "wedding", "lecture", "drone_flight", "school_play", "concert", "climbing", "harbour", "reef_dive")


def new_job(dice: random.Random, total: int | None = None, job_id: str | None = None) -> Job:
    """Return a job of a random, or the given, number of segments and id."""
    own = job_id or str(uuid.UUID(int=dice.getrandbits(128), version=4))
    segments = total or max(1, min(40, round(dice.lognormvariate(1.45, 0.65))))
    title = f"{dice.choice(TITLES)}_{dice.randrange(1, 99):02d}"
    return Job(own, dice.choice(MODES), segments, title, dice.randrange(BYTES_PER_S * SEGMENT_S * 6 // 10))
