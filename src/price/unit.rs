//! What is priced, and how much of it a call used.
//!
//! Promise: every token is in exactly one unit; one without a price of its own falls to a unit that contains it.
//! Not here: the prices (`table`), the sum (`cost`).
//!
//! Tokens of which nobody said a modality count as text. Units that no provider reports (hours, pixels, pages, ...)
//! are read and shown, and never charged: a model that is priced by them alone has no cost.
//!
//! # Source
//! The JSON Schema of genai-prices v2, `ModelPrice`; the last unit is ours.

use crate::{operation::Usage, provider::MediaTokens};

/// One line for each unit: its name in the table and in the record, how many the price is for, and the units that are
/// charged for it where it has no price, the nearest first.
macro_rules! units {
    ($($unit:ident $name:literal $per:literal [$($container:ident)*],)+) => {
        /// A priced unit of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Unit { $($unit),+ }

        /// All units, in the order in which prices are listed.
        pub(crate) const UNITS: &[Unit] = &[$(Unit::$unit),+];

        impl Unit {
            /// Returns the member's name in the table and in the record.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$unit => $name),+ }
            }

            /// Returns how many of it the price is for, a power of ten.
            pub(crate) const fn per_price(self) -> u32 {
                match self { $(Self::$unit => $per),+ }
            }

            /// Returns the units that are charged for this one where this one has no price.
            pub(crate) const fn containers(self) -> &'static [Self] {
                match self { $(Self::$unit => &[$(Self::$container),*]),+ }
            }
        }
    };
}

units! {
    Input "input_mtok" 1_000_000 [],
    InputText "input_text_mtok" 1_000_000 [Input],
    CacheRead "cache_read_mtok" 1_000_000 [Input],
    CacheTextRead "cache_text_read_mtok" 1_000_000 [CacheRead InputText Input],
    CacheWrite "cache_write_mtok" 1_000_000 [Input],
    CacheTextWrite "cache_text_write_mtok" 1_000_000 [CacheWrite InputText Input],
    CacheWrite5m "cache_write_5m_mtok" 1_000_000 [CacheWrite Input],
    CacheTextWrite5m "cache_text_write_5m_mtok" 1_000_000 [CacheWrite5m CacheTextWrite CacheWrite InputText Input],
    CacheWrite1h "cache_write_1h_mtok" 1_000_000 [CacheWrite Input],
    CacheTextWrite1h "cache_text_write_1h_mtok" 1_000_000 [CacheWrite1h CacheTextWrite CacheWrite InputText Input],
    InputAudio "input_audio_mtok" 1_000_000 [Input],
    CacheAudioRead "cache_audio_read_mtok" 1_000_000 [CacheRead InputAudio Input],
    CacheAudioWrite "cache_audio_write_mtok" 1_000_000 [CacheWrite InputAudio Input],
    CacheAudioWrite5m "cache_audio_write_5m_mtok" 1_000_000 [CacheAudioWrite],
    CacheAudioWrite1h "cache_audio_write_1h_mtok" 1_000_000 [CacheAudioWrite],
    InputImage "input_image_mtok" 1_000_000 [Input],
    CacheImageRead "cache_image_read_mtok" 1_000_000 [CacheRead InputImage Input],
    CacheImageWrite "cache_image_write_mtok" 1_000_000 [CacheWrite InputImage Input],
    CacheImageWrite5m "cache_image_write_5m_mtok" 1_000_000 [CacheImageWrite],
    CacheImageWrite1h "cache_image_write_1h_mtok" 1_000_000 [CacheImageWrite],
    InputVideo "input_video_mtok" 1_000_000 [Input],
    CacheVideoRead "cache_video_read_mtok" 1_000_000 [CacheRead InputVideo Input],
    CacheVideoWrite "cache_video_write_mtok" 1_000_000 [CacheWrite InputVideo Input],
    CacheVideoWrite5m "cache_video_write_5m_mtok" 1_000_000 [CacheVideoWrite],
    CacheVideoWrite1h "cache_video_write_1h_mtok" 1_000_000 [CacheVideoWrite],
    InputTool "input_tool_mtok" 1_000_000 [Input],
    InputTextTool "input_text_tool_mtok" 1_000_000 [InputTool],
    InputAudioTool "input_audio_tool_mtok" 1_000_000 [InputTool],
    InputImageTool "input_image_tool_mtok" 1_000_000 [InputTool],
    InputVideoTool "input_video_tool_mtok" 1_000_000 [InputTool],
    Output "output_mtok" 1_000_000 [],
    OutputText "output_text_mtok" 1_000_000 [Output],
    OutputReasoning "output_reasoning_mtok" 1_000_000 [Output],
    OutputTextReasoning "output_text_reasoning_mtok" 1_000_000 [OutputReasoning OutputText Output],
    OutputAudio "output_audio_mtok" 1_000_000 [Output],
    OutputAudioReasoning "output_audio_reasoning_mtok" 1_000_000 [OutputAudio],
    OutputImage "output_image_mtok" 1_000_000 [Output],
    OutputImageReasoning "output_image_reasoning_mtok" 1_000_000 [OutputImage],
    OutputVideo "output_video_mtok" 1_000_000 [Output],
    OutputVideoReasoning "output_video_reasoning_mtok" 1_000_000 [OutputVideo],
    OutputCitation "output_citation_mtok" 1_000_000 [Output],
    OutputTextCitation "output_text_citation_mtok" 1_000_000 [OutputCitation Output],
    OutputAudioCitation "output_audio_citation_mtok" 1_000_000 [OutputCitation],
    OutputImageCitation "output_image_citation_mtok" 1_000_000 [OutputCitation],
    OutputVideoCitation "output_video_citation_mtok" 1_000_000 [OutputCitation],
    WebSearches "web_searches_kcount" 1_000 [],
    SocialSearches "social_searches_kcount" 1_000 [],
    StorageSearches "storage_searches_kcount" 1_000 [],
    RerankSearches "rerank_searches_kcount" 1_000 [],
    CodeExecutions "code_executions_kcount" 1_000 [],
    Requests "requests_kcount" 1_000 [],
    InputTextMessages "input_text_messages_kcount" 1_000 [],
    InputDocuments "input_document_kpages" 1_000 [],
    InputAnnotatedDocuments "input_annotated_document_kpages" 1_000 [],
    InputCharacters "input_mchars" 1_000_000 [],
    InputPixels "input_gpixels" 1_000_000_000 [],
    AudioHours "audio_hours" 1 [],
    InputAudioHours "input_audio_hours" 1 [],
    OutputAudioHours "output_audio_hours" 1 [],
    ThinkingExtra "thinking_extra_mtok" 1_000_000 [],
}

impl Unit {
    /// Returns the unit of a member's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        UNITS.iter().copied().find(|unit| unit.name() == name)
    }

    /// Says whether what is counted are tokens, which a tier or a region makes dearer or cheaper; fees stay.
    pub(crate) fn is_tokens(self) -> bool {
        self.name().ends_with("_mtok")
    }
}

/// What a call used beside what [`Usage`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    pub(crate) media: MediaTokens,
    /// Tokens of cited sources, which Perplexity counts outside the output.
    pub(crate) citation_tokens: u64,
    /// Searches of a reranking.
    pub(crate) rerank_searches: u64,
    /// Responses, for prices per request.
    pub(crate) responses: u64,
}

/// How many units a call can use at once.
const USED_MAX: usize = 19;

/// How much of each unit a call used, each token once.
///
/// `None` where subsets exceed what they are said to be part of: then the report contradicts itself.
pub(crate) fn quantities(usage: &Usage, extras: Extras) -> Option<[(Unit, u64); USED_MAX]> {
    let count = |tokens: Option<u64>| tokens.unwrap_or(0);
    let media = extras.media;
    let (read, write) = (
        count(usage.cache_read_tokens),
        count(usage.cache_write_tokens),
    );
    let write_1h = count(usage.cache_write_1h_tokens);
    let thinking = count(usage.thinking_tokens);
    let mut fresh = count(usage.input_tokens).checked_sub(read.checked_add(write)?)?;
    let (mut read, mut output) = (read, count(usage.output_tokens));
    // What is no text is taken out of what contains it; compatible hosts report more reasoning than output, and what
    // is charged then is the output.
    let take = |from: &mut u64, tokens: u64| {
        let taken = tokens.min(*from);
        *from -= taken;
        taken
    };
    let (audio_read, image_read) = (media.cache_read_audio, media.cache_read_image);
    let audio_fresh = count(media.input_audio).saturating_sub(count(audio_read));
    let image_fresh = count(media.input_image).saturating_sub(count(image_read));
    let audio_in = take(&mut fresh, audio_fresh);
    let image_in = take(&mut fresh, image_fresh);
    let video_in = take(&mut fresh, count(media.input_video));
    let audio_read = take(&mut read, count(audio_read));
    let image_read = take(&mut read, count(image_read));
    let reasoning = take(&mut output, thinking);
    let audio_out = take(&mut output, count(media.output_audio));
    let image_out = take(&mut output, count(media.output_image));
    let video_out = take(&mut output, count(media.output_video));
    Some([
        (Unit::InputText, fresh),
        (Unit::CacheTextRead, read),
        (Unit::CacheTextWrite5m, write.checked_sub(write_1h)?),
        (Unit::CacheTextWrite1h, write_1h),
        (Unit::InputAudio, audio_in),
        (Unit::CacheAudioRead, audio_read),
        (Unit::InputImage, image_in),
        (Unit::CacheImageRead, image_read),
        (Unit::InputVideo, video_in),
        (Unit::OutputText, output),
        (Unit::OutputTextReasoning, reasoning),
        (Unit::OutputAudio, audio_out),
        (Unit::OutputImage, image_out),
        (Unit::OutputVideo, video_out),
        (Unit::OutputTextCitation, extras.citation_tokens),
        (Unit::WebSearches, count(usage.web_searches)),
        (Unit::RerankSearches, extras.rerank_searches),
        (Unit::Requests, extras.responses),
        (Unit::ThinkingExtra, thinking),
    ])
}
