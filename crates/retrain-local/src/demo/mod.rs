//! Three days in the life of one model, played through the real functions.

pub(crate) mod paint;
mod release;
mod stage;
mod story;

use std::error::Error;
use std::io::Write;

use self::paint::Paint;
use self::stage::Stage;

/// Anything that goes wrong.
type Problem = Box<dyn Error + Send + Sync>;

/// Plays the days and writes their timeline. The same days give the same text.
pub async fn play(out: impl Write, colours: bool) -> Result<(), Problem> {
    let mut stage = Stage::set(out, Paint::new(colours)).await?;
    Box::pin(story::tell(&mut stage)).await
}
