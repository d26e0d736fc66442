"""Jobs by status, and how many were completed on each day."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ops_lib.show.plots.clock import days, number
from ops_lib.show.plots.plot import Plot
from ops_lib.show.plots.sheet import (
    BLUE,
    FAINT,
    GREEN,
    NO_DATA,
    NOT_READ,
    Look,
    hatched,
    label_box,
    plain,
    sheet,
    styled,
)

DONE = "completed"
MOST_NUMBERED_DAYS, ROW_IN = 14, 0.34


def jobs_overview(
    by_status: pd.DataFrame, completed_per_day: pd.DataFrame, *, now: datetime, sandbox: str | None
) -> Plot:
    """Return bars of jobs by status beside bars of jobs completed per UTC day, today's so far included.

    `by_status`: status, jobs (NA: not read). `completed_per_day`: day (UTC midnight), jobs (NA: not read, 0: none).
    Not read is hatched and named, never drawn as zero.
    """
    title = _title(by_status, completed_per_day, now)
    with styled():
        height = max(2.0, ROW_IN * len(by_status))
        page = sheet(title, height + 1.0, sandbox, _notes(by_status, completed_per_day))
        _statuses(page.axes(2.05, 0.3, 2.65, height), by_status)
        _days(page.axes(5.35, 0.3, 3.4, height), completed_per_day, now)
    return Plot(title, page.figure, _alt(title, by_status, completed_per_day), _table(by_status, completed_per_day))


def _head(axes: Axes, head: str) -> None:
    axes.set_title(head, loc="left", y=1.0, fontsize=10, color=FAINT)


def _statuses(axes: Axes, by_status: pd.DataFrame) -> None:
    _head(axes, "JOBS BY STATUS")
    axes.spines[["bottom"]].set_visible(False)
    axes.set_xticks([])
    if not len(by_status):
        axes.set_yticks([])
        return hatched(axes, "no status was asked for", NO_DATA)
    most = max(1, int(by_status["jobs"].max()) if by_status["jobs"].notna().any() else 1)
    axes.set_xlim(0, most * 1.22)
    axes.set_yticks(range(len(by_status)), [plain(status, 22) for status in by_status["status"]], fontsize=11)
    axes.set_ylim(len(by_status) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for place, (status, jobs) in enumerate(by_status[["status", "jobs"]].itertuples(index=False)):
        if pd.isna(jobs):
            axes.barh(place, most * 1.22, height=0.66, **NOT_READ)
            axes.text(most * 0.61, place, "not read", ha="center", va="center", bbox=label_box())
        else:
            axes.barh(place, jobs, height=0.66, color=GREEN if str(status).startswith(DONE) else BLUE)
            axes.text(jobs + most * 0.02, place, f"{jobs:,}", va="center", fontweight="bold" if jobs else "normal")
    return None


def _days(axes: Axes, per_day: pd.DataFrame, now: datetime) -> None:
    _head(axes, "COMPLETED PER DAY")
    if not len(per_day) or not per_day["jobs"].notna().any():
        axes.set_xticks([])
        axes.set_yticks([])
        return hatched(axes, *(("not read", NOT_READ) if len(per_day) else ("no day was asked for", NO_DATA)))
    most = max(1, int(per_day["jobs"].max()))
    axes.set_ylim(0, most * 1.15)
    axes.set_xlim(-0.6, len(per_day) - 0.4)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    for place, (day, jobs) in enumerate(per_day[["day", "jobs"]].itertuples(index=False)):
        _day(axes, place, jobs, most, so_far=day.date() == now.date(), numbered=len(per_day) <= MOST_NUMBERED_DAYS)
    _name_days(axes, per_day, now)
    return None


def _day(axes: Axes, place: int, jobs: int, most: int, *, so_far: bool, numbered: bool) -> None:
    if pd.isna(jobs):
        axes.bar(place, most * 1.15, width=0.72, **NOT_READ)
        axes.text(place, most * 0.55, "not read", ha="center", va="center", rotation=90, bbox=label_box())
        return
    look: Look = {"facecolor": "white", "edgecolor": GREEN, "linewidth": 1.6} if so_far else {"color": GREEN}
    axes.bar(place, jobs, width=0.72, **look)
    if numbered:
        axes.text(place, jobs + most * 0.02, f"{jobs:,}", ha="center", va="bottom", fontsize=10)


def _name_days(axes: Axes, per_day: pd.DataFrame, now: datetime) -> None:
    step = -(-len(per_day) // 7)
    places = range(len(per_day) - 1, -1, -step)  # counted from the newest, so that today always has its name
    shown = [(place, per_day["day"].iloc[place]) for place in places]
    axes.set_xticks([p for p, _ in shown], [_day_name(day, now) for _, day in shown])
    axes.set_xlabel(days(number(per_day["day"].iloc[0]), number(per_day["day"].iloc[-1])))


def _day_name(day: pd.Timestamp, now: datetime) -> str:
    return "today\nso far" if day.date() == now.date() else f"{day:%a}\n{day.day}"


def _sums(by_status: pd.DataFrame) -> tuple[int, int, int]:
    """Return the jobs that are not completed, how many of their statuses were not read, of how many."""
    others = by_status[~by_status["status"].str.startswith(DONE)]["jobs"]
    return int(others.sum()), int(others.isna().sum()), len(others)


def _title(by_status: pd.DataFrame, per_day: pd.DataFrame, now: datetime) -> str:
    jobs, unread, statuses = _sums(by_status)
    head = f"{'At least ' if unread else ''}{jobs:,} job{'s' * (jobs != 1)} not completed"
    if unread and unread == statuses:
        head = "Jobs by status not read"
    read = per_day.dropna(subset=["jobs"])
    if not len(read):
        return f"{head}; completed jobs not read"
    today = read[read["day"].dt.date == now.date()]["jobs"].sum()
    span = f"{len(read)} day{'s' * (len(read) != 1)}"
    return f"{head}; {read['jobs'].sum():,} completed in {span}, {today:,} of them today"


def _notes(by_status: pd.DataFrame, per_day: pd.DataFrame) -> list[str]:
    missed = [plain(status) for status in by_status[by_status["jobs"].isna()]["status"]]
    days = int(per_day["jobs"].isna().sum())
    told = ([f"status {', '.join(missed)}"] if missed else []) + ([f"{days} of {len(per_day)} days"] if days else [])
    return [f"Not read: {'; '.join(told)}."] if told else []


def _alt(title: str, by_status: pd.DataFrame, per_day: pd.DataFrame) -> str:
    counted = ", ".join(
        f"{plain(status)} {'not read' if pd.isna(jobs) else f'{jobs:,}'}"
        for status, jobs in by_status[["status", "jobs"]].itertuples(index=False)
    )
    told = [f"{title}.", f"Jobs by status: {counted or 'none asked for'}."]
    read = per_day.dropna(subset=["jobs"])
    if len(read):
        day, jobs = max(read[["day", "jobs"]].itertuples(index=False), key=lambda found: int(found[1]))
        none = int((read["jobs"] == 0).sum())
        told.append(f"The best day was {day:%Y-%m-%d} with {jobs:,}; {none} days had none.")
    return " ".join(told + _notes(by_status, per_day))


def _table(by_status: pd.DataFrame, per_day: pd.DataFrame) -> pd.DataFrame:
    """Return what is counted and jobs: first the statuses, then the days."""
    statuses = [(f"status {plain(s)}", jobs) for s, jobs in by_status[["status", "jobs"]].itertuples(index=False)]
    days = [(f"completed on {day:%Y-%m-%d}", jobs) for day, jobs in per_day[["day", "jobs"]].itertuples(index=False)]
    return pd.DataFrame(statuses + days, columns=["counted", "jobs"]).astype({"counted": "str", "jobs": "Int64"})
