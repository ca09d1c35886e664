//! `retrainctl policy check`: what is wrong with policies, and where.

use std::collections::BTreeMap;
use std::io::Write;

use retrain_core::names::ModelName;
use retrain_core::policy::{Policy, PolicyError};
use serde::Serialize;
use serde_json::Value;

use super::place::{Place, Places};
use crate::cli::CheckArgs;
use crate::exit::{Exit, Failure};
use crate::policies::{PolicyFile, files, set};
use crate::words::several;

/// How many errors of one document are looked for.
const MOST: usize = 20;

/// The longest value of a parameter, by Parameter Store's tiers.
const STANDARD_CHARACTERS: usize = 4_096;
const ADVANCED_CHARACTERS: usize = 8_192;

/// Something about a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    file: String,
    line: usize,
    column: usize,
    severity: Severity,
    /// The path of the field, `.` for the document itself.
    field: String,
    reason: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    /// The functions would refuse the policy.
    Error,
    /// They would take it.
    Warning,
}

/// Checks all policies that the paths name, alone and together.
pub(crate) fn run(
    args: &CheckArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for path in &args.paths {
        all.extend(files(path)?);
    }
    let findings = findings(&all);
    let of = |severity| findings.iter().filter(move |of| of.severity == severity);
    let errors = of(Severity::Error).count();
    if args.json {
        crate::words::json(&findings, out)?;
    } else {
        for finding in &findings {
            writeln!(out, "{}", text(finding))?;
        }
    }
    writeln!(
        err,
        "{} checked: {}, {}",
        several(all.len() as u64, "file"),
        several(errors as u64, "error"),
        several(of(Severity::Warning).count() as u64, "warning")
    )?;
    Ok(if errors == 0 { Exit::Done } else { Exit::No })
}

fn text(finding: &Finding) -> String {
    let Finding {
        file,
        line,
        column,
        severity,
        field,
        reason,
    } = finding;
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{file}:{line}:{column}: {severity}: {field}: {reason}")
}

/// What makes the functions refuse these policies, a line each.
#[cfg(feature = "aws")]
pub(crate) fn refusals(files: &[PolicyFile]) -> Vec<String> {
    let findings = findings(files);
    let errors = findings.iter().filter(|of| of.severity == Severity::Error);
    errors.map(text).collect()
}

fn findings(files: &[PolicyFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut owners: BTreeMap<&str, &PolicyFile> = BTreeMap::new();
    let mut sound = Vec::new();
    for file in files {
        let mut own = of_document(file);
        if let Err(error) = ModelName::parse(file.model.as_str()) {
            own.push(at_head(file, format!("the file's name: {error}")));
        }
        if let Some(other) = owners.insert(&file.model, file) {
            let other = other.path.display();
            own.push(at_head(file, format!("{other} is of the same model")));
        }
        if own.iter().all(|of| of.severity == Severity::Warning) {
            sound.push(file.clone());
        }
        findings.extend(own);
    }
    // What is left can only be wrong together with others.
    for invalid in set(&sound).invalid() {
        if let Some(file) = sound.iter().find(|file| file.model == invalid.name) {
            let places = Places::of(&file.text);
            findings.push(finding(file, &places, &invalid.error));
        }
    }
    findings
}

/// What is wrong with one document by itself.
fn of_document(file: &PolicyFile) -> Vec<Finding> {
    let places = Places::of(&file.text);
    let mut findings: Vec<Finding> = errors(&file.text)
        .iter()
        .map(|error| finding(file, &places, error))
        .collect();
    let length = file.text.chars().count();
    if length > STANDARD_CHARACTERS {
        let mut long = at_head(
            file,
            format!(
                "{length} characters: Parameter Store takes {STANDARD_CHARACTERS}, in its advanced tier {ADVANCED_CHARACTERS}"
            ),
        );
        if length <= ADVANCED_CHARACTERS {
            long.severity = Severity::Warning;
        }
        findings.push(long);
    }
    // As a person reads the document, not as the parser does.
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings
}

fn at_head(file: &PolicyFile, reason: String) -> Finding {
    Finding {
        file: file.path.display().to_string(),
        line: 1,
        column: 1,
        severity: Severity::Error,
        field: ".".to_owned(),
        reason,
    }
}

fn finding(file: &PolicyFile, places: &Places, error: &PolicyError) -> Finding {
    let (reason, told) = without_place(&error.reason);
    let (field, reason) = match unknown_field(reason) {
        Some(name) => (below(&error.field, name), no_such_field(name, reason)),
        None => (error.field.clone(), reason.to_owned()),
    };
    let is_syntax = serde_json::from_str::<Value>(&file.text).is_err();
    let (field, place) = match told {
        // What is no JSON has no fields.
        Some(told) if is_syntax => (".".to_owned(), told),
        _ => {
            let place = places.of_field(&file.text, &field);
            (field, place)
        }
    };
    Finding {
        file: file.path.display().to_string(),
        line: place.line,
        column: place.column,
        severity: Severity::Error,
        field,
        reason,
    }
}

/// All errors of a document that can be found at once: a misspelt field is read as what
/// it seems to mean, any other that is wrong is left out, and the rest is read again.
fn errors(text: &str) -> Vec<PolicyError> {
    let mut errors: Vec<PolicyError> = Vec::new();
    let mut document: Option<Value> = serde_json::from_str(text).ok();
    let mut next = Policy::parse(text).err();
    while let Some(error) = next.take() {
        let (reason, _) = without_place(&error.reason);
        let (path, meant) = match unknown_field(reason) {
            Some(name) => (below(&error.field, name), alike(name, reason)),
            None => (error.field.clone(), None),
        };
        let meant = meant.map(str::to_owned);
        // A field is missing because it was wrong, or the same error comes again.
        let is_echo = errors.iter().any(|known| {
            let leaf = known.field.rsplit('.').next().unwrap_or_default();
            *known == error || reason == format!("missing field `{leaf}`")
        });
        if is_echo {
            break;
        }
        errors.push(error);
        let removed = document
            .as_mut()
            .is_some_and(|document| mend(document, &path, meant));
        if removed && errors.len() < MOST {
            let rest = document.as_ref().map(Value::to_string).unwrap_or_default();
            next = Policy::parse(&rest).err();
        }
    }
    errors
}

/// Takes a field out of a document, or gives it the name that it was meant to have. An
/// entry of a list stays: the others would get other places.
fn mend(document: &mut Value, path: &str, meant: Option<String>) -> bool {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parts = parent.split(['.', '[']).filter(|part| !part.is_empty());
    let pointer = parts.fold(String::new(), |pointer, part| {
        pointer + "/" + part.trim_end_matches(']')
    });
    let fields = document
        .pointer_mut(&pointer)
        .and_then(Value::as_object_mut);
    let Some((fields, value)) = fields.and_then(|fields| {
        let value = fields.remove(name)?;
        Some((fields, value))
    }) else {
        return false;
    };
    if let Some(meant) = meant {
        fields.entry(meant).or_insert(value);
    }
    true
}

fn below(path: &str, name: &str) -> String {
    let is_there = path == name || path.ends_with(&format!(".{name}"));
    match path {
        "." => name.to_owned(),
        path if is_there => path.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// A reason without serde's `at line 1 column 2`, and that place.
fn without_place(reason: &str) -> (&str, Option<Place>) {
    let split = || {
        let (reason, place) = reason.rsplit_once(" at line ")?;
        let (line, column) = place.split_once(" column ")?;
        let line = line.parse().ok()?;
        let column = column.parse().ok()?;
        Some((reason, Some(Place { line, column })))
    };
    split().unwrap_or((reason, None))
}

/// The name of a field that there is not.
fn unknown_field(reason: &str) -> Option<&str> {
    reason.strip_prefix("unknown field `")?.split('`').next()
}

/// The names that there are, as serde lists them after the one that there is not.
fn known_fields(reason: &str) -> impl Iterator<Item = &str> {
    reason.split('`').skip(3).step_by(2)
}

/// The field that is probably meant.
fn alike<'a>(name: &str, reason: &'a str) -> Option<&'a str> {
    known_fields(reason)
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, known)| known)
}

fn no_such_field(name: &str, reason: &str) -> String {
    let known: Vec<&str> = known_fields(reason).collect();
    match (alike(name, reason), known.as_slice()) {
        (Some(alike), _) => format!("there is no such field; did you mean `{alike}`?"),
        (None, []) => "there is no such field".to_owned(),
        (None, known) => format!("there is no such field; there are: {}", known.join(", ")),
    }
}

/// How many characters must be put in, taken out or changed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.chars().enumerate() {
        let mut last = i;
        let mut next = vec![i + 1];
        for (of_b, above) in b.iter().zip(row.iter().skip(1)) {
            let changed = last + usize::from(of_a != *of_b);
            let beside = next.last().copied().unwrap_or_default();
            next.push(changed.min(above + 1).min(beside + 1));
            last = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let file = PolicyFile {
            path: PathBuf::from("m.json"),
            model: "m".to_owned(),
            text: text.to_owned(),
        };
        findings(&[file]).iter().map(super::text).collect()
    }

    #[test]
    fn every_wrong_field_is_found_at_its_place() {
        let text = r#"{
  "pipeline": { "name": "p" },
  "min_intervall": "6h",
  "min_interval": "6 hours",
  "budget": { "starts": 0, "window": "1d", "what": 1 },
  "mode": "observes"
}"#;
        let found = found(text);
        let expected = [
            "m.json:3:3: error: min_intervall: there is no such field; did you mean `min_interval`?",
            "m.json:4:3: error: min_interval: ",
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
        insta::assert_snapshot!(found.join("\n"));
    }

    #[test]
    fn a_document_that_is_no_json_is_told_by_its_place() {
        insta::assert_snapshot!(
            found("{\n  \"pipeline\": { \"name\": \"p\" },\n  \"min_interval\": \"6h\",\n}").join("\n"),
            @"m.json:4:1: error: .: trailing comma"
        );
    }

    #[test]
    fn a_long_document_needs_the_advanced_tier() {
        let policy = |length: usize| {
            let policy = r#"{"pipeline": {"name": "p"}, "min_interval": "6h"}"#;
            found(&format!("{policy}{}", " ".repeat(length - policy.len())))
        };
        assert_eq!(policy(4_096), [""; 0]);
        assert!(policy(4_097)[0].contains("warning: "));
        assert!(policy(8_192)[0].contains("warning: "));
        assert!(policy(8_193)[0].contains("error: "));
    }

    #[test]
    fn a_name_is_as_far_from_another_as_it_takes_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("ab", "ab"), 0);
    }
}
