"""The inference container's variables: those it reads, and those that only the runbook names (pipeline.md 6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# Before the codec was a setting the container read one knob; HF_TOKEN_ARN was set for it all the same.
OLDEST = frozenset({"IW3_LOW_VRAM", "HF_TOKEN_ARN"})
NEWEST = OLDEST | {
    *("IW3_VIDEO_CODEC", "IW3_BATCH_SIZE", "METRICS_NAMESPACE", "METRICS_PROVIDER", "ETA_CLOUD_NAME"),
    *("PLATFORM", "NVIDIA_DRIVER_CAPABILITIES"),
}
ONLY_DOCUMENTED = ("IW3_MAX_FPS", "IW3_PRESET")
# Of HF_TOKEN_ARN only the name of the secret is known, which is none.
SECRET = re.compile(r"(?i)(?:token|secret|passwo?r?d|credential|(?:api|access|private)_?key)s?$")
HIDDEN = "(a secret, not shown)"
DECLARES_THE_CODEC = "SAGEMAKER_IW3_VIDEO_CODEC"
# What Terraform sets itself, by the variable that says what.
TERRAFORM = {
    "IW3_VIDEO_CODEC": "sagemaker_iw3_video_codec",
    "InstanceType": "sagemaker_instance_type",
    "InitialInstanceCount": "sagemaker_instance_count",
    "Image": "ecs_image_tag",
}


def read_by_the_container(declared: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that have an effect in this deployment; `declared`: its .env."""
    return NEWEST if DECLARES_THE_CODEC in declared else OLDEST


def without_effect(environment: Mapping[str, str], declared: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that nothing reads, and the sentence that says so."""
    known = read_by_the_container(declared)
    for name in sorted(set(environment) - known):
        named = "the runbook names it, and" if name in ONLY_DOCUMENTED else "as far as is known"
        newer = name in NEWEST - known
        reads = (
            "the container of this deployment does not read it yet" if newer else "nothing in the container reads it"
        )
        yield name, f"{name}: {named} {reads}"


def bad_values(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable whose value the container cannot use, and why."""
    batch, codec = environment.get("IW3_BATCH_SIZE"), environment.get("IW3_VIDEO_CODEC")
    if batch is not None and not (batch.isdecimal() and 1 <= int(batch) <= 32):
        yield "IW3_BATCH_SIZE", f"IW3_BATCH_SIZE is {batch!r}: a whole number from 1 to 32 is read"
    if codec not in (None, "libx264", "h264_nvenc"):
        yield "IW3_VIDEO_CODEC", f"IW3_VIDEO_CODEC is {codec!r}: libx264 or h264_nvenc"
    if codec == "h264_nvenc" and environment.get("NVIDIA_DRIVER_CAPABILITIES") != "all":
        yield "NVIDIA_DRIVER_CAPABILITIES", "h264_nvenc needs NVIDIA_DRIVER_CAPABILITIES=all"


def shown(name: str, value: object) -> object:
    """Return a variable's value as a person may see it; `name` may be a path that ends with the variable's name."""
    return HIDDEN if SECRET.search(name) else value
