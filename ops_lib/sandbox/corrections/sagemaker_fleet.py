"""What one endpoint config deploys, as DescribeEndpoint shows it; moto shows no images and no asynchronous config.

AWS: SageMaker API reference, "ProductionVariantSummary": counts, weights, DeployedImages; "DeployedImage": the path
that was specified, and the digest it resolved to when it was deployed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ops_lib.sandbox import registry

Shown = dict[str, Any]
Images = Callable[[str], list[str]]
SAME = ("ManagedInstanceScaling", "RoutingConfig", "InstanceType", "AcceleratorType")
KEPT = {
    "DesiredInstanceCount": ("CurrentInstanceCount", "DesiredInstanceCount"),
    "DesiredWeight": ("CurrentWeight", "DesiredWeight"),
}
WHOLE = ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig", "CrossRegionTrafficConfig")


@dataclass(frozen=True)
class Fleet:
    """What was deployed of the config of that name, kept: the config itself may be deleted since.

    `others`: what else DescribeEndpoint shows of the config.
    """

    config: str
    variants: tuple[Shown, ...]
    shadows: tuple[Shown, ...]
    others: Shown

    @property
    def instances(self) -> int:
        """Return how many instances run."""
        return sum(variant.get("CurrentInstanceCount", 0) for variant in self.variants)

    @property
    def output(self) -> Shown | None:
        """Return where asynchronous results go, None if the endpoint is not asynchronous."""
        found: Shown | None = self.others.get("AsyncInferenceConfig", {}).get("OutputConfig")
        return found

    def retaining(self, old: Fleet, excluded: set[str]) -> Fleet:
        """Return this fleet with the properties of the old one's variants of the same names (not the excluded)."""
        names = [name for kind, both in KEPT.items() if kind not in excluded for name in both]
        before = {one["VariantName"]: one for one in old.variants}
        variants = [
            one | {name: value for name, value in before.get(one["VariantName"], {}).items() if name in names}
            for one in self.variants
        ]
        capture = {} if "DataCaptureConfig" in excluded else _only(old.others, ("DataCaptureConfig",))
        return replace(self, variants=tuple(variants), others=self.others | capture)

    def running(self, image: str, at: datetime) -> Fleet:
        """Return this fleet with another image in its containers since then, as if its tag had brought that one."""
        shown = {"ResolvedImage": image, "ResolutionTime": at}
        return replace(
            self,
            variants=tuple(
                one | {"DeployedImages": [was | shown for was in one["DeployedImages"]]} for one in self.variants
            ),
        )

    def changed(self, wishes: Iterable[Shown], ended: bool) -> Fleet:
        """Return this fleet with other desired weights and counts, reached or not."""
        by_name = {wish["VariantName"]: wish for wish in wishes}
        return replace(
            self, variants=tuple(_wished(one, by_name.get(one["VariantName"], {}), ended) for one in self.variants)
        )


def of(config: Shown, images: Images, at: datetime) -> Fleet:
    """Return the fleet of a config as CreateEndpointConfig was given it; `images(model)`: those a model names."""
    variants, shadows = (
        tuple(_summary(one, images, config["EndpointConfigName"], at) for one in config.get(kind) or ())
        for kind in ("ProductionVariants", "ShadowProductionVariants")
    )
    others = _only(config, WHOLE)
    if config.get("DataCaptureConfig"):
        others["DataCaptureConfig"] = _capture(config["DataCaptureConfig"])
    return Fleet(config["EndpointConfigName"], variants, shadows, others)


def shown(variants: Iterable[Shown], stage: str, since: datetime) -> list[Shown]:
    """Return the variants with the VariantStatus they have while something changes."""
    status = {"VariantStatus": [{"Status": stage, "StartTime": since}]} if stage else {}
    coming = {"CurrentInstanceCount": 0} if stage == "Creating" else {}
    return [one | coming | status for one in variants]


def _summary(variant: Shown, images: Images, generation: str, at: datetime) -> Shown:
    made = {"VariantName": variant["VariantName"]} | _only(variant, SAME)
    weight = variant.get("InitialVariantWeight", 1.0)
    made |= {"CurrentWeight": weight, "DesiredWeight": weight}
    for kind, name in (("InstanceCount", "InitialInstanceCount"), ("ServerlessConfig", "ServerlessConfig")):
        if name in variant:
            made |= {f"Current{kind}": variant[name], f"Desired{kind}": variant[name]}
    found = images(variant["ModelName"]) if "ModelName" in variant else []
    deployed = [{"SpecifiedImage": one, "ResolvedImage": _resolved(one, generation)} for one in found]
    return made | {"DeployedImages": [one | {"ResolutionTime": at} for one in deployed]}


def _resolved(image: str, generation: str) -> str:
    """Return the digest path; where no registry here has the image, each config finds another behind the same tag."""
    if known := registry.resolved(image):
        return known
    repository, _, tag = image.rpartition("/")
    path = f"{repository}/{tag.partition('@')[0].partition(':')[0]}".removeprefix("/")
    return image if "@" in image else f"{path}@sha256:{hashlib.sha256(f'{image} {generation}'.encode()).hexdigest()}"


def _capture(config: Shown) -> Shown:
    enabled = bool(config.get("EnableCapture"))
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def _wished(variant: Shown, wish: Shown, ended: bool) -> Shown:
    for asked, (current, desired) in KEPT.items():
        if asked in wish:
            variant = variant | {desired: wish[asked]} | ({current: wish[asked]} if ended else {})
    return variant


def _only(whole: Shown, names: Iterable[str]) -> Shown:
    return {name: whole[name] for name in names if name in whole}
