//! `retrainctl policy new`: an example to begin with.
//!
//! JSON has no comments, and Parameter Store's documents are JSON. So the document
//! goes to standard output, and what its fields mean to standard error.

use std::io::Write;

use retrain_core::names::ModelName;
use serde_json::Value;

use super::schema::Schema;
use crate::cli::NewArgs;
use crate::exit::{Exit, Failure};

const EXAMPLE: &str = include_str!("example.json");

/// The model of the example.
const MODEL: &str = "MODEL";

pub(crate) fn run(
    args: &NewArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    ModelName::parse(args.model.as_str()).map_err(|error| Failure::Usage(error.to_string()))?;
    let policy = EXAMPLE.replace(MODEL, &args.model);
    write!(out, "{policy}")?;
    if !args.quiet {
        let document: Value = serde_json::from_str(&policy).map_err(std::io::Error::from)?;
        writeln!(
            err,
            "What the fields mean (docs/POLICY.md tells all that there are):\n"
        )?;
        explain(&Schema::of_policy(), &document, "", err)?;
        writeln!(
            err,
            "\nWrite it to {0}.json, change it, and try it:\n  retrainctl policy check {0}.json\n  retrainctl simulate EVENTS --policies {0}.json",
            args.model
        )?;
    }
    Ok(Exit::Done)
}

/// A line for each field that has a sentence of its own.
fn explain(schema: &Schema, value: &Value, path: &str, err: &mut dyn Write) -> Result<(), Failure> {
    for (name, below) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        if let Some(sentence) = schema.sentence(&path) {
            writeln!(err, "  {path}: {sentence}")?;
        }
        if name != "parameters" {
            explain(schema, below, &path, err)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use retrain_core::policy::Policy;

    use super::*;

    #[test]
    fn the_example_is_a_policy_and_every_field_of_it_is_explained() {
        let args = NewArgs {
            model: "churn".to_owned(),
            quiet: false,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run(&args, &mut out, &mut err).unwrap();
        let policy = String::from_utf8(out).unwrap();
        Policy::parse(&policy).unwrap();
        let told = String::from_utf8(err).unwrap();
        let document: Value = serde_json::from_str(&policy).unwrap();
        for name in document.as_object().unwrap().keys() {
            assert!(told.contains(&format!("\n  {name}: ")), "{name}");
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let args = NewArgs {
            model: "a/b".to_owned(),
            quiet: true,
        };
        let refused = run(&args, &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert_eq!(refused.exit(), Exit::Usage);
    }
}
