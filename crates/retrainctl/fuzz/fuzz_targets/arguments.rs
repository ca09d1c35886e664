//! Any command line, one argument a line: durations, dates, prices, counts, names.
#![no_main]

use clap::Parser as _;
use libfuzzer_sys::fuzz_target;
use retrainctl::cli::Cli;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // It is only read: some commands write files.
    let arguments = ["retrainctl"].into_iter().chain(text.lines());
    if let Err(error) = Cli::try_parse_from(arguments) {
        assert!(!error.to_string().is_empty());
    }
});
