//! `ListMetrics`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::CloudWatch;
use super::cbor::Member;
use super::describe::dimensions;
use crate::answer::ServiceError;
use crate::input::{Input, Text};
use crate::page::Page;

/// What a page has at most (API reference).
const PAGE: usize = 500;

const TEXT: Text = Text::of(1, 255);

impl CloudWatch {
    /// Lets a metric have had a value within the last two weeks.
    pub fn put_metric(&self, namespace: &str, name: &str, dimensions: &[(&str, &str)]) {
        let dimensions = dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let metric = (namespace.to_owned(), name.to_owned(), dimensions.collect());
        self.lock().metrics.insert(metric);
    }

    /// Lets two weeks pass since any metric had a value.
    pub fn forget_metrics(&self) {
        self.lock().metrics.clear();
    }

    pub(super) fn list_metrics(&self, request: &Value) -> Result<Member, ServiceError> {
        let input = Input::new(
            request,
            &[
                "Namespace",
                "MetricName",
                "Dimensions",
                "NextToken",
                "RecentlyActive",
                "IncludeLinkedAccounts",
                "OwningAccount",
            ],
        )?;
        input.refuse_unsupported(&["RecentlyActive", "IncludeLinkedAccounts", "OwningAccount"])?;
        let namespace = input.optional_text("Namespace", TEXT)?;
        let name = input.optional_text("MetricName", TEXT)?;
        let filters = input.structures("Dimensions", 0, 30, &["Name", "Value"])?;
        let filters = filters.unwrap_or_default();
        let filters: Vec<(&str, Option<&str>)> = filters
            .iter()
            .map(|filter| {
                let value = filter.optional_text("Value", Text::of(1, 1024))?;
                Ok((filter.text("Name", TEXT)?, value))
            })
            .collect::<Result<_, ServiceError>>()?;
        // A metric may have more dimensions than are asked for.
        let has = |own: &BTreeMap<String, String>| {
            filters.iter().all(|(name, wanted)| {
                let value = own.get(*name);
                value.is_some_and(|value| wanted.is_none_or(|wanted| wanted == value))
            })
        };
        let state = self.lock();
        let page = Page {
            size: PAGE,
            next_token: input.optional_text("NextToken", Text::of(0, usize::MAX))?,
            bad_token: "InvalidNextToken",
        };
        let (shown, token) = page.cut(
            state.metrics.iter().collect(),
            |metric| format!("{metric:?}"),
            |(of, called, own)| {
                namespace.is_none_or(|wanted| wanted == of)
                    && name.is_none_or(|wanted| wanted == called)
                    && has(own)
            },
        )?;
        let shown = shown.into_iter().map(|(namespace, name, own)| {
            Member::structure([
                ("Namespace", Some(namespace.as_str().into())),
                ("MetricName", Some(name.as_str().into())),
                ("Dimensions", Some(dimensions(own))),
            ])
        });
        Ok(Member::structure([
            ("Metrics", Some(Member::List(shown.collect()))),
            ("NextToken", token.map(Member::Text)),
        ]))
    }
}
