//! Provider libraries against tracing-llm-audit: the tests stand in `tests/`.
