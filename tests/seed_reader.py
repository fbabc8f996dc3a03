#!/usr/bin/env python3
"""Reads a journal as a program would that was written for plain audit files and has never heard of this library.

    seed_reader.py DIRECTORY [START END [USER]]

Every *.jsonl file of DIRECTORY in name order, `json.loads` per line, `timestamp` and `user_id` of every line; the lines
between START and END (compared as text, as such a reader does) and of USER where given. A line that has a `request_id` is
a call: all 17 keys must be there, in order, with their types. Prints one JSON object; needs nothing but Python 3.
"""

import json
import os
import sys
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

OPTIONAL = type(None)


@dataclass
class AuditEntry:
    """The 17 keys and the types that a reader may meet: null is what is not known, or is no longer kept."""

    request_id: str
    timestamp: str
    user_id: (str, OPTIONAL)
    model: (str, OPTIONAL)
    action: (str, OPTIONAL)
    system_prompt_hash: (str, OPTIONAL)
    input_tokens: (int, OPTIONAL)
    output_tokens: (int, OPTIONAL)
    thinking_tokens: (int, OPTIONAL)
    latency_ms: (int, OPTIONAL)
    cost_usd: (Decimal, int, OPTIONAL)
    status: str
    error_message: (str, OPTIONAL)
    sanitization_count: int
    input_hash: (str, OPTIONAL)
    output_hash: (str, OPTIONAL)
    metadata: (dict, OPTIONAL)


KEYS = [field.name for field in fields(AuditEntry)]


def lines(directory):
    for name in sorted(os.listdir(directory)):
        if name.endswith(".jsonl"):
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    yield f"{name}:{number}", json.loads(line, parse_float=Decimal)


def call(place, line):
    assert list(line)[: len(KEYS)] == KEYS, f"{place}: keys {list(line)}"
    for field in fields(AuditEntry):
        value = line[field.name]
        assert isinstance(value, field.type), f"{place}: {field.name} is {value!r}"
    return AuditEntry(**{key: line[key] for key in KEYS})


def read(directory, start="", end="~", user=None):
    count, calls = 0, []
    for place, line in lines(directory):
        count += 1
        datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00"))
        if start <= line["timestamp"] <= end and user in (None, line["user_id"]) and "request_id" in line:
            calls.append(call(place, line))
    return count, calls


def main(arguments):
    count, calls = read(*arguments)
    known = [entry.cost_usd for entry in calls if entry.cost_usd is not None]
    json.dump(
        {
            "lines": count,
            "request_ids": [entry.request_id for entry in calls],
            "users": sorted({entry.user_id for entry in calls if entry.user_id is not None}),
            "statuses": sorted({entry.status for entry in calls}),
            "input_tokens": sum(entry.input_tokens or 0 for entry in calls),
            "cost_usd": format(sum(known, Decimal(0)), "f"),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
