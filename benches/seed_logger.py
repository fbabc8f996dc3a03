"""A plain audit logger in Python: one dataclass, one json.dumps, one open-append-close per record.

The peer that people have today; prints records, seconds and records per second as JSON.
"""

import hashlib
import json
import os
import sys
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timezone


@dataclass
class Entry:
    request_id: str
    timestamp: str
    user_id: str
    model: str
    action: str
    system_prompt_hash: str
    input_tokens: int
    output_tokens: int
    thinking_tokens: int
    latency_ms: int
    cost_usd: float
    status: str
    error_message: str = ""
    sanitization_count: int = 0
    input_hash: str = ""
    output_hash: str = ""
    metadata: dict = None


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(directory, entry):
    name = datetime.now().strftime("%Y-%m-%d")
    with open(os.path.join(directory, f"audit_{name}.jsonl"), "a") as file:
        file.write(json.dumps(asdict(entry)) + "\n")


def main(directory, count):
    os.makedirs(directory, exist_ok=True)
    prompt, answer = "p" * 4096, "a" * 2048
    started = time.perf_counter()
    for number in range(count):
        cost = round(1200 * 5.0 / 1e6 + 300 * 25.0 / 1e6, 6)
        write(directory, Entry(
            request_id=str(uuid.uuid4()), timestamp=datetime.now(timezone.utc).isoformat(),
            user_id=f"user-{number % 7}", model="claude-sonnet-4-5", action="messages.create",
            system_prompt_hash=digest("Answer briefly."), input_tokens=1200, output_tokens=300,
            thinking_tokens=0, latency_ms=812, cost_usd=cost, status="success",
            input_hash=digest(json.dumps([{"role": "user", "content": prompt}])), output_hash=digest(answer),
        ))
    seconds = time.perf_counter() - started
    cpu = sum(os.times()[:2])
    print(json.dumps({"records": count, "seconds": seconds, "per_second": count / seconds, "cpu_us": cpu / count * 1e6}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
