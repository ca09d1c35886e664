//! What AWS has seen, judged from the outside: one oracle for every test that plays
//! long histories.

pub(crate) mod deployments;
pub(crate) mod runs;
