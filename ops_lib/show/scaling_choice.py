"""Which change is planned: in JupyterLab what a person chooses, without one what the parameters ask for.

Choosing is no safety: a plan is made of it only where that is safe, and `ops apply` asks everything again.
"""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
from IPython.display import HTML, display

from ops_lib.decide.capacity import Capacity
from ops_lib.decide.visibility import LONGEST_S
from ops_lib.show.choice import Choice
from ops_lib.show.notebook import Runbook
from ops_lib.show.redact import on_one_line, safe
from ops_lib.show.review import somebody_is_there

CHANGES = {
    "": "none",
    "force-one-task": "force one task",
    "desired-count": "set the desired count",
    "raise-maximum": "raise the maximum",
    "suspend-scaling": "suspend scaling, in and out",
    "suspend-scale-in": "suspend scale-in alone",
    "resume-scaling": "resume scaling",
}
COUNTED = ("desired-count", "raise-maximum")
NOBODY_CHOOSES = '<p class="small">Nobody can choose in this run: the plans below are what the parameters ask for.</p>'
HOW = "Choose, then run the cell below: it makes its plans from what is chosen at that moment."
ROW = widgets.Layout(flex_flow="row wrap")
WIDE, NARROW = widgets.Layout(width="24em"), widgets.Layout(width="13em")


@dataclass(frozen=True)
class Scaling:
    """A change of one service's scaling, by its name in the parameters ("": none); `count` where it takes one."""

    change: str
    service: str
    count: int


@dataclass(frozen=True)
class Timeout:
    """The VisibilityTimeout that one queue is to have ("": none); 0 s: what is recommended."""

    queue: str
    seconds: int


class ScalingChoice(Choice[Scaling]):
    """The change of the scaling that is chosen."""


class TimeoutChoice(Choice[Timeout]):
    """The timeout that is chosen."""


def choose(book: Runbook, capacity: Capacity, service: str) -> tuple[ScalingChoice, TimeoutChoice]:
    """Return the two choices, at first as the parameters ask, and show where to choose if somebody can."""
    asked = book.parameters
    short = next((one.key for one in capacity.timeouts if one.too_short), "")
    scaling = ScalingChoice(Scaling(asked.change, service, asked.count))
    timeout = TimeoutChoice(Timeout(asked.queue or short, asked.seconds))
    if somebody_is_there():
        rows = [ScalingDesk(scaling, capacity).widget, TimeoutDesk(timeout, capacity).widget]
        display(widgets.VBox([*rows, widgets.HTML(f"<p>{HOW}</p>")]))
    else:
        display(HTML(NOBODY_CHOOSES))
    return scaling, timeout


class ScalingDesk:
    """The change, the service and, where the change takes one, the count; below them how the service is now."""

    def __init__(self, choice: ScalingChoice, capacity: Capacity) -> None:
        self.choice, self.capacity = choice, capacity
        now = choice.chosen
        names = dict.fromkeys([*capacity.services, now.service])
        self.change = _dropdown("scaling", {words: name for name, words in CHANGES.items()}, now.change)
        self.service = _dropdown("service", {on_one_line(name): name for name in names}, now.service)
        self.count = widgets.BoundedIntText(now.count, min=0, max=1000, description="count", layout=NARROW)
        self.told = widgets.HTML()
        self.widget = widgets.VBox([widgets.HBox([self.change, self.service, self.count], layout=ROW), self.told])
        for control in (self.change, self.service):
            control.observe(lambda _: self._begin(), names="value")
        self.count.observe(lambda _: self._chosen(), names="value")
        self._chosen()

    def _begin(self) -> None:
        """Let the count be what it is now: until a person sets another, nothing would change."""
        self.count.value = self._now() or 0
        self._chosen()

    def _now(self) -> int | None:
        name = self.service.value
        service, target = self.capacity.services.get(name), self.capacity.targets.get(name)
        if self.change.value == "raise-maximum":
            return target.max_capacity if target else None
        return service.desired if service else None

    def _chosen(self) -> None:
        self.count.disabled = self.change.value not in COUNTED
        self.choice.becomes(Scaling(self.change.value, self.service.value, self.count.value))
        self.told.value = f"<p>{safe(self._words())}</p>"

    def _words(self) -> str:
        name = self.service.value
        service, target = self.capacity.services.get(name), self.capacity.targets.get(name)
        counts = f"desired {service.desired}, running {service.running}" if service else "its counts were not read"
        bounds = f"bounds {target.min_capacity} to {target.max_capacity}" if target else "no bounds are known"
        suspended = f"; suspended: {', '.join(target.suspended)}" if target and target.suspended else ""
        return f"{name} now: {counts}; {bounds}{suspended}."


class TimeoutDesk:
    """The queue and its timeout; below them what was measured there."""

    def __init__(self, choice: TimeoutChoice, capacity: Capacity) -> None:
        self.choice = choice
        self.live_s = {one.key: one.queue.visibility_timeout_s for one in capacity.backlogs}
        self.judged = {one.key: one for one in capacity.timeouts}
        now = choice.chosen
        keys = dict.fromkeys(["", *self.live_s, now.queue])
        self.queue = _dropdown("timeout of", {on_one_line(key) or "none": key for key in keys}, now.queue)
        start = now.seconds or self._proposed()
        self.seconds = widgets.BoundedIntText(start, min=0, max=LONGEST_S, description="seconds", layout=NARROW)
        self.told = widgets.HTML()
        self.widget = widgets.VBox([widgets.HBox([self.queue, self.seconds], layout=ROW), self.told])
        self.queue.observe(lambda _: self._begin(), names="value")
        self.seconds.observe(lambda _: self._chosen(), names="value")
        self._chosen()

    def _begin(self) -> None:
        self.seconds.value = self._proposed()
        self._chosen()

    def _proposed(self) -> int:
        """Return what is recommended, else what is set: then nothing would change."""
        judged = self.judged.get(self.queue.value)
        return (judged.recommended_s if judged else None) or self.live_s.get(self.queue.value, 0)

    def _chosen(self) -> None:
        self.seconds.disabled = not self.queue.value
        self.choice.becomes(Timeout(self.queue.value, self.seconds.value))
        self.told.value = f"<p>{safe(self._words())}</p>"

    def _words(self) -> str:
        key = self.queue.value
        if not key:
            return "No timeout is chosen."
        judged, live_s = self.judged.get(key), self.live_s.get(key)
        live = "its timeout was not read" if live_s is None else f"{live_s} s"
        return (
            f"{key} now: {live}; {judged.why if judged else 'its consumer logs no beginning, so nothing was measured'}."
        )


def _dropdown(name: str, options: dict[str, str], value: str) -> widgets.Dropdown:
    return widgets.Dropdown(options=list(options.items()), value=value, description=name, layout=WIDE)
