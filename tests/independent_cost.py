"""What each call costs, computed apart from the library: from the tables' texts and the counts.

usage: independent_cost.py TABLE MODIFIERS CALLS DATE TABLE_DATE       CALLS: the recordings' index, or a list of made-up calls

Prints one JSON object: recording id -> exact cost as text, or null where the table does not know the model or the
response does not say its tokens; of made-up calls, a list. Standard library alone; every number is a Decimal of the
tables' own digits.
"""

import json
import os
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
    "output_audio_mtok": "output_mtok",
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


def at(price, total_in):
    """The price of a call of so many input tokens: the highest tier that they exceed."""
    if not isinstance(price, dict):
        return price
    reached = [tier for tier in price["tiers"] if total_in > tier["start"]]
    return max(reached, key=lambda tier: tier["start"])["price"] if reached else price["base"]


def times(price, factor):
    if not isinstance(price, dict):
        return price * factor
    tiers = [{"start": tier["start"], "price": tier["price"] * factor} for tier in price["tiers"]]
    return {"base": price["base"] * factor, "tiers": tiers}


def charged(unit, prices):
    """The unit that is charged for one: itself, or what contains it."""
    while unit not in prices and unit in INSIDE:
        unit = INSIDE[unit]
    return unit


def cost(expected, prices, free):
    total_in, total_out = expected.get("input_tokens_total"), expected.get("output_tokens_total")
    if expected.get("billed_input_tokens") is not None:
        total_in, total_out = expected["billed_input_tokens"], expected["billed_output_tokens"]
    no_output = expected.get("is_embedding", False)
    if total_in is None or total_out is None and not no_output or not prices and not free:
        return None
    total_out = total_out or 0
    count = lambda key: expected.get(key) or 0
    read, write, write_1h = count("cache_read_tokens"), count("cache_write_tokens"), count("cache_write_1h_tokens")
    audio = min(count("input_audio_tokens"), total_in - read - write)
    reasoning = min(count("reasoning_tokens"), total_out)
    audio_out = min(count("output_audio_tokens"), total_out - reasoning)
    searches = (expected.get("server_tool_use") or {}).get("web_search_requests") or 0
    used = {
        "input_mtok": total_in - read - write - audio,
        "cache_read_mtok": read,
        "cache_write_5m_mtok": write - write_1h,
        "cache_write_1h_mtok": write_1h,
        "input_audio_mtok": audio,
        "output_mtok": total_out - reasoning - audio_out,
        "output_reasoning_mtok": reasoning,
        "output_audio_mtok": audio_out,
        "web_searches_kcount": searches,
        "requests_kcount": expected.get("requests", 1),
    }
    total = Decimal(0)
    for unit, quantity in used.items():
        unit = charged(unit, prices)
        price = prices.get(unit)
        if price is None and unit in ("input_mtok", "output_mtok") and quantity and not free:
            return None
        if price is not None:
            total += Decimal(at(price, total_in)) * quantity / (1000 if unit.endswith("kcount") else 1_000_000)
    return total


def under(words, prices, modifiers, provider, model, total_in):
    """The prices under a call's terms: each word's factor, or its own prices where they were made for these."""
    base = lambda price: price["base"] if isinstance(price, dict) else price
    reached = lambda price: [tier["start"] for tier in price["tiers"] if total_in > tier["start"]] if isinstance(price, dict) else []
    start = lambda price: max(reached(price), default=None)
    own = [entry for entry in modifiers if entry["provider"] == provider and entry["model"] in (model["id"], "*")]
    for word in words:
        effects = [(entry.get("base", {}), entry["modifiers"][word]) for entry in own if word in entry["modifiers"]]
        for made_for, effect in sorted(effects, key=lambda effect: not effect[0]):
            if isinstance(effect, Decimal):
                prices = {unit: times(price, effect) if unit.endswith("mtok") else price for unit, price in prices.items()}
                break
            fits = all(unit in prices and base(prices[unit]) == price for unit, price in made_for.items())
            if fits and all(start(prices[unit]) == start(price) for unit, price in effect.items() if unit in prices):
                prices = {**prices, **effect}
                break
    return prices


def tier_of(recording, folder):
    """The service tier, which the index does not have for all: the last one that the response names."""
    with open(os.path.join(folder, recording["response_file"]), encoding="utf-8") as file:
        return re.findall(r'"service_tier"\s*:\s*"(\w+)"', file.read())[-1:]


def cost_of_recording(recording, folder, table, modifiers, date, table_date):
    expected = dict(recording["expected"], is_embedding="embedding" in recording["api"])
    usage = recording["raw_usage"] if isinstance(recording["raw_usage"], dict) else {}
    details = usage.get("promptTokensDetails") or []
    audio = sum(detail["tokenCount"] for detail in details if detail["modality"] == "AUDIO")
    expected.setdefault("input_audio_tokens", audio)
    names = [expected.get("response_model"), expected.get("request_model")]
    models = [model_of(table, recording["provider"], name) for name in names if name]
    model = next((model for model in models if model), None)
    if model is None:
        return None
    prices, total_in = prices_of(model, date, table_date), expected.get("input_tokens_total") or 0
    prices = under(tier_of(recording, folder), prices, modifiers, recording["provider"], model, total_in)
    exact = cost(expected, prices, model["id"].endswith(":free"))
    if "sum_over_iterations" not in expected or exact is None:
        return exact
    # Runs that the top level leaves out: those of another model at that model's prices, the rest at the response's.
    others = expected.get("other_model_iterations_not_in_top_level_usage", [])
    rest = dict(expected, input_tokens_total=expected["sum_over_iterations"]["input_tokens"])
    rest["output_tokens_total"] = expected["sum_over_iterations"]["output_tokens"]
    for other in others:
        rest["input_tokens_total"] -= other["input_tokens"]
        rest["output_tokens_total"] -= other["output_tokens"]
        counts = {"input_tokens_total": other["input_tokens"], "output_tokens_total": other["output_tokens"], "requests": 0}
        theirs = prices_of(model_of(table, recording["provider"], other["model"]), date, table_date)
        exact = cost(counts, theirs, False)
    own = cost(rest, prices_of(model, date, table_date), False)
    return own + exact if others else own


def cost_of_case(case, table, modifiers, date, table_date):
    """A made-up call: counts, a term with a known price, what was negotiated."""
    model = model_of(table, case["provider"], case["model"])
    prices = dict(prices_of(model, date, table_date))
    if "claude" in model["id"] and "input_mtok" in prices:
        if "cache_write_mtok" not in prices:
            prices["cache_write_mtok"] = times(prices["input_mtok"], Decimal("1.25"))
        if "cache_write_1h_mtok" not in prices:
            prices["cache_write_1h_mtok"] = times(prices["input_mtok"], Decimal(2))
    prices = under(case["words"], prices, modifiers, case["provider"], model, case["input_tokens_total"])
    if case.get("discount_percent"):
        kept = (100 - Decimal(case["discount_percent"])) / 100
        prices = {unit: times(price, kept) for unit, price in prices.items()}
    return cost(case, prices, model["id"].endswith(":free"))


def text(exact):
    return None if exact is None else format(exact.normalize(), "f")


def main():
    table_path, modifiers_path, calls_path, date, table_date = sys.argv[1:]
    load = lambda path: json.load(open(path, encoding="utf-8"), parse_float=Decimal)
    table, calls, modifiers = load(table_path), load(calls_path), load(modifiers_path)["models"]
    for entry in modifiers:
        factors = {word: Decimal(said) for word, said in entry["modifiers"].items() if not isinstance(said, dict)}
        entry["modifiers"].update(factors)
    if isinstance(calls, list):
        said = [text(cost_of_case(case, table, modifiers, date, table_date)) for case in calls]
    else:
        folder = os.path.dirname(calls_path)
        tables = (folder, table, modifiers, date, table_date)
        said = {recording["id"]: text(cost_of_recording(recording, *tables)) for recording in calls["fixtures"]}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
