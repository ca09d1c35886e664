//! Manifests.

#![no_main]

mod object;

use libfuzzer_sys::fuzz_target;
use retrain_objects::Format;

fuzz_target!(|bytes: &[u8]| {
    object::count_in_chunks(bytes, Format::RedshiftManifest { header: true });
    object::count_in_chunks(bytes, Format::SageMakerManifest { csv_header: true });
});
