//! What a model package shows of itself.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::bias;
use super::metric::{Metric, Pointer};
use super::number::Number;
use super::report::{Json, Report};
use super::text::quoted;

/// What a model package shows of itself: its `ModelMetrics` and custom metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `ModelMetrics.ModelQuality.Statistics`.
    pub evaluation: Report,
    /// `ModelMetrics.Bias.Report`.
    pub bias: Report,
    /// `ModelMetrics.Bias.PreTrainingReport`.
    pub pre_training_bias: Report,
    /// `ModelMetrics.Bias.PostTrainingReport`.
    pub post_training_bias: Report,
    /// `ModelMetrics.Explainability.Report`.
    pub explainability: Report,
    /// `CustomerMetadataProperties`.
    pub metadata: BTreeMap<String, String>,
}

/// A metric's value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) value: Number,
    pub(super) at: String,
}

/// One report, parsed: `None` if the package names none, or why it cannot be read.
pub(super) struct Document {
    pub(super) name: &'static str,
    pub(super) json: Result<Option<Json>, String>,
}

/// The evidence, parsed once for all conditions.
pub(super) struct Documents<'a> {
    evaluation: Document,
    bias: [Document; 3],
    explainability: Document,
    metadata: &'a BTreeMap<String, String>,
}

/// The keys of an evaluation report under which its metrics are, by the kind of model.
const KINDS: [&str; 3] = [
    "binary_classification_metrics",
    "multiclass_classification_metrics",
    "regression_metrics",
];

impl Document {
    fn of(name: &'static str, report: &Report) -> Self {
        Self {
            name,
            json: report.document(),
        }
    }

    /// The document, which must be there.
    fn required(&self) -> Result<&Json, String> {
        match &self.json {
            Ok(Some(json)) => Ok(json),
            Ok(None) => Err(format!("the package names no {}", self.name)),
            Err(why) => Err(self.says(why)),
        }
    }

    /// A sentence about the document.
    pub(super) fn says(&self, what: &str) -> String {
        format!("the {} {what}", self.name)
    }

    /// The number at the pointer.
    fn number_at(&self, pointer: &Pointer) -> Result<Found, String> {
        let json = self.required()?;
        let part = json.at(pointer).map_err(|why| self.says(&why))?;
        let value = part
            .number()
            .map_err(|why| format!("{pointer} in the {} {why}", self.name))?;
        Ok(Found {
            value,
            at: pointer.to_string(),
        })
    }
}

impl<'a> Documents<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        Self {
            evaluation: Document::of("evaluation report", &evidence.evaluation),
            bias: [
                Document::of("bias report", &evidence.bias),
                Document::of("pre-training bias report", &evidence.pre_training_bias),
                Document::of("post-training bias report", &evidence.post_training_bias),
            ],
            explainability: Document::of("explainability report", &evidence.explainability),
            metadata: &evidence.metadata,
        }
    }

    /// The metric's value, or why there is none.
    pub(super) fn find(&self, metric: &Metric) -> Result<Found, String> {
        match metric {
            Metric::Named(name) => self.named(name),
            Metric::Evaluation(pointer) => self.evaluation.number_at(pointer),
            Metric::Bias(name) => bias::farthest(&self.bias, name),
            Metric::Explainability(pointer) => self.explainability.number_at(pointer),
            Metric::Metadata(key) => self.in_metadata(key),
        }
    }

    /// The metric of that name, under whichever kind of model the report is about.
    fn named(&self, name: &str) -> Result<Found, String> {
        let report = self.evaluation.required()?;
        let having: Vec<&str> = KINDS
            .into_iter()
            .filter(|kind| report.at(&Pointer::to([kind, name])).is_ok())
            .collect();
        match having.as_slice() {
            [kind] => self
                .evaluation
                .number_at(&Pointer::to([kind, name, "value"])),
            [] => Err(self.evaluation.says(&format!("has no metric named {name}"))),
            several => Err(self.evaluation.says(&format!(
                "has {name} more than once: in {}",
                several.join(", ")
            ))),
        }
    }

    fn in_metadata(&self, key: &str) -> Result<Found, String> {
        let text = self
            .metadata
            .get(key)
            .ok_or_else(|| format!("the package has no metadata {}", quoted(key)))?;
        let value = Number::parse(text).ok_or_else(|| {
            let (key, text) = (quoted(key), quoted(text));
            format!("the package's metadata {key} is {text}, not a number")
        })?;
        Ok(Found {
            value,
            at: format!("metadata {key}"),
        })
    }
}
