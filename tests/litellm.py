"""What LiteLLM's price table says, in the form of ours: a second opinion, and what ours does not have.

usage: litellm.py reduce FULL            prints tests/testdata/prices/litellm.json: the models of providers that our table
                                         has too, in dollars per million, of LiteLLM's whole file
       litellm.py modifiers REDUCED TABLE  prints src/price/modifiers.json: prices of batch, priority and flex, factors of
                                         speed and region, for the entries of our table whose standard prices agree

Standard library alone; every number is a Decimal of the file's own digits.
"""

import json
import sys
from decimal import Decimal

from independent_cost import model_of

DATE = "2026-08-01"
# The day of the embedded table.
TABLE_DATE = "2026-08-21"
SOURCE = "BerriAI/litellm model_prices_and_context_window.json as of 2026-08-01 (MIT, Copyright (c) 2023 Berri AI)"
# LiteLLM's provider -> our table's, and how LiteLLM's keys begin; of two that say different things, the first counts.
PROVIDERS = {
    "anthropic": ("anthropic", ""),
    "openai": ("openai", ""),
    "text-completion-openai": ("openai", ""),
    "azure": ("azure", "azure/"),
    "gemini": ("google", "gemini/"),
    "vertex_ai-language-models": ("google", "vertex_ai/"),
    "vertex_ai": ("google", "vertex_ai/"),
    "bedrock_converse": ("aws", ""),
    "bedrock": ("aws", ""),
    "mistral": ("mistral", "mistral/"),
    "deepseek": ("deepseek", "deepseek/"),
    "xai": ("x-ai", "xai/"),
    "groq": ("groq", "groq/"),
    "cohere_chat": ("cohere", ""),
    "cohere": ("cohere", ""),
    "perplexity": ("perplexity", "perplexity/"),
    "together_ai": ("together", "together_ai/"),
    "fireworks_ai": ("fireworks", "fireworks_ai/"),
    "moonshot": ("moonshotai", "moonshot/"),
    "novita": ("novita", "novita/"),
    "ovhcloud": ("ovhcloud", "ovhcloud/"),
    "cerebras": ("cerebras", "cerebras/"),
    "minimax": ("minimax", "minimax/"),
    "zai": ("zai", "zai/"),
    "voyage": ("voyageai", "voyage/"),
    "openrouter": ("openrouter", "openrouter/"),
}
MODES = {"chat", "responses", "completion", "embedding"}
# LiteLLM's price per token -> our price per million.
UNITS = {
    "input_cost_per_token": "input_mtok",
    "cache_read_input_token_cost": "cache_read_mtok",
    "cache_creation_input_token_cost": "cache_write_mtok",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_mtok",
    "input_cost_per_audio_token": "input_audio_mtok",
    "cache_read_input_audio_token_cost": "cache_audio_read_mtok",
    "output_cost_per_token": "output_mtok",
    "output_cost_per_reasoning_token": "output_reasoning_mtok",
    "output_cost_per_audio_token": "output_audio_mtok",
    "output_cost_per_image_token": "output_image_mtok",
}
SIZES = [128, 200, 256, 272, 512]
# A price that differs more from the standard one is a slip of the pen; so is one that does not differ, or to the wrong
# side: batch and flex are cheaper, priority is dearer.
RATIO_MAX = 4
CHEAPER = {"batch": True, "flex": True, "priority": False}
# What providers state for all of their models, and LiteLLM does not say model by model.
STATED = [
    # Anthropic, Pricing, "Batch processing": 50 % off input and output, and cached input with them.
    {"provider": "anthropic", "model": "*", "modifiers": {"batch": Decimal("0.5")}},
]


def spelled(value):
    """JSON with numbers as they are: short, no exponent."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{spelled(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    return format(value.normalize(), "f") if isinstance(value, Decimal) else json.dumps(value)


def lines(head, models):
    """An object with its models one a line, so that a change shows as one."""
    return "{" + spelled(head)[1:-1] + ',"models":[\n' + ",\n".join(map(spelled, models)) + "\n]}\n"


def prices_of(entry, suffix=""):
    prices = {}
    for field, unit in UNITS.items():
        base = entry.get(field + suffix)
        if not isinstance(base, Decimal):
            continue
        tiers = []
        for size in SIZES:
            price = entry.get(f"{field}_above_{size}k_tokens{suffix}")
            if isinstance(price, Decimal):
                tiers.append({"start": size * 1000, "price": price * 1_000_000})
        base *= 1_000_000
        prices[unit] = {"base": base, "tiers": tiers} if tiers else base
    return prices


def factors_of(entry):
    said = {word: factor for word, factor in entry.get("provider_specific_entry", {}).items() if isinstance(factor, Decimal)}
    for region in ["us", "eu"]:
        factor = entry.get(f"regional_processing_uplift_multiplier_{region}")
        if isinstance(factor, Decimal):
            said[region] = factor
    return said


def reduce(full):
    models = []
    for key, entry in full.items():
        provider, begins = PROVIDERS.get(entry.get("litellm_provider"), (None, ""))
        name = key.removeprefix(begins)
        is_regional = provider in ("azure", "aws") and "/" in name
        prices = prices_of(entry)
        if provider is None or entry.get("mode") not in MODES or is_regional or "input_mtok" not in prices:
            continue
        model = {"key": key, "from": entry["litellm_provider"], "provider": provider, "model": name, "prices": prices}
        for word, suffix in [("batch", "_batches"), ("priority", "_priority"), ("flex", "_flex")]:
            own = prices_of(entry, suffix)
            if own:
                model[word] = own
        factors = factors_of(entry)
        if factors:
            model["factors"] = factors
        models.append(model)
    print(lines({"source": SOURCE, "date": DATE}, models), end="")


def base_of(price):
    return price["base"] if isinstance(price, dict) else price


def agreeing(model, prices):
    """The standard prices on which both tables agree, or nothing."""
    periods = model["prices"]
    periods = periods if isinstance(periods, list) else [{"prices": periods}]
    starts = [period.get("constraint", {}).get("start_date", "") for period in periods]
    # A price that starts after the table's own date is a forecast.
    periods = [period["prices"] for period, start in zip(periods, starts) if start <= TABLE_DATE]
    for period in periods:
        known = [unit for unit in ("input_mtok", "output_mtok", "cache_read_mtok") if unit in period and unit in prices]
        if "input_mtok" in known and all(base_of(period[unit]) == base_of(prices[unit]) for unit in known):
            return {unit: base_of(period[unit]) for unit in known}
    return None


def is_credible(word, own, prices):
    pairs = [(base_of(own[unit]), base_of(prices[unit])) for unit in own if unit in prices]
    if not CHEAPER[word]:
        pairs = [(standard, price) for price, standard in pairs]
    return any(less < more for less, more in pairs) and all(less <= more <= less * RATIO_MAX for less, more in pairs)


def modifiers(reduced, table):
    found = {}
    order = {name: at for at, name in enumerate(PROVIDERS)}
    # The entry that bears the model's own id speaks for it before its aliases do.
    for entry in sorted(reduced["models"], key=lambda entry: (order[entry["from"]], entry["key"])):
        model = model_of(table, entry["provider"], entry["model"])
        base = model and agreeing(model, entry["prices"])
        if not base:
            continue
        words = {}
        for word in ["batch", "flex", "priority"]:
            if word in entry and is_credible(word, entry[word], entry["prices"]):
                # A price of nothing is a place that was left empty: embeddings have no output.
                words[word] = {unit: price for unit, price in entry[word].items() if base_of(price) > 0}
        words.update(entry.get("factors", {}))
        if not words:
            continue
        place = (entry["provider"], model["id"])
        if place not in found or entry["model"] == model["id"] and found[place][0] != model["id"]:
            found[place] = (entry["model"], {"base": base, "modifiers": dict(sorted(words.items()))})
    models = STATED + [{"provider": place[0], "model": place[1], **said} for place, (_, said) in sorted(found.items())]
    head = {"table": "litellm-modifiers", "date": DATE, "source": SOURCE}
    print(lines(head, models), end="")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, parse_float=Decimal, parse_int=Decimal)


if __name__ == "__main__":
    if sys.argv[1] == "reduce":
        reduce(load(sys.argv[2]))
    else:
        modifiers(load(sys.argv[2]), load(sys.argv[3]))
