//! Prints the JSON Schema of a policy: `make schema`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    let schema = schemars::schema_for!(retrain_core::policy::Policy);
    writeln!(io::stdout(), "{:#}", schema.as_value())
}
