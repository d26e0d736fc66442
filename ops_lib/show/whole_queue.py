"""One dead-letter queue as a whole: SQS's own move task, and a purge; each only as a plan that says what it costs."""

from __future__ import annotations

from ops_lib.decide.letter_groups import Letters, Looks
from ops_lib.decide.repairs.move_task import plan_cancel_move, plan_move_task
from ops_lib.decide.repairs.purge import plan_purge
from ops_lib.evidence import Read
from ops_lib.read.move_tasks import read_move_tasks
from ops_lib.read.pipeline import PipelineReads
from ops_lib.show.move_tasks import move_tasks_table
from ops_lib.show.notebook import Runbook

NO_QUEUE = (
    "<p>No single queue is chosen, so none is moved or purged as a whole. "
    "To do that, set <code>queue</code> above to its key and run all cells again.</p>"
)


def whole_queue(book: Runbook, reads: PipelineReads, looks: Looks, letters: Letters) -> None:
    """Show the move tasks of the chosen queue, and the plans for it as a whole; nothing where none is chosen.

    All queues are given to the plans: a dead-letter queue that several share is never purged for one of them.
    """
    key = book.parameters.queue
    if not key:
        book.html(NO_QUEUE)
        return
    queues = reads.queues("")
    tasks = read_move_tasks(book.aws, queues[key])
    book.table(move_tasks_table(tasks), none="No move task.")
    if isinstance(tasks, Read) and tasks.value and tasks.value[0].is_active:
        book.review(plan_cancel_move(key, queues, tasks, book.names, book.now))
        return
    book.review(plan_move_task(key, letters.judged, queues, tasks, book.names, book.now))
    if key in looks:
        book.review(plan_purge(looks[key], letters.judged, letters.jobs, queues, book.names, book.now))
