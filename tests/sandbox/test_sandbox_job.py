"""A job's names and sizes, as the pipeline spells them (pipeline.md 2, 4)."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_lib.sandbox.older import JOB_ID
from ops_lib.sandbox.pipeline.job import BYTES_PER_S, SEGMENT_S, Job, new_job
from ops_lib.sandbox.pipeline.video import CHUNK

JOB = Job("4f1ef31e-400e-41ce-a81a-edfb51e91cc7", "anaglyph", 3, "reef_dive_07", 1000)
SEEDS = st.integers(0, 10**9)


def test_keys_are_spelt_as_the_pipeline_spells_them() -> None:
    own = JOB.job_id
    assert JOB.source_key == f"input/{own}/source.mp4"
    assert JOB.chunk_key(1) == f"segments/{own}/00001_00003_anaglyph.mp4"
    assert JOB.chunk_key(1, 9) == f"segments/{own}/00001_00009_anaglyph.mp4"
    # Not padded.
    assert JOB.output_key(1) == f"jobs/{own}/segments/1.mp4"
    assert JOB.output_uri(1) == f"s3://stereo-spot-output-123456789012/jobs/{own}/segments/1.mp4"
    assert JOB.film_key == f"jobs/{own}/final.mp4"
    assert JOB.request_key(2) == f"sagemaker-invocation-requests/{own}/2.json"
    assert JOB.response_key(2, "x") == "sagemaker-async-responses/x.out"
    assert JOB.failure_key(2, "x") == "sagemaker-async-failures/x-error.out"


def test_a_message_has_no_spaces_and_names_the_job() -> None:
    assert JOB.message == '{"job_id":"4f1ef31e-400e-41ce-a81a-edfb51e91cc7"}'
    assert json.loads(JOB.message) == {"job_id": JOB.job_id}


@given(SEEDS)
def test_a_new_job_is_one_that_the_pipeline_could_have_made(seed: int) -> None:
    job = new_job(random.Random(seed))
    assert JOB_ID.fullmatch(job.job_id)
    assert 1 <= job.total <= 40
    assert job.mode in ("anaglyph", "sbs")
    assert re.fullmatch(r"[a-z_]+_\d\d", job.title)
    # As many segments as five minutes go into its length, the last shorter than the others.
    assert -(-job.source_bytes // (SEGMENT_S * BYTES_PER_S)) == job.total
    assert CHUNK.fullmatch(job.chunk_key(job.total - 1))
    assert new_job(random.Random(seed)) == job


@given(SEEDS, st.integers(1, 200))
def test_total_and_id_can_be_given(seed: int, total: int) -> None:
    job = new_job(random.Random(seed), total, JOB.job_id)
    assert (job.total, job.job_id) == (total, JOB.job_id)


@given(st.lists(st.tuples(SEEDS, st.integers(0, 39)), unique=True, min_size=2, max_size=40))
def test_every_inference_has_an_id_of_its_own(of: list[tuple[int, int]]) -> None:
    ids = {new_job(random.Random(seed)).inference_id(index) for seed, index in of}
    assert len(ids) == len(of)
    assert all(JOB_ID.fullmatch(own) for own in ids)


@pytest.mark.parametrize("index", range(3))
def test_an_inference_keeps_its_id(index: int) -> None:
    again = Job(JOB.job_id, JOB.mode, JOB.total, JOB.title, JOB.short_bytes)
    assert JOB.response_key(index) == again.response_key(index)
    assert JOB.inference_id(index) in JOB.response_key(index)
    assert JOB.inference_id(index) in JOB.failure_key(index)
