//! The reference loop of `examples/fraud-detection`, played with its real scripts: a model is
//! trained, drifts, is retrained, judged and deployed.

mod drift;
mod release;
mod scripts;
mod stage;
mod story;
mod training;
mod tuning;

use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use self::scripts::Scripts;
use self::stage::Stage;
use crate::demo::paint::Paint;

/// Anything that goes wrong, also a promise that was not kept.
type Problem = Box<dyn Error + Send + Sync>;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// Three weeks of the whole loop.
    Loop,
    /// The first model, by the variant of the pipeline that tunes.
    Tuning,
}

/// Plays the loop and writes its timeline. `python` has the example's requirements.
pub async fn play(
    what: Play,
    out: impl Write,
    colours: bool,
    python: OsString,
) -> Result<(), Problem> {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/fraud-detection");
    let scripts = Scripts::new(python, example.canonicalize()?)?;
    let definition = match what {
        Play::Loop => "pipeline/definition.json",
        Play::Tuning => "pipeline/definition-tuning.json",
    };
    let mut stage = Stage::set(out, Paint::new(colours), scripts, definition).await?;
    match what {
        Play::Loop => Box::pin(story::tell(&mut stage)).await,
        Play::Tuning => Box::pin(tuning::tell(&mut stage)).await,
    }
}

/// An error with these words, unless it holds.
fn ensure(holds: bool, otherwise: &str) -> Result<(), Problem> {
    if holds {
        return Ok(());
    }
    Err(otherwise.into())
}
