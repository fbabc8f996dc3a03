"""Writes what each fuzz target begins with: the recordings, requests, journal lines and tables of tests/testdata.

usage: seed.py CORPUS
"""

import base64
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTDATA = ROOT / "tests" / "testdata"
TRAFFIC = TESTDATA / "provider-traffic"
# Longer recordings are cut: the engine would do nothing but copy them.
BYTES_MAX = 8192
# Targets of flavours by the recordings' names of APIs; a target without recordings begins with those of all.
TARGETS = {
    "anthropic_messages": ["anthropic.messages"],
    "openai_chat": ["openai.chat_completions"],
    "openai_responses": ["openai.responses"],
    "openai_completions": ["openai.completions"],
    "openai_embeddings": ["openai.embeddings"],
    "gemini_generate_content": ["gemini.generateContent", "gemini.streamGenerateContent"],
    "gemini_embeddings": ["openai.embeddings"],
    "bedrock_converse": ["bedrock.converse", "bedrock.converse-stream"],
    "bedrock_invoke": ["bedrock.invoke", "bedrock.invoke-with-response-stream"],
    "cohere_chat_v1": ["cohere.v1.chat"],
    "cohere_chat_v2": ["cohere.v2.chat"],
    "cohere_generate": ["cohere.v1.chat"],
    "cohere_embed": ["cohere.v1.chat", "openai.embeddings"],
    "rerank": ["cohere.v2.chat"],
    "ollama_chat": ["ollama.api.chat"],
    "ollama_generate": ["ollama.api.generate"],
    "ollama_embed": ["ollama.api.generate", "openai.embeddings"],
    "models": ["deepseek.models"],
    "any_body": None,
    "exchange": None,
    "sse": ".sse",
    "ndjson": ".ndjson",
    "json_array": ".sse",
    "event_stream": ".b64",
}
# Bodies of flavours that nobody recorded.
MADE = {
    "gemini_embeddings": [{"embedding": {"values": [0.1, 0.2]}}, {"embeddings": [{"values": [1]}], "usageMetadata": {"promptTokenCount": 4}},
                          {"predictions": [{"embeddings": {"values": [1], "statistics": {"token_count": 4}}}]}],
    "cohere_generate": [{"id": "g", "generations": [{"id": "a", "text": "x", "finish_reason": "COMPLETE"}], "prompt": "p",
                         "meta": {"billed_units": {"input_tokens": 3, "output_tokens": 1}}}],
    "cohere_embed": [{"id": "e", "embeddings": {"float": [[0.1]]}, "meta": {"billed_units": {"input_tokens": 3, "images": 1}}}],
    "rerank": [{"id": "r", "results": [{"index": 0, "relevance_score": 0.5}], "meta": {"billed_units": {"search_units": 1}}}],
    "ollama_embed": [{"model": "m", "embeddings": [[0.1]], "total_duration": 1, "prompt_eval_count": 5}],
    "models": [{"object": "list", "data": [{"id": "m", "object": "model"}]}],
    "ollama_chat": [{"error": "model not found"}],
}
# Texts with what a sanitizer looks for; all of it made up.
PROMPTS = [
    "I am jo@example.com, +44 20 7946 0958, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00",
    "SSN 078-05-1120, 10.0.0.1, 2001:db8::1, sk-proj-abcdefghijklmnopqrstuvwxyz0123456789, AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnopqrstuvwxyz",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
    '{"a":["jo@example.com",{"b":"\\u00e9 +49 30 901820"}]}',
]


def body(entry):
    data = (TRAFFIC / entry["response_file"]).read_bytes()
    return base64.b64decode(data) if entry["response_file"].endswith(".b64") else data


def seeds_of(target, wanted, index):
    for entry in index:
        if isinstance(wanted, str):
            fits = entry["response_file"].endswith(wanted)
        else:
            fits = wanted is None or entry["api"] in wanted
        if not fits:
            continue
        data = body(entry)
        if target == "json_array":
            events = [line[5:].strip() for line in data.splitlines() if line.startswith(b"data:") and b"[DONE]" not in line]
            data = b"[" + b",\n".join(events) + b"]"
        if target == "exchange" and entry["request_file"]:
            data = (TRAFFIC / entry["request_file"]).read_bytes() + b"\0" + data
        yield entry["id"], data
    for at, made in enumerate(MADE.get(target, [])):
        yield f"made-{at}", json.dumps(made).encode()


def others(index):
    requests = [(entry["id"], (TRAFFIC / entry["request_file"]).read_bytes()) for entry in index if entry["request_file"]]
    routes = [(entry["id"], f"{entry['host'] or 'h'}{entry['endpoint']}".encode()) for entry in index]
    lines = [
        (f"{path.stem}-{at}", line)
        for path in sorted((ROOT / "crates/journal/tests/testdata").glob("journal-v1/audit_logs/*.jsonl"))
        for at, line in enumerate(path.read_bytes().splitlines())
    ]
    table = json.loads((ROOT / "src" / "price" / "genai_prices.json").read_bytes())
    providers = table if isinstance(table, list) else table["providers"]
    tables = [(entry["id"], json.dumps([dict(entry, models=entry["models"][:4])]).encode()) for entry in providers]
    texts = [(entry["id"], json.dumps(entry["expected"]["error"]).encode()) for entry in index if entry["expected"].get("error")]
    prompts = [(f"prompt-{at}", text.encode()) for at, text in enumerate(PROMPTS)]
    bodies = [(entry["id"], body(entry)) for entry in index]
    return {
        "request": requests,
        "route": routes,
        "entry": lines,
        "price_table": tables,
        "redact": texts + requests,
        "sanitize": prompts + requests,
        "json": requests + bodies,
    }


def main():
    corpus = pathlib.Path(sys.argv[1])
    index = json.loads((TRAFFIC / "index.json").read_bytes())["fixtures"]
    found = {target: list(seeds_of(target, wanted, index)) for target, wanted in TARGETS.items()}
    found.update(others(index))
    for target, seeds in found.items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / name).write_bytes(data[:BYTES_MAX])


main()
