//! CSV, as it is or compressed.

#![no_main]

mod object;

use libfuzzer_sys::fuzz_target;
use retrain_objects::{DataFormat, Format};

fuzz_target!(|bytes: &[u8]| {
    object::count_in_chunks(bytes, Format::Data(DataFormat::Csv { header: true }));
});
