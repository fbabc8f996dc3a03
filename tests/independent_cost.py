"""What each recorded call costs, computed apart from the library: from the table's text and the recording's counts.

usage: independent_cost.py TABLE INDEX DATE TABLE_DATE

Prints one JSON object: recording id -> exact cost as text, or null where the table does not know the model or the
response does not say its tokens. Standard library alone; every number is a Decimal of the table's own digits.
"""

import json
import re
import sys
from decimal import Decimal, getcontext

getcontext().prec = 60
# Ids of the table for what the recordings call their providers, where the two differ.
IDS = {"gemini": "google", "vertex": "google", "bedrock": "aws", "xai": "x-ai"}
# Units that are billed as the one behind them where a model has no price of their own.
INSIDE = {
    "cache_read_mtok": "input_mtok",
    "cache_write_5m_mtok": "cache_write_mtok",
    "cache_write_1h_mtok": "cache_write_mtok",
    "cache_write_mtok": "input_mtok",
    "input_audio_mtok": "input_mtok",
    "output_reasoning_mtok": "output_mtok",
}


def fits(rule, name):
    name = name.lower()
    if "or" in rule:
        return any(fits(part, name) for part in rule["or"])
    if "and" in rule:
        return all(fits(part, name) for part in rule["and"])
    (kind, text), = rule.items()
    if kind == "regex":
        return re.search(text, name, re.IGNORECASE) is not None
    text = text.lower()
    return {
        "equals": name == text,
        "starts_with": name.startswith(text),
        "ends_with": name.endswith(text),
        "contains": text in name,
    }[kind]


def model_of(table, provider, name):
    provider = IDS.get(provider, provider)
    known = {entry["id"]: entry for entry in table}
    if provider not in known:
        named = [entry for entry in table if "provider_match" in entry and fits(entry["provider_match"], provider)]
        provider = named[0]["id"] if named else None
    if provider is None:
        return None
    for place in [provider] + known[provider].get("fallback_model_providers", []):
        for model in known[place]["models"]:
            if fits(model["match"], name):
                return model
    return None


def prices_of(model, date, table_date):
    periods = model["prices"]
    if isinstance(periods, dict):
        return periods
    for period in reversed(periods):
        limit = period.get("constraint", {})
        if "start_time" in limit:
            continue  # No model of a recording is priced by the time of day.
        start = limit.get("start_date", "0000-00-00")
        if start <= date and start <= table_date:
            return period["prices"]
    return periods[0]["prices"]


def cost(expected, prices, free):
    total_in, total_out = expected.get("input_tokens_total"), expected.get("output_tokens_total")
    if total_in is None or total_out is None or not prices and not free:
        return None
    count = lambda key: expected.get(key) or 0
    read, write, write_1h = count("cache_read_tokens"), count("cache_write_tokens"), count("cache_write_1h_tokens")
    audio = min(count("input_audio_tokens"), total_in - read - write)
    reasoning = min(count("reasoning_tokens"), total_out)
    searches = (expected.get("server_tool_use") or {}).get("web_search_requests") or 0
    used = {
        "input_mtok": total_in - read - write - audio,
        "cache_read_mtok": read,
        "cache_write_5m_mtok": write - write_1h,
        "cache_write_1h_mtok": write_1h,
        "input_audio_mtok": audio,
        "output_mtok": total_out - reasoning,
        "output_reasoning_mtok": reasoning,
        "web_searches_kcount": searches,
        "requests_kcount": 1,
    }
    total = Decimal(0)
    for unit, quantity in used.items():
        while unit not in prices and unit in INSIDE:
            unit = INSIDE[unit]
        price = prices.get(unit)
        if price is None:
            continue
        if isinstance(price, dict):
            reached = [tier for tier in price["tiers"] if total_in > tier["start"]]
            price = max(reached, key=lambda tier: tier["start"])["price"] if reached else price["base"]
        total += Decimal(price) * quantity / (1000 if unit.endswith("kcount") else 1_000_000)
    return total


def main():
    table_path, index_path, date, table_date = sys.argv[1:]
    with open(table_path) as file:
        table = json.load(file, parse_float=Decimal)
    with open(index_path) as file:
        recordings = json.load(file)["fixtures"]
    said = {}
    for recording in recordings:
        expected = dict(recording["expected"])
        usage = recording["raw_usage"] if isinstance(recording["raw_usage"], dict) else {}
        details = usage.get("promptTokensDetails") or []
        audio = sum(detail["tokenCount"] for detail in details if detail["modality"] == "AUDIO")
        expected.setdefault("input_audio_tokens", audio)
        names = [expected.get("response_model"), expected.get("request_model")]
        models = [model_of(table, recording["provider"], name) for name in names if name]
        model = next((model for model in models if model), None)
        if model is None:
            said[recording["id"]] = None
            continue
        exact = cost(expected, prices_of(model, date, table_date), model["id"].endswith(":free"))
        said[recording["id"]] = None if exact is None else format(exact.normalize(), "f")
    json.dump(said, sys.stdout)


main()
