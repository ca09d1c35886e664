//! How much is read and kept.

/// Bounds on what one object may cost. None of them is reached by an ordinary object; an
/// object that reaches one is left uncounted, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest object that is streamed (CSV, JSON Lines), as it is stored.
    pub max_object_bytes: u64,
    /// The longest text that an object may decompress to.
    pub max_decompressed_bytes: u64,
    /// How many times longer than what it was made from a text may be. The first MiB of
    /// text is free.
    pub max_ratio: u64,
    /// The largest window of a zstd frame, as a power of two. This much memory is taken.
    pub max_window_log: u32,
    /// The longest footer of a Parquet or ORC file. It is streamed, not kept.
    pub max_footer_bytes: u64,
    /// The largest compression block of an ORC file. Twice this much memory is taken.
    pub max_block_bytes: usize,
    /// The longest manifest, after decompression. It is kept while it is read.
    pub max_manifest_bytes: usize,
    /// How many objects of a SageMaker manifest are counted. Each costs a request or two.
    pub max_manifest_objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_object_bytes: 4 << 30,
            max_decompressed_bytes: 16 << 30,
            max_ratio: 250,
            max_window_log: 23,
            max_footer_bytes: 64 << 20,
            max_block_bytes: 1 << 20,
            max_manifest_bytes: 4 << 20,
            max_manifest_objects: 1_000,
        }
    }
}
