//! The recorded provider traffic that lies in this repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// One recorded exchange.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What `index.json` says about it.
    pub index: Value,
    /// The request's body, where it was kept.
    pub request: Option<Vec<u8>>,
    /// The response's body.
    pub response: Vec<u8>,
    /// Whether the provider falls silent after it, and never ends it.
    pub is_stalled: bool,
}

impl Recording {
    /// Reads a recording by its id.
    ///
    /// # Errors
    /// Where the files cannot be read; `NotFound` for an unknown id.
    pub fn read(id: &str) -> io::Result<Self> {
        let file = |name: &str| fs::read(folder().join(name));
        let index: Value = serde_json::from_slice(&file("index.json")?)?;
        let fixtures = index["fixtures"].as_array().into_iter().flatten();
        let entry = fixtures
            .into_iter()
            .find(|entry| entry["id"] == id)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, id.to_owned()))?;
        let name = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let request = entry["request_file"].as_str().map(file).transpose()?;
        Ok(Self {
            request,
            response: file(&name("response_file"))?,
            index: entry.clone(),
            is_stalled: false,
        })
    }

    /// Returns the ids of all recordings, in the index's order.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub fn ids() -> io::Result<Vec<String>> {
        let index: Value = serde_json::from_slice(&fs::read(folder().join("index.json"))?)?;
        let fixtures = index["fixtures"].as_array().into_iter().flatten();
        let ids = fixtures.filter_map(|entry| entry["id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// Returns the model that was asked for.
    pub fn request_model(&self) -> &str {
        let expected = &self.index["expected"];
        let models = [&expected["request_model"], &expected["response_model"]];
        models.into_iter().find_map(Value::as_str).unwrap_or("m")
    }

    /// Returns the first half of a response, after which nothing comes.
    #[must_use]
    pub fn stalled(mut self) -> Self {
        self.response.truncate(self.response.len() / 2);
        self.is_stalled = true;
        self
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/testdata/provider-traffic")
}
