//! Reports of SageMaker Clarify about bias (`analysis.json`).

use alloc::format;
use alloc::string::{String, ToString};

use super::evidence::{Document, Found};
use super::number::Number;
use super::report::Json;
use super::text::quoted;

/// The parts of a report that hold bias metrics.
const SECTIONS: [&str; 2] = ["pre_training_bias_metrics", "post_training_bias_metrics"];

/// How far the metric is from parity, where it is farthest: over all reports, sections,
/// facets and values of facets.
///
/// Whatever could hide a worse value makes it unknown: a report or row that cannot be
/// read, a null, a row without the metric beside rows that have it.
pub(super) fn farthest(reports: &[Document], metric: &str) -> Result<Found, String> {
    let mut farthest: Option<Found> = None;
    let mut named = false;
    for report in reports {
        let json = report.json.as_ref().map_err(|why| report.says(why))?;
        let Some(json) = json else { continue };
        named = true;
        for section in SECTIONS {
            let found = in_section(json, section, metric).map_err(|why| report.says(&why))?;
            farthest = farther(farthest, found);
        }
    }
    farthest.ok_or_else(|| {
        if named {
            format!("no bias report has a metric named {metric}")
        } else {
            "the package names no bias report".into()
        }
    })
}

fn farther(one: Option<Found>, other: Option<Found>) -> Option<Found> {
    match (one, other) {
        (Some(one), Some(other)) if other.value > one.value => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

fn in_section(report: &Json, section: &str, metric: &str) -> Result<Option<Found>, String> {
    let shape = |what: &str| format!("is no analysis of Clarify: {section} {what}");
    let report = report
        .as_map()
        .ok_or_else(|| "is no analysis of Clarify: it is not an object".to_string())?;
    let Some(section_json) = report.get(section) else {
        return Ok(None);
    };
    let facets = section_json
        .as_map()
        .and_then(|section| section.get("facets"))
        .and_then(Json::as_map)
        .ok_or_else(|| shape("has no object of facets"))?;
    let mut farthest = None;
    let mut without = None;
    for (facet, rows) in facets {
        let rows = rows
            .as_list()
            .ok_or_else(|| shape(&format!("has no list for facet {}", quoted(facet))))?;
        for row in rows {
            let place = place(section, facet, row);
            match in_row(row, metric).map_err(|why| format!("{why} for {place}"))? {
                Some(value) => farthest = farther(farthest, Some(Found { value, at: place })),
                None => without = Some(place),
            }
        }
    }
    match (&farthest, without) {
        (Some(_), Some(place)) => Err(format!("has no {metric} for {place}, but for others")),
        _ => Ok(farthest),
    }
}

/// Which facet and which of its values a row is about.
fn place(section: &str, facet: &str, row: &Json) -> String {
    let value = row
        .as_map()
        .and_then(|row| row.get("value_or_threshold"))
        .and_then(Json::as_text)
        .unwrap_or("?");
    format!("{section} {}={}", quoted(facet), quoted(value))
}

/// The metric's distance from parity in one row, `None` if the row does not have it.
fn in_row(row: &Json, metric: &str) -> Result<Option<Number>, String> {
    let metrics = row
        .as_map()
        .and_then(|row| row.get("metrics"))
        .and_then(Json::as_list)
        .ok_or("has no list of metrics")?;
    let mut farthest = None;
    for entry in metrics {
        let entry = entry.as_map().ok_or("has a metric that is not an object")?;
        let name = entry
            .get("name")
            .and_then(Json::as_text)
            .ok_or("has a metric without a name")?;
        if name != metric {
            continue;
        }
        let value = entry.get("value").unwrap_or(&Json::Null);
        let value = value.number().map_err(|why| {
            let error = entry.get("error").and_then(Json::as_text);
            let error = error.map(|error| format!(" ({})", quoted(error)));
            format!("has a {metric} that {why}{}", error.unwrap_or_default())
        })?;
        let distance = from_parity(metric, value)
            .ok_or_else(|| format!("has a {metric} of {value}, which is too large"))?;
        farthest = farthest.max(Some(distance));
    }
    Ok(farthest)
}

/// Bias metrics are differences, best at 0, except disparate impact, a ratio that is
/// best at 1.
fn from_parity(metric: &str, value: Number) -> Option<Number> {
    let difference = if metric == "DI" {
        value.minus(Number::ONE)?
    } else {
        value
    };
    Some(difference.abs())
}
