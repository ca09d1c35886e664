//! Recorded events: read from files, parsed as the functions parse them, and kept
//! small, in the order in which they came.

mod files;
mod progress;
mod recording;
mod span;
mod told;

pub(crate) use self::recording::{
    AlarmTold, ObjectTold, Recorded, Recording, Statuses, What, read,
};
