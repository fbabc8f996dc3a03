//! Feeds `cohere_generate` of the library's table of readers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tracing_llm_audit::fuzzing::run("cohere_generate", data));
