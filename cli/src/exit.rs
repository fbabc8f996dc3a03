//! Exit codes: what a script may rely on.

use std::{
    error::Error,
    fmt,
    io::{self, Write},
    process::ExitCode,
};

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something was found and shown.
    Found = 0,
    /// The journal was read, and there was nothing to show.
    NothingFound = 1,
    /// `status` found something that needs attention.
    Findings = 2,
    /// Something could not be read, so the answer is not whole.
    CouldNotRun = 3,
    /// The command line made no sense. Not clap's own 2, which stands for findings.
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What could not be done, and what to try.
#[derive(Debug)]
pub(crate) struct Hinted {
    pub(crate) what: String,
    pub(crate) hint: &'static str,
}

impl fmt::Display for Hinted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl Error for Hinted {}

/// Prints why the command could not run, and the hint where there is one.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    if is_closed_pipe(error) {
        return Exit::Found;
    }
    let mut text = format!("error: {error:#}\n");
    if let Some(Hinted { hint, .. }) = error.downcast_ref() {
        text.extend(["hint: ", hint, "\n"]);
    }
    // Nobody is left to tell where this fails too.
    let _ = io::stderr().write_all(text.as_bytes());
    Exit::CouldNotRun
}

/// Prints what clap has to say, help or complaint, and returns how to end.
pub(crate) fn of_usage(told: &clap::Error) -> Exit {
    match told.print() {
        _ if told.use_stderr() => Exit::Usage,
        _ => Exit::Found,
    }
}

/// Says whether whoever read our output went away, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes.any(is_closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_what_scripts_were_promised() {
        let codes = [
            (Exit::Found, 0),
            (Exit::NothingFound, 1),
            (Exit::Findings, 2),
            (Exit::CouldNotRun, 3),
            (Exit::Usage, 64),
        ];
        for (exit, code) in codes {
            assert_eq!(exit as u8, code);
        }
    }

    #[test]
    fn a_closed_pipe_is_seen_through_context() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(is_closed_pipe(&closed.context("printing")));
        let other = anyhow::Error::from(io::Error::from(io::ErrorKind::NotFound));
        assert!(!is_closed_pipe(&other));
    }
}
