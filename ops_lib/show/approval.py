"""The desk where a plan is approved: reason, code, Apply, and what `ops apply` says while it works.

The button is enabled by the right code alone (of a purge: with the right count), as a help, and only while the choice
that the plan was made from still stands; whatever is pressed goes to `ops apply` as it was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from ops_lib.change import store
from ops_lib.change.plan import Plan, same_code
from ops_lib.settings import Settings
from ops_lib.show import plan_tables
from ops_lib.show.applying import Applying, command
from ops_lib.show.progress import Progress, record

if TYPE_CHECKING:
    from ops_lib.show.choice import Choice

WIDE = widgets.Layout(width="auto", max_width="62em")
BROKEN = "The notebook failed here. What has been changed, if anything, is in the journal."
MISCOUNTED = '<span class="badge warning">not how many letters this plan deletes</span>'
WRONG = '<span class="badge warning">not the code of this plan</span>'
ROW = widgets.Layout(flex_flow="row wrap", align_items="center")


class Approval:
    """The controls of one plan. An edited reason makes another plan, with another code and file.

    `choice`: what the plan was made from, where a person chooses; while another choice stands it is not applied here.
    """

    def __init__(
        self, plan: Plan, path: Path, settings: Settings, keep: Callable[[str], None], choice: Choice[Any] | None = None
    ) -> None:
        self.settings, self.keep = settings, keep
        self.progress: Progress | None = None
        self.begun = self.outdated = self.replaced = False
        self.applying: Applying | None = None
        self.reason = widgets.Textarea(plan.reason, description="reason", rows=2, continuous_update=False, layout=WIDE)
        self.code = widgets.Text("", description="code", placeholder="type the code")
        self.count = widgets.Text("", description="count", placeholder="how many letters it deletes")
        self.apply = widgets.Button(description="Apply", icon="check", disabled=True)
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.head, self.hint, self.by_hand, self.trouble, self.told = (widgets.HTML() for _ in range(5))
        typed = [self.code, self.count] if plan.count is not None else [self.code]
        controls = widgets.HBox([*typed, self.apply, self.stop, self.hint], layout=ROW)
        self.widget = widgets.VBox([self.reason, self.head, controls, self.trouble, self.told, self.by_hand])
        self._offer(plan, path)
        self.reason.observe(self._caught(self._new_reason), names="value")
        self.code.observe(self._caught(self._typed), names="value")
        self.count.observe(self._caught(self._typed), names="value")
        self.apply.on_click(self._caught(self._press))
        self.stop.on_click(self._caught(self._stop))
        if choice:
            choice.watch(lambda same: self._caught(lambda: self._chosen(same))())

    @property
    def running(self) -> bool:
        """Return whether `ops apply` is at work for this plan."""
        return self.progress is not None and self.progress.end is None

    @property
    def done(self) -> bool:
        """Return whether this plan has been applied."""
        return self.progress is not None and self.progress.end == "done"

    def _offer(self, plan: Plan, path: Path, instead_of: str = "") -> None:
        self.plan, self.path = plan, path
        self.head.value = plan_tables.approval(plan)
        self.by_hand.value = plan_tables.by_hand(plan, path, self.settings.name) + instead_of
        self.code.value = self.count.value = ""
        self._typed()

    def _new_reason(self) -> None:
        reason = " ".join(self.reason.value.split())
        if self.running or self.begun:
            self.reason.value = self.plan.reason  # what has begun is finished under its own reason
        elif not reason:
            self.reason.value = self.plan.reason
            self.hint.value = "A change needs a reason: the journal keeps it."
        elif reason != self.plan.reason:
            before, path = self.plan, self.path
            plan = replace(before, reason=reason)
            self._offer(plan, store.write(plan, self.settings), plan_tables.replaced(before, path))
            store.outdate(
                before, self.settings, f"its reason was edited: the plan with the code {plan.code} replaced it"
            )
            self._mark()

    def give_way(self) -> None:
        """Let the plan not be applied any more, here or from a terminal: its cell was run again."""
        self.replaced = True
        store.outdate(self.plan, self.settings, "its cell was run again, so another review replaced it")

    def _chosen(self, same: bool) -> None:
        self.outdated = not same
        self._typed()
        self._mark()

    def _mark(self) -> None:
        """Say the same to who applies it from a terminal."""
        if self.replaced:
            return
        if self.outdated:
            store.outdate(self.plan, self.settings, "the choice that it was made from was changed")
        else:
            store.renew(self.plan, self.settings)

    def _typed(self) -> None:
        right = same_code(self.code.value, self.plan)
        counted = self.plan.count is None or self.count.value.strip() == str(self.plan.count)
        self.apply.disabled = self.running or self.outdated or not (right and counted)
        self.apply.button_style = "" if self.apply.disabled else "danger"
        if not self.running:
            wrong_count = MISCOUNTED if self.count.value.strip() and not counted else ""
            wrong = WRONG if self.code.value.strip() and not right else wrong_count
            self.hint.value = plan_tables.OUTDATED if self.outdated and not self.done else wrong

    def _press(self) -> None:
        if self.running or self.outdated:
            return
        counted = () if self.plan.count is None else (self.count.value,)
        words = command(self.path, self.code.value, self.settings.name, *counted)
        before = self.progress
        self.trouble.value = ""
        self._show(Progress(self.plan))
        try:
            self.applying = Applying(words, self._heard, self._ended)
        except BaseException:
            self.progress = before
            self._controls()
            raise

    def _stop(self) -> None:
        if self.applying and self.running:
            self.applying.cancel()
            self.hint.value = "Stopping after the call that is under way."

    def _heard(self, line: str) -> None:
        before = self.progress or Progress(self.plan)
        self._caught(lambda: self._show(before.heard(line)))()

    def _ended(self, exit_code: int) -> None:
        before = self.progress or Progress(self.plan)
        self._caught(lambda: self._finish(before.ended(exit_code)))()

    def _finish(self, progress: Progress) -> None:
        self.code.value = self.count.value = ""
        self._show(progress)
        self.keep(record(progress))

    def _show(self, progress: Progress) -> None:
        self.progress, self.begun = progress, self.begun or progress.started
        self.told.value = progress.html()
        self._controls()

    def _controls(self) -> None:
        self.reason.disabled = self.running or self.begun
        self.code.disabled = self.count.disabled = self.running or self.done
        self.stop.disabled = not self.running
        self._typed()

    def _caught(self, action: Callable[[], None]) -> Callable[..., None]:
        def call(*_: object) -> None:
            # ipywidgets swallows what a callback raises: then nobody would know.
            try:
                action()
            except Exception as error:  # noqa: BLE001
                self.trouble.value = plan_tables.broken_card(BROKEN, error)

        return call
