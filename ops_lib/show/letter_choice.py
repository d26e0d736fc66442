"""Which letters a plan is for: in JupyterLab those that a person leaves chosen, without one all that were seen.

Choosing is no safety: a plan holds only those of the chosen letters whose class allows it, and says why the others
are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import ipywidgets as widgets
from IPython.display import HTML, display

from ops_lib.decide.dead_letters import DISCARD, REPLAY, JudgedLetter
from ops_lib.decide.letter_groups import Letters
from ops_lib.show.choice import Choice
from ops_lib.show.letter_tables import about, expires_in
from ops_lib.show.redact import on_one_line, safe
from ops_lib.show.review import somebody_is_there

EVERY = ""
NOBODY_CHOOSES = '<p class="small">Nobody can choose in this run: the plans below are for all that were seen.</p>'
HOW = (
    "A filter chooses all that it shows; Ctrl-click adds or drops one. Then run the cells below: "
    "each makes its plan from what is chosen at that moment."
)
WIDE = widgets.Layout(width="auto", max_width="75em")


class LetterChoice(Choice[tuple[JudgedLetter, ...]]):
    """The letters that are chosen; all of them, until somebody chooses."""

    @property
    def letters(self) -> tuple[JudgedLetter, ...]:
        """Return the chosen letters."""
        return self.chosen


def choose(letters: Letters) -> LetterChoice:
    """Return the choice, and show the list to choose from where somebody can."""
    choice = LetterChoice(letters.judged)
    if not letters.judged:
        display(HTML("<p>No letter was seen, so there is none to choose.</p>"))
    elif somebody_is_there():
        display(Desk(choice, letters.now).widget)
    else:
        display(HTML(NOBODY_CHOOSES))
    return choice


class Desk:
    """Filters by class, job and text above one list of letters; what is marked in the list is what is chosen."""

    def __init__(self, choice: LetterChoice, now: datetime) -> None:
        self.choice, self.now, self.all = choice, now, choice.letters
        self.kind = _dropdown("class", [one.name for one in self.all])
        self.job = _dropdown("job", [one.body.job_id for one in self.all if one.body.job_id])
        self.text = widgets.Text("", description="contains", placeholder="text of body or reason")
        self.list = widgets.SelectMultiple(rows=min(len(self.all) + 1, 16), layout=WIDE)
        self.told = widgets.HTML()
        filters = widgets.HBox([self.kind, self.job, self.text], layout=widgets.Layout(flex_flow="row wrap"))
        self.widget = widgets.VBox([filters, self.list, self.told])
        for control in (self.kind, self.job, self.text):
            control.observe(lambda _: self._filter(), names="value")
        self.list.observe(lambda _: self._chosen(), names="value")
        self._filter()

    def _filter(self) -> None:
        shown = [number for number, one in enumerate(self.all) if self._fits(one)]
        self.list.options = [(self._label(self.all[number]), number) for number in shown]
        self.list.value = [number for number in shown if may_be_moved(self.all[number])]
        self._chosen()

    def _fits(self, one: JudgedLetter) -> bool:
        words = " ".join(self.text.value.split()).lower()
        named = (EVERY, one.name), (EVERY, one.body.job_id)
        text = f"{one.letter.body} {one.body.key or ''} {one.why}".lower()
        return self.kind.value in named[0] and self.job.value in named[1] and words in text

    def _chosen(self) -> None:
        self.choice.becomes(tuple(self.all[number] for number in sorted(self.list.value)))
        self.told.value = f"<p>{safe(summary(self.choice.letters, len(self.list.options)))} {safe(HOW)}</p>"

    def _label(self, one: JudgedLetter) -> str:
        what = "replay" if one.safe == REPLAY else "discard" if one.safe == DISCARD else "leave"
        left = f"expires in {expires_in(one.expires_at, self.now)}"
        # The right edge cuts a line: what tells letters apart stands early.
        named = (what, one.letter.message_id[:8], one.letter.queue, about(one))
        return on_one_line(" · ".join((*named, one.name, left, one.body.job_id or "no job")))


def may_be_moved(one: JudgedLetter) -> bool:
    """Return whether the letter may be replayed or discarded."""
    return one.safe in (REPLAY, DISCARD)


def summary(chosen: Sequence[JudgedLetter], shown: int) -> str:
    """Return how many of the letters shown are chosen, and what may be done with these."""
    replay, discard = (sum(one.safe == what for one in chosen) for what in (REPLAY, DISCARD))
    rest = len(chosen) - replay - discard
    neither = f", {rest} for neither" if rest else ""
    return f"Chosen: {len(chosen)} of {shown} shown. {replay} to replay, {discard} to discard{neither}."


def _dropdown(name: str, values: Iterable[str]) -> widgets.Dropdown:
    counts: dict[str, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    options = [(f"every {name}", EVERY), *((f"{value} ({count})", value) for value, count in sorted(counts.items()))]
    return widgets.Dropdown(options=options, value=EVERY, description=name)
