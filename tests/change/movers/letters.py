"""Letters of every kind, each of a content of its own, and the counting that is the same for every mover."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from typing import Any

from tests.change.movers.model import Message, Model

MAIN, DLQ = "stereo-spot-moved", "stereo-spot-moved-dlq"
SAME = json.dumps({"job_id": "4f1ef31e-400e-41ce-a81a-edfb51e91cc7"})


def fill(model: Model, chance: random.Random, count: int) -> list[Message]:
    """Put letters into the dead-letter queue: plain, with attributes of every type, of one body, large ones."""
    model.queues[MAIN] = {}
    letters = [model.put(DLQ, *content(chance, number)) for number in range(count)]
    model.clock.sleep(60)
    return letters


def content(chance: random.Random, number: int, same: str = SAME) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return body, attributes and system attributes of a letter; `same`: the body that several share."""
    attributes: dict[str, Any] = {}
    body = json.dumps(
        {"job_id": f"job-{number}", "text": chance.choice(["", 'a "b"\n', "žluť 雪 𝄞"])}, ensure_ascii=False
    )
    if chance.random() < 0.5:
        raw = chance.randbytes(chance.randrange(1, 40))
        attributes = {
            "number": {"DataType": "Number", "StringValue": str(number)},
            "text": {"DataType": "String", "StringValue": "ř & <a>"},
            "raw": {"DataType": "Binary.png", "BinaryValue": base64.b64encode(raw).decode()},
            "count": {"DataType": "Number.int", "StringValue": f"00{number}"},
        }
        attributes = {name: attributes[name] for name in chance.sample(list(attributes), chance.randint(1, 4))}
        if "number" in attributes and chance.random() < 0.5:
            body = same
    if chance.random() < 0.02:
        body += "ž" * chance.randrange(40_000, 200_000)
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": f"Root=1-5759e988-{number:024x}"}}
    return body, attributes, trace if chance.random() < 0.3 else {}


def count(letters: list[Message], model: Model, wanted: set[str]) -> Counter[str]:
    """Compare what is in both queues with what was there.

    `wanted`: MessageIds that were to be moved. Lost: neither here nor there, whatever its attributes. Not whole: no
    copy has body and attributes of its letter. Doubled: copies too many, a letter that stays beside its copy included.
    """
    main, dlq = model.queues[MAIN].values(), model.queues[DLQ]
    whole, bodies = Counter(message.content for message in main), Counter(message.body for message in main)
    moved = Counter(letter.body for letter in letters if letter.id not in dlq)
    known = {letter.content for letter in letters}
    found = Counter({"letters": len(letters), "moved": moved.total()})
    found["lost"] = sum(max(0, number - bodies[body]) for body, number in moved.items())
    found["not whole"] = sum(letter.id not in dlq and not whole[letter.content] for letter in letters)
    found["attributes lost"] = sum(number for text, number in whole.items() if text not in known)
    stay = Counter(
        letter.body for letter in letters if letter.id in dlq and letter.id in wanted and bodies[letter.body]
    )
    found["doubled"] = sum(max(0, bodies[body] - moved[body]) for body in bodies)
    found["stay beside a copy"] = sum(min(stay[body], max(0, bodies[body] - moved[body])) for body in stay)
    return found
