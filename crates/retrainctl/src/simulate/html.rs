//! A backtest as one HTML file: no script, nothing from the network, and a picture of
//! what happened to each model.

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use retrain_core::event::ExecutionStatus;

use super::picture::{Lanes, Scale};
use super::report::{Done, Report};
use super::signals::Signals;
use super::tally::{Span, Tally};
use super::text::{assumed, rows};
use crate::words::moment;

const STYLE: &str = include_str!("report.css");

/// How many starts of a model are listed under a rule.
const LISTED: usize = 50;

/// A backtest as HTML.
pub(crate) struct Html<'a> {
    pub(crate) report: &'a Report,
    pub(crate) done: &'a [Done],
    /// What happened to the models, in the order in which they are drawn.
    pub(crate) signals: &'a [Signals],
    /// How many models are left out.
    pub(crate) left_out: usize,
}

/// Text as HTML and SVG take it, whatever is in it.
pub(crate) struct Escaped<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // SVG is XML, which has no control characters.
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let (from, to) = (moment(report.from), moment(report.to));
        write!(
            f,
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Backtest of retraining policies, {from} to {to}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>Backtest of retraining policies</h1>
<p>{from} to {to}: {} events.</p>
<p>{}</p>
"#,
            report.events.read,
            Escaped(assumed(report).replace('\n', " "))
        )?;
        self.comparison(f)?;
        f.write_str("<h2>What happened when</h2>\n")?;
        f.write_str(LEGEND)?;
        for signals in self.signals {
            self.model(f, signals)?;
        }
        if self.left_out > 0 {
            writeln!(f, "<p>{} more models are not drawn.</p>", self.left_out)?;
        }
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

const LEGEND: &str = r#"<ul class="legend">
<li><svg viewBox="0 0 24 12" aria-hidden="true"><rect class="drift" width="24" height="12"/></svg> a drift alarm is in ALARM</li>
<li><svg viewBox="0 0 24 12" aria-hidden="true"><path class="data" d="M2 12V2M8 12V6M14 12V4M20 12V0"/></svg> training data arrives</li>
<li><svg viewBox="0 0 24 12" aria-hidden="true"><rect class="run" width="24" height="12"/></svg> a run that succeeds</li>
<li><svg viewBox="0 0 24 12" aria-hidden="true"><rect class="run failed" width="24" height="12"/><path class="cross" d="M0 12L24 0"/></svg> a run that fails</li>
<li><svg viewBox="0 0 24 12" aria-hidden="true"><rect class="hold" y="3" width="24" height="6"/></svg> causes are held</li>
</ul>
"#;

impl Html<'_> {
    fn comparison(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<div class=\"wide\"><table>\n<thead><tr><th></th>")?;
        for rule in &self.report.rules {
            write!(f, "<th scope=\"col\">{}</th>", Escaped(&rule.name))?;
        }
        f.write_str("</tr></thead>\n<tbody>\n")?;
        for (name, cells) in rows(self.report) {
            let part = if name.starts_with(' ') {
                " class=\"part\""
            } else {
                ""
            };
            write!(
                f,
                "<tr{part}><th scope=\"row\">{}</th>",
                Escaped(name.trim())
            )?;
            for cell in cells {
                write!(f, "<td>{}</td>", Escaped(cell))?;
            }
            f.write_str("</tr>\n")?;
        }
        f.write_str("</tbody></table></div>\n")
    }

    fn model(&self, f: &mut fmt::Formatter<'_>, signals: &Signals) -> fmt::Result {
        let scale = Scale::new(self.report.from, self.report.to);
        let tallies: Vec<(&str, &Tally)> = self
            .done
            .iter()
            .filter_map(|done| {
                let mut tallies = done.tallies.iter();
                let tally = tallies.find(|tally| tally.model == signals.model)?;
                Some((done.name.as_str(), tally))
            })
            .collect();
        writeln!(f, "<section>\n<h3>{}</h3>", Escaped(&signals.model))?;
        let lanes = Lanes {
            scale,
            signals,
            tallies: &tallies,
        };
        write!(f, "<div class=\"wide\">{lanes}</div>")?;
        for (name, tally) in &tallies {
            starts(f, name, &tally.runs)?;
        }
        f.write_str("</section>\n")
    }
}

/// The starts of one rule, folded away.
fn starts(f: &mut fmt::Formatter<'_>, rule: &str, runs: &[Span]) -> fmt::Result {
    let count = runs.len();
    writeln!(
        f,
        "<details><summary>{}: {count} start{}</summary>",
        Escaped(rule),
        if count == 1 { "" } else { "s" }
    )?;
    if count > 0 {
        f.write_str("<ol>\n")?;
    }
    for run in runs.iter().take(LISTED) {
        writeln!(
            f,
            "<li>{} {}{}</li>",
            time(run.from),
            Escaped(&run.why),
            if run.status == ExecutionStatus::Failed {
                " <em>(failed)</em>"
            } else {
                ""
            }
        )?;
    }
    if count > 0 {
        f.write_str("</ol>\n")?;
    }
    if count > LISTED {
        writeln!(f, "<p>and {} more</p>", count - LISTED)?;
    }
    f.write_str("</details>\n")
}

fn time(at: Timestamp) -> String {
    let at = moment(at);
    format!("<time datetime=\"{at}\">{at}</time>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let hostile = "<script>alert('x')</script>\u{0}&\"";
        assert_eq!(
            Escaped(hostile).to_string(),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp;&quot;"
        );
    }
}
