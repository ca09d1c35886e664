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

/// Which of the controller's functions an ARN is of, of whatever stack.
pub(crate) fn own_function(arn: &str) -> Option<&'static str> {
    let known = arn.contains(":function:").then_some(name_of(arn))?;
    FUNCTIONS.into_iter().find(|own| {
        let prefix = known.strip_suffix(own);
        prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('-'))
    })
}

/// Which of the controller's functions of this stack an ARN is of.
pub(crate) fn function_of(stack: &str, arn: &str) -> Option<&'static str> {
    let own = own_function(arn)?;
    let prefix = name_of(arn).strip_suffix(own)?.strip_suffix('-')?;
    (prefix == stack).then_some(own)
}

/// The stack in the name that CloudFormation gives a queue of the template:
/// `retrain-DeadLetters-1Q2W3E4R5T6Y`.
pub(crate) fn stack_of_queue(name: &str) -> Option<&str> {
    let (rest, _) = name.rsplit_once('-')?;
    let (stack, logical_id) = rest.rsplit_once('-')?;
    let known = ["DeadLetters", "DataDeadLetters"].contains(&logical_id);
    (known && !stack.is_empty()).then_some(stack)
}

/// Whether the URL of a queue and an ARN are of one queue. A region is compared where the
/// URL tells it.
pub(crate) fn is_queue(url: &str, arn: &str) -> bool {
    let mut parts = url.rsplitn(3, '/');
    let (name, account, host) = (parts.next(), parts.next(), parts.next());
    let region = host.and_then(|host| host.rsplit('/').next()?.strip_prefix("sqs."));
    let region = region.and_then(|rest| rest.split('.').next());
    let of_arn: Vec<&str> = arn.split(':').collect();
    let [_, _, "sqs", arn_region, arn_account, arn_name] = of_arn.as_slice() else {
        return false;
    };
    name == Some(*arn_name)
        && account == Some(*arn_account)
        && region.is_none_or(|region| region == *arn_region)
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
    fn the_functions_of_a_stack_have_just_its_name_before_theirs() {
        let of = |name: &str| {
            let arn = format!("arn:aws:lambda:us-east-1:111122223333:function:{name}");
            function_of("retrain", &arn)
        };
        assert_eq!(of("retrain-drift-alarm:live"), Some("drift-alarm"));
        for other in [
            "retrain-eu-drift-alarm",
            "my-retrain-drift-alarm",
            "drift-alarm",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn the_queues_of_the_template_tell_their_stack() {
        for (name, stack) in [
            ("retrain-DeadLetters-1Q2W3E4R5T6Y", Some("retrain")),
            (
                "retrain-eu-DataDeadLetters-1Q2W3E4R5T6Y",
                Some("retrain-eu"),
            ),
            ("retrain-OtherLetters-1Q2W3E4R5T6Y", None),
            ("-DeadLetters-1Q2W3E4R5T6Y", None),
            ("retrain-DeadLetters", None),
            ("dead", None),
        ] {
            assert_eq!(stack_of_queue(name), stack, "{name}");
        }
    }

    #[test]
    fn a_queue_is_the_same_by_url_and_by_arn() {
        let arn = "arn:aws:sqs:us-east-1:111122223333:data";
        for (url, same) in [
            (
                "https://sqs.us-east-1.amazonaws.com/111122223333/data",
                true,
            ),
            ("http://127.0.0.1:9000/111122223333/data", true),
            (
                "https://sqs.eu-west-1.amazonaws.com/111122223333/data",
                false,
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/444455556666/data",
                false,
            ),
            (
                "https://sqs.us-east-1.amazonaws.com/111122223333/other",
                false,
            ),
            ("data", false),
        ] {
            assert_eq!(is_queue(url, arn), same, "{url}");
        }
        assert!(!is_queue(
            "https://sqs.us-east-1.amazonaws.com/111122223333/data",
            "arn:aws:sns:us-east-1:111122223333:data"
        ));
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
