"""The look into dead-letter queues as a cell runs it: where somebody may, with progress, and how much was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from IPython.display import HTML, DisplayHandle

from ops_lib.evidence import Evidence, QueuePair, Read
from ops_lib.letters import Inspection
from ops_lib.read.dead_letters import cost, inspect
from ops_lib.show.letters import seen_words
from ops_lib.show.notebook import Runbook
from ops_lib.show.redact import safe
from ops_lib.show.review import somebody_is_there

NOT_ASKED = (
    "<p><b>Nobody looked into the dead-letter queues:</b> a run without a person looks only where its parameter "
    "<code>inspect</code> says so (<code>-p inspect=true</code>).</p>"
)
INTERRUPTED = "Interrupted: what was held has been put back, or comes back by itself when its time is over."


def price(queues: Mapping[str, QueuePair], most: int) -> str:
    """Return as HTML what the next look costs, said before anybody looks; `most` letters of each queue are seen."""
    bound = f" At most {most} of each queue are looked at." if _more_than(queues, most) else ""
    return f"<p><b>What looking costs:</b> {safe(cost(queues.values(), most))}{bound}</p>"


def look(book: Runbook, queues: Mapping[str, QueuePair]) -> dict[str, Evidence[Inspection]]:
    """Return a look into each dead-letter queue by key, one after the other, showing how far it is.

    A run without a person looks only where the parameter `inspect` says so: then nothing is received, and nothing
    is in the answer. Interrupted, it has put back what it held before it ends.
    """
    if not (book.parameters.inspect or somebody_is_there()):
        book.html(NOT_ASKED)
        return {}
    shown = DisplayHandle()
    looks: dict[str, Evidence[Inspection]] = {}
    shown.display(HTML("<p>Looking ...</p>"))
    try:
        for key, pair in ((key, pair) for key, pair in queues.items() if pair.dlq is not None):
            assert pair.dlq is not None

            def told(seen: int, key: str = key, so_far: Iterable[str] = tuple(_words(looks))) -> None:
                shown.update(HTML(_listed((*so_far, f"{key}: looking, {seen} seen ..."))))

            looks[key] = inspect(book.aws, key, pair.dlq, book.parameters.most, told)
    except KeyboardInterrupt:
        shown.update(HTML(_listed((*_words(looks), INTERRUPTED))))
        raise
    shown.update(HTML(_listed(_words(looks))))
    return looks


def _words(looks: Mapping[str, Evidence[Inspection]]) -> list[str]:
    """Return a line for each queue with letters or a failed look, and one for all the empty ones."""
    empty = [key for key, one in looks.items() if isinstance(one, Read) and not (one.value.about or one.value.letters)]
    held = [key for key in empty if isinstance(one := looks[key], Read) and one.value.in_flight]
    told = [seen_words(key, one) for key, one in looks.items() if key not in empty or key in held]
    rest = [key for key in empty if key not in held]
    return told + ([f"empty: {', '.join(rest)}"] if rest else [])


def _listed(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{safe(line)}</li>' for line in lines)}</ul>"


def _more_than(queues: Mapping[str, QueuePair], most: int) -> bool:
    return any(isinstance(pair.dlq, Read) and pair.dlq.value.visible_messages > most for pair in queues.values())
