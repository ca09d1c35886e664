//! The gate says what whole numbers say.

use proptest::prelude::*;

use super::*;

/// A metric as a report has it, in thousandths.
#[derive(Clone, Copy, Debug)]
enum Cell {
    Good(i64),
    Missing,
    Null,
    NanText,
    BareNan,
    Twice(i64),
}

#[derive(Clone, Debug)]
struct Package {
    a: Cell,
    b: Cell,
    bias: Vec<Cell>,
    latency: Cell,
}

fn decimal(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let size = thousandths.unsigned_abs();
    format!("{sign}{}.{:03}", size / 1000, size % 1000)
}

impl Cell {
    /// `"key": value`, or nothing.
    fn entry(self, key: &str) -> String {
        match self {
            Self::Good(value) => format!(r#", "{key}": {}"#, decimal(value)),
            Self::Missing => String::new(),
            Self::Null => format!(r#", "{key}": null"#),
            Self::NanText => format!(r#", "{key}": "NaN""#),
            Self::BareNan => format!(r#", "{key}": NaN"#),
            Self::Twice(value) => {
                let value = decimal(value);
                format!(r#", "{key}": {value}, "{key}": {value}"#)
            }
        }
    }

    const fn value(self) -> Option<i64> {
        match self {
            Self::Good(value) => Some(value),
            _ => None,
        }
    }

    const fn breaks_the_report(self) -> bool {
        matches!(self, Self::BareNan | Self::Twice(_))
    }
}

impl Package {
    fn evidence(&self) -> Evidence {
        let metric = |name: &str, cell: Cell| {
            format!(
                r#", "{name}": {{"standard_deviation": "NaN"{}}}"#,
                cell.entry("value")
            )
        };
        let evaluation = format!(
            r#"{{"regression_metrics": {{"confusion_matrix": {{}}{}{}}}}}"#,
            metric("a", self.a),
            metric("b", self.b)
        );
        let rows: Vec<String> = self
            .bias
            .iter()
            .map(|cell| {
                format!(
                    r#"{{"metrics": [{{"name": "DPPL"{}}}]}}"#,
                    cell.entry("value")
                )
            })
            .collect();
        let bias = format!(
            r#"{{"post_training_bias_metrics": {{"facets": {{"x": [{}]}}}}}}"#,
            rows.join(", ")
        );
        let latency = match self.latency {
            Cell::Good(value) => Some(decimal(value)),
            Cell::Missing => None,
            _ => Some("NaN".to_string()),
        };
        Evidence {
            evaluation: Report::Read(evaluation.into()),
            bias: Report::Read(bias.into()),
            metadata: latency
                .map(|text| ("latency".to_string(), text))
                .into_iter()
                .collect(),
            ..Evidence::default()
        }
    }

    /// What the metric is, as the package was made.
    fn truth(&self, metric: usize) -> Option<i64> {
        let report_is_broken = self.a.breaks_the_report() || self.b.breaks_the_report();
        match metric {
            0 if !report_is_broken => self.a.value(),
            1 if !report_is_broken => self.b.value(),
            2 => {
                let values: Option<Vec<i64>> = self.bias.iter().map(|cell| cell.value()).collect();
                values?.into_iter().map(i64::abs).max()
            }
            3 => self.latency.value(),
            _ => None,
        }
    }
}

const METRICS: [&str; 4] = [
    "a",
    "/regression_metrics/b/value",
    "bias:DPPL",
    "metadata:latency",
];

/// A condition in thousandths and whole percents.
#[derive(Clone, Copy, Debug)]
struct Asked {
    metric: usize,
    higher: bool,
    kind: u8,
    amount: i64,
    band: i64,
}

impl Asked {
    /// Bias is a distance: lower is better, and no limit is negative.
    fn higher(self) -> bool {
        self.higher && self.metric != 2
    }

    fn amount(self) -> i64 {
        if self.kind == 0 && self.metric != 2 {
            self.amount
        } else {
            self.amount.abs()
        }
    }

    fn json(self) -> String {
        let amount = self.amount();
        let direction = if self.higher() { "higher" } else { "lower" };
        let test = match self.kind {
            0 if self.higher() => format!(r#""at_least": {}"#, decimal(amount)),
            0 => format!(r#""at_most": {}"#, decimal(amount)),
            1 => format!(
                r#""better_than_champion_by": {}, "direction": "{direction}""#,
                decimal(amount)
            ),
            _ => format!(r#""better_than_champion_by": "{amount}%", "direction": "{direction}""#),
        };
        let metric = METRICS[self.metric];
        format!(
            r#"{{"metric": "{metric}", {test}, "borderline": {}}}"#,
            decimal(self.band)
        )
    }

    /// What must be said, in whole hundred-thousandths.
    fn expected(self, candidate: &Package, champion: Option<&Package>, pass: bool) -> char {
        let Some(value) = candidate.truth(self.metric) else {
            return 'u';
        };
        let sign = if self.higher() { 1 } else { -1 };
        let amount = self.amount();
        let limit = if self.kind == 0 {
            amount * 100
        } else {
            let Some(champion) = champion else {
                return if pass { 'p' } else { 'u' };
            };
            let Some(champion) = champion.truth(self.metric) else {
                return 'u';
            };
            let by = if self.kind == 1 {
                amount * 100
            } else {
                champion.abs() * amount
            };
            champion * 100 + sign * by
        };
        let ahead = sign * (value * 100 - limit);
        let band = self.band * 100;
        if ahead >= band {
            'p'
        } else if ahead < -band {
            'f'
        } else {
            'b'
        }
    }
}

/// Few different numbers, so that limits are met exactly.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -5..=5_i64, 1 => -2_000_000..=2_000_000_i64]
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        20 => amount().prop_map(Cell::Good),
        1 => Just(Cell::Missing),
        1 => Just(Cell::Null),
        1 => Just(Cell::NanText),
        1 => Just(Cell::BareNan),
        1 => amount().prop_map(Cell::Twice),
    ]
}

fn package() -> impl Strategy<Value = Package> {
    (cell(), cell(), prop::collection::vec(cell(), 0..4), cell()).prop_map(
        |(a, b, bias, latency)| Package {
            a,
            b,
            bias,
            latency,
        },
    )
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        0..4_usize,
        any::<bool>(),
        0..3_u8,
        amount(),
        prop_oneof![Just(0), 0..4_i64],
    )
        .prop_map(|(metric, higher, kind, amount, band)| Asked {
            metric,
            higher,
            kind,
            amount,
            band,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Condition by condition and in sum, the gate says what whole numbers say.
    #[test]
    fn the_gate_agrees_with_whole_numbers(
        asked in prop::collection::vec(asked(), 1..5),
        candidate in package(),
        champion in prop::option::weighted(0.8, package()),
        pass in any::<bool>(),
        ask in any::<bool>(),
    ) {
        let conditions: Vec<String> = asked.iter().map(|asked| asked.json()).collect();
        let more = format!(
            r#", "without_champion": "{}", "on_fail": "{}""#,
            if pass { "pass" } else { "ask" },
            if ask { "ask" } else { "reject" },
        );
        let gate = gate_with(&conditions.join(","), &more);
        let evidence = champion.as_ref().map(Package::evidence);
        let verdict = evaluate(&gate, &candidate.evidence(), evidence.as_ref());

        let expected: String = asked
            .iter()
            .map(|asked| asked.expected(&candidate, champion.as_ref(), pass))
            .collect();
        let said: String = verdict.conditions.iter().map(|c| letter(&c.verdict)).collect();
        prop_assert_eq!(&said, &expected, "{}", verdict.summary);
        let outcome = if expected.contains('u') {
            Outcome::AskPerson
        } else if expected.contains('f') && !ask {
            Outcome::Reject
        } else if expected.contains(['f', 'b']) {
            Outcome::AskPerson
        } else {
            Outcome::Approve
        };
        prop_assert_eq!(verdict.outcome, outcome);
        prop_assert_eq!(verdict.table().lines().count(), asked.len() + 2);
    }
}
