//! Writes a sample month of events to standard output, as JSON Lines:
//!
//! ```sh
//! cargo run -p retrainctl --example month | gzip -n9 > events/month.jsonl.gz
//! ```
//!
//! With a number, it is a month of so many models.

mod generate;

use std::error::Error;
use std::io::{BufWriter, stdout};

fn main() -> Result<(), Box<dyn Error>> {
    let models = match std::env::args().nth(1) {
        Some(number) => generate::many(number.parse()?),
        None => generate::sample(),
    };
    let from = "2026-01-01T00:00:00Z".parse()?;
    let mut out = BufWriter::new(stdout().lock());
    generate::write(&models, from, 30, 1, &mut out)?;
    Ok(())
}
