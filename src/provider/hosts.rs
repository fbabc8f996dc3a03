//! Which provider is at a host.
//!
//! Promise: a host is known by its whole name or by what stands behind a dot or a hyphen, never by a part of a word.
//! A new provider that speaks a known flavour is one line of [`HOSTS`].
//! Not here: what the path says (`route`); a price table's own ids (`price`).

use super::names::ascii_lowercase;

/// Hosts by how their names end, and what the conventions, else the price table, call who is there.
const HOSTS: [(&str, &str); 88] = [
    // Names of the conventions.
    ("api.anthropic.com", "anthropic"),
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure.ai.openai"),
    (".cognitiveservices.azure.com", "azure.ai.openai"),
    (".azure-api.net", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    ("models.inference.ai.azure.com", "github"),
    (".inference.ai.azure.com", "azure.ai.inference"),
    (".models.ai.azure.com", "azure.ai.inference"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.us.rep.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.eu.rep.googleapis.com", "gcp.vertex_ai"),
    ("api.mistral.ai", "mistral_ai"),
    ("codestral.mistral.ai", "mistral_ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.x.ai", "x_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    (".ml.cloud.ibm.com", "ibm.watsonx.ai"),
    // Routers and gateways.
    ("openrouter.ai", "openrouter"),
    ("router.huggingface.co", "huggingface"),
    ("gateway.ai.cloudflare.com", "cloudflare"),
    ("ai-gateway.vercel.sh", "vercel"),
    ("models.github.ai", "github"),
    ("api.githubcopilot.com", "github_copilot"),
    ("llm.chutes.ai", "chutes"),
    ("api.portkey.ai", "portkey"),
    ("ai-gateway.helicone.ai", "helicone"),
    ("api.requesty.ai", "requesty"),
    ("router.requesty.ai", "requesty"),
    ("nano-gpt.com", "nano_gpt"),
    ("api.aimlapi.com", "aimlapi"),
    ("api.poe.com", "poe"),
    // Hosts of open models, all compatible with OpenAI.
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cerebras.ai", "cerebras"),
    ("api.studio.nebius.ai", "nebius"),
    ("api.studio.nebius.com", "nebius"),
    ("api.tokenfactory.nebius.com", "nebius"),
    ("api.sambanova.ai", "sambanova"),
    ("api.deepinfra.com", "deepinfra"),
    ("api.hyperbolic.xyz", "hyperbolic"),
    ("api.novita.ai", "novita"),
    ("api.cloudflare.com", "cloudflare"),
    ("inference.baseten.co", "baseten"),
    (".api.baseten.co", "baseten"),
    ("api.lambda.ai", "lambda"),
    ("api.lambdalabs.com", "lambda"),
    ("api.inference.nscale.com", "nscale"),
    ("inference.api.nscale.com", "nscale"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("api.friendli.ai", "friendli"),
    ("api.featherless.ai", "featherless"),
    ("api.parasail.io", "parasail"),
    ("api.inference.net", "inference_net"),
    ("api.doubleword.ai", "doubleword"),
    ("api.avian.io", "avian"),
    (".modal.run", "modal"),
    (".modal.direct", "modal"),
    ("oai.endpoints.kepler.ai.cloud.ovh.net", "ovhcloud"),
    ("api.scaleway.ai", "scaleway"),
    ("us.inference.heroku.com", "heroku"),
    ("inference.do-ai.run", "digitalocean"),
    (".cloud.databricks.com", "databricks"),
    (".azuredatabricks.net", "databricks"),
    (".snowflakecomputing.com", "snowflake"),
    // Makers of models with an API of their own.
    ("api.ai21.com", "ai21"),
    ("api.voyageai.com", "voyageai"),
    ("api.jina.ai", "jina"),
    ("api.inceptionlabs.ai", "inception"),
    ("api.upstage.ai", "upstage"),
    ("api.minimax.io", "minimax"),
    ("api.minimaxi.com", "minimax"),
    ("api.z.ai", "zai"),
    ("open.bigmodel.cn", "zhipuai"),
    ("api.stepfun.com", "stepfun"),
    ("api.siliconflow.com", "siliconflow"),
    ("api.siliconflow.cn", "siliconflow"),
    ("dashscope.aliyuncs.com", "alibaba"),
    ("dashscope-intl.aliyuncs.com", "alibaba"),
    ("volces.com", "volcengine"),
    ("ollama.com", "ollama"),
];

/// The port that Ollama registered: on this machine it is the provider's name.
const OLLAMA_PORT: &str = "11434";

/// Returns the provider who is at a host, with or without a port.
pub(crate) fn provider_at(host: &str) -> Option<&'static str> {
    let host = ascii_lowercase(host);
    let (name, port) = split_port(&host);
    let name = name.strip_suffix('.').unwrap_or(name);
    if is_bedrock(name) {
        return Some("aws.bedrock");
    }
    if port == Some(OLLAMA_PORT) && is_local(name) {
        return Some("ollama");
    }
    let found = HOSTS.iter().find(|(end, _)| is_at(name, end));
    found.map(|(_, provider)| *provider)
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
}

fn is_local(name: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]", "host.docker.internal"].contains(&name)
}

fn is_at(name: &str, end: &str) -> bool {
    let start = name.strip_suffix(end);
    start.is_some_and(|start| {
        start.is_empty() && !end.starts_with('.')
            || start.ends_with(['.', '-'])
            || !start.is_empty() && end.starts_with('.')
    })
}

/// Bedrock has its region, and more, in the middle of the name.
fn is_bedrock(name: &str) -> bool {
    let ends = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    let services = ["bedrock-runtime", "bedrock-runtime-fips", "bedrock-mantle"];
    let mut labels = name.split('.');
    ends.into_iter().any(|end| name.ends_with(end)) && labels.any(|label| services.contains(&label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_their_whole_name() {
        for (host, expected) in [
            ("api.openai.com", Some("openai")),
            ("eu.api.openai.com:443", Some("openai")),
            ("RESOURCE.openai.azure.com", Some("azure.ai.openai")),
            ("models.inference.ai.azure.com", Some("github")),
            (
                "europe-west4-aiplatform.googleapis.com",
                Some("gcp.vertex_ai"),
            ),
            ("aiplatform.eu.rep.googleapis.com", Some("gcp.vertex_ai")),
            (
                "bedrock-runtime.eu-central-1.amazonaws.com",
                Some("aws.bedrock"),
            ),
            (
                "bedrock-runtime-fips.us-east-1.amazonaws.com",
                Some("aws.bedrock"),
            ),
            ("bedrock-runtime.us-east-1.api.aws", Some("aws.bedrock")),
            (
                "bedrock-runtime.cn-north-1.amazonaws.com.cn",
                Some("aws.bedrock"),
            ),
            (
                "vpce-1-a.bedrock-runtime.us-east-1.vpce.amazonaws.com",
                Some("aws.bedrock"),
            ),
            ("us-east-1.api.x.ai", Some("x_ai")),
            ("ark.cn-beijing.volces.com", Some("volcengine")),
            ("127.0.0.1:11434", Some("ollama")),
            ("[::1]:11434", Some("ollama")),
            ("notopenrouter.ai", None),
            ("bedrock-runtime.evil.example", None),
            (".openai.azure.com", None),
            ("localhost", None),
            ("localhost:8000", None),
            ("", None),
        ] {
            assert_eq!(provider_at(host), expected, "{host}");
        }
    }

    #[test]
    fn no_line_hides_another() {
        for (at, (end, _)) in HOSTS.iter().enumerate() {
            let hidden_by = HOSTS[..at].iter().find(|(earlier, _)| is_at(end, earlier));
            assert!(hidden_by.is_none(), "{end} is hidden by {hidden_by:?}");
        }
    }
}
