//! A tuning job: a training for each point of a grid, and the best of them.
//!
//! The other strategies draw from ranges, so that no two runs are the same. They are refused.

use serde_json::{Map, Value, json};

use super::expression::at;
use super::job::{Job, list, with};
use super::run::Stop;

/// A name has at most so many characters (botocore API model), so the pipeline shortens it.
const STEP_IN_NAME: usize = 7;

/// What is searched, and what is looked for.
struct Search {
    points: Vec<Map<String, Value>>,
    metric: String,
    /// What a training prints before its metric.
    before: String,
    is_higher_better: bool,
}

/// A training and what it has reached.
struct Trial {
    name: String,
    point: Map<String, Value>,
    value: f64,
}

/// Why the sandbox does not run the arguments of a tuning step.
pub(super) fn obstacle(arguments: &Value) -> Option<String> {
    search(arguments).err()
}

fn search(arguments: &Value) -> Result<Search, String> {
    const CONFIG: &str = "HyperParameterTuningJobConfig";
    let told = |path: &str| {
        let found = at(arguments, path).and_then(Value::as_str);
        found.ok_or_else(|| format!("{path} is missing"))
    };
    let strategy = told(&format!("{CONFIG}.Strategy"))?;
    if strategy != "Grid" {
        return Err(format!(
            "it searches by {strategy}, and only grids are here"
        ));
    }
    let ranges = at(arguments, &format!("{CONFIG}.ParameterRanges"));
    let ranges = ranges.and_then(Value::as_object);
    let kinds = ranges.into_iter().flatten().map(|(kind, _)| kind);
    if let Some(kind) = { kinds }.find(|kind| *kind != "CategoricalParameterRanges") {
        return Err(format!("a grid has no {kind}"));
    }
    let points = grid(list(
        arguments,
        &format!("{CONFIG}.ParameterRanges.CategoricalParameterRanges"),
    ))?;
    let most = at(
        arguments,
        &format!("{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs"),
    );
    if most.is_some_and(|most| *most != points.len()) {
        return Err(format!(
            "a grid of {} points is searched as a whole",
            points.len()
        ));
    }
    let metric = told(&format!(
        "{CONFIG}.HyperParameterTuningJobObjective.MetricName"
    ))?;
    let definitions = "TrainingJobDefinition.AlgorithmSpecification.MetricDefinitions";
    let expression = list(arguments, definitions)
        .find(|one| one["Name"] == metric)
        .and_then(|one| one["Regex"].as_str())
        .ok_or_else(|| format!("nothing defines the metric {metric}"))?;
    Ok(Search {
        points,
        metric: metric.to_owned(),
        before: plain_text_before_the_group(expression)
            .ok_or_else(|| format!("{expression} is no text with a number behind it"))?,
        is_higher_better: told(&format!("{CONFIG}.HyperParameterTuningJobObjective.Type"))?
            == "Maximize",
    })
}

/// Every choice of one value of each parameter, the last parameter changing first.
fn grid<'a>(
    parameters: impl Iterator<Item = &'a Value>,
) -> Result<Vec<Map<String, Value>>, String> {
    let mut points = vec![Map::new()];
    for parameter in parameters {
        let name = parameter["Name"]
            .as_str()
            .ok_or("a parameter has no name")?;
        let values = parameter["Values"].as_array();
        let values = values.ok_or_else(|| format!("{name} has no values"))?;
        points = points
            .iter()
            .flat_map(|point| {
                values.iter().map(move |value| {
                    let mut point = point.clone();
                    point.insert(name.to_owned(), value.clone());
                    point
                })
            })
            .collect();
    }
    if points.iter().all(Map::is_empty) {
        return Err("nothing is tuned".to_owned());
    }
    Ok(points)
}

/// What a regular expression finds by letters alone, before its only group, which is the number.
fn plain_text_before_the_group(expression: &str) -> Option<String> {
    let (before, _) = expression.split_once('(')?;
    let is_plain = !before.contains(['\\', '.', '*', '+', '?', '[', ']', '{', '}', '^', '$', '|']);
    (is_plain && !before.is_empty()).then(|| before.to_owned())
}

impl Search {
    /// The last value that a training has printed.
    fn measured(&self, said: &str) -> Option<f64> {
        let (_, after) = said.rsplit_once(&self.before)?;
        let is_of_number = |letter: char| letter.is_ascii_digit() || ".-+e".contains(letter);
        let end = after.find(|letter| !is_of_number(letter));
        let number = after.split_at(end.unwrap_or(after.len())).0;
        number.parse().ok().filter(|value: &f64| value.is_finite())
    }
}

impl Job<'_> {
    /// The name of a tuning job.
    pub(super) fn tuning_name(execution: &str, step: &str) -> String {
        let step: String = step.chars().take(STEP_IN_NAME).collect();
        format!("{execution}-{step}")
    }

    /// `CreateHyperParameterTuningJob`: returns what the step's properties are.
    pub(super) fn tune(&self, arguments: &Value) -> Result<Value, Stop> {
        let search = search(arguments).map_err(Stop::Failed)?;
        let mut trials = Vec::new();
        let mut why = format!("no training has told {}", search.metric);
        for (number, point) in (1..).zip(&search.points) {
            let name = format!("{}-{number:03}", self.name);
            let job = Job {
                name: name.clone(),
                ..*self
            };
            match job.trained(&training(arguments, point)) {
                Ok((_, said)) => trials.extend(search.measured(&said).map(|value| Trial {
                    name,
                    point: point.clone(),
                    value,
                })),
                // The others go on.
                Err(Stop::Failed(reason)) => why = reason,
                Err(broken) => return Err(broken),
            }
        }
        trials.sort_by(|a, b| {
            let order = a.value.total_cmp(&b.value);
            if search.is_higher_better {
                order.reverse()
            } else {
                order
            }
        });
        let shown: Vec<Value> = { trials.iter() }
            .map(|trial| trial.shown(&search.metric))
            .collect();
        let best = shown.first().cloned().ok_or(Stop::Failed(why))?;
        let own = [
            ("HyperParameterTuningJobName", json!(self.name)),
            ("BestTrainingJob", best),
            ("TrainingJobSummaries", json!(shown)),
        ];
        Ok(with(arguments, &own))
    }
}

impl Trial {
    /// As `ListTrainingJobsForHyperParameterTuningJob` shows it.
    fn shown(&self, metric: &str) -> Value {
        json!({
            "TrainingJobName": self.name,
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": self.point,
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "MetricName": metric,
                "Value": self.value,
            },
        })
    }
}

/// The arguments of the training at one point.
fn training(arguments: &Value, point: &Map<String, Value>) -> Value {
    let definition = &arguments["TrainingJobDefinition"];
    let fixed = definition["StaticHyperParameters"].as_object();
    let fixed = fixed.into_iter().flatten();
    let all: Map<String, Value> = fixed
        .chain(point)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    with(definition, &[("HyperParameters", Value::Object(all))])
}
