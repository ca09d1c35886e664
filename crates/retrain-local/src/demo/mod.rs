//! A day in the life of one model, played through the real function.

mod paint;
mod stage;
mod story;

use std::error::Error;
use std::io::Write;

use self::paint::Paint;
use self::stage::Stage;

/// Anything that goes wrong.
type Problem = Box<dyn Error + Send + Sync>;

/// Plays the day and writes its timeline. The same day gives the same text.
pub async fn play(out: impl Write, colours: bool) -> Result<(), Problem> {
    let mut stage = Stage::set(out, Paint::new(colours)).await?;
    Box::pin(story::tell(&mut stage)).await
}
