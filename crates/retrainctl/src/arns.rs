//! What ARNs tell.

/// The controller's functions, after the prefix of their stack.
const FUNCTIONS: [&str; 5] = [
    "drift-alarm",
    "data-arrival",
    "execution-status",
    "model-approval",
    "reconciler",
];

/// The account of an ARN.
pub(crate) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

/// The name in an ARN: of a function without its qualifier, of a rule without its bus.
pub(crate) fn name_of(arn: &str) -> &str {
    let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let name = match name.strip_prefix("function:") {
        Some(function) => function.split(':').next().unwrap_or(function),
        None => name,
    };
    name.rsplit('/').next().unwrap_or(name)
}

/// Which of the controller's functions an ARN is of, without the prefix of its stack.
pub(crate) fn own_function(arn: &str) -> Option<&'static str> {
    let name = name_of(arn);
    FUNCTIONS.into_iter().find(|own| {
        let prefix = name.strip_suffix(own);
        arn.contains(":function:")
            && prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_known_by_the_end_of_their_names() {
        let of = |name: &str| {
            let arn = format!("arn:aws:lambda:us-east-1:111122223333:function:{name}");
            own_function(&arn)
        };
        assert_eq!(of("retrain-drift-alarm:live"), Some("drift-alarm"));
        assert_eq!(of("reconciler"), Some("reconciler"));
        assert_eq!(of("undrift-alarm"), None);
        assert_eq!(of("drift-alarm-2"), None);
        assert_eq!(
            own_function("arn:aws:sqs:us-east-1:111122223333:drift-alarm"),
            None
        );
    }

    #[test]
    fn a_name_is_told_without_what_is_around_it() {
        for (arn, name) in [
            ("arn:aws:lambda:us-east-1:1:function:a:live", "a"),
            ("arn:aws:events:us-east-1:1:rule/own-bus/a", "a"),
            ("arn:aws:sqs:us-east-1:1:a", "a"),
            ("a", "a"),
        ] {
            assert_eq!(name_of(arn), name);
        }
    }
}
