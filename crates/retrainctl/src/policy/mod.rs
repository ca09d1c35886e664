//! `retrainctl policy`: policies in files, before they are stored where the controller reads
//! them.

pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod example;
mod meaning;
mod place;
pub(crate) mod schema;
