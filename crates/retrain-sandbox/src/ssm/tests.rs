use jiff::SignedDuration;

use super::*;

fn ssm() -> Ssm {
    Ssm::new(
        VirtualClock::fixed(Timestamp::UNIX_EPOCH),
        "us-east-1",
        "111122223333",
    )
}

fn code(result: Result<Value, ServiceError>) -> String {
    result.expect_err("an error").code
}

#[test]
fn a_parameter_is_read_by_name_version_or_arn() {
    let ssm = ssm();
    ssm.put_parameter("/retrain/churn", "one").unwrap();
    ssm.clock.advance(SignedDuration::from_secs(9));
    assert_eq!(ssm.put_parameter("/retrain/churn", "two"), Ok(2));

    let get = |name: &str| ssm.perform("GetParameter", &json!({"Name": name}));
    assert_eq!(
        get("/retrain/churn").unwrap(),
        json!({"Parameter": {
            "Name": "/retrain/churn",
            "Type": "String",
            "Value": "two",
            "Version": 2,
            "LastModifiedDate": 9,
            "ARN": "arn:aws:ssm:us-east-1:111122223333:parameter/retrain/churn",
            "DataType": "text",
        }})
    );
    let first = get("/retrain/churn:1").unwrap();
    assert_eq!(first["Parameter"]["Value"], "one");
    assert_eq!(first["Parameter"]["Selector"], ":1");
    let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/retrain/churn";
    assert_eq!(get(arn).unwrap()["Parameter"]["Version"], 2);
    assert_eq!(get(&format!("{arn}:1")).unwrap()["Parameter"]["Version"], 1);
    assert_eq!(code(get("/retrain/churn:3")), "ParameterVersionNotFound");
    assert_eq!(code(get("/retrain/other")), "ParameterNotFound");
}

#[test]
fn the_hundred_and_first_version_pushes_out_the_first() {
    let ssm = ssm();
    for _ in 0..101 {
        ssm.put_parameter("p", "v").unwrap();
    }
    let get = |name: &str| ssm.perform("GetParameter", &json!({"Name": name}));
    assert_eq!(code(get("p:1")), "ParameterVersionNotFound");
    assert!(get("p:2").is_ok());
    assert_eq!(get("p").unwrap()["Parameter"]["Version"], 101);
}

#[test]
fn putting_twice_needs_overwrite_and_creating_needs_a_type() {
    let ssm = ssm();
    let put = |request: Value| ssm.perform("PutParameter", &request);
    assert_eq!(
        code(put(json!({"Name": "p", "Value": "v"}))),
        "ValidationException"
    );
    let created = put(json!({"Name": "p", "Value": "v", "Type": "StringList"})).unwrap();
    assert_eq!(created, json!({"Version": 1, "Tier": "Standard"}));
    assert_eq!(
        code(put(json!({"Name": "p", "Value": "v", "Type": "String"}))),
        "ParameterAlreadyExists"
    );
    let overwritten = put(json!({"Name": "p", "Value": "w", "Overwrite": true})).unwrap();
    assert_eq!(overwritten["Version"], 2);
    let read = ssm.perform("GetParameter", &json!({"Name": "p"})).unwrap();
    assert_eq!(read["Parameter"]["Type"], "StringList");
}

#[test]
fn values_have_the_limits_of_their_tier_and_no_double_braces() {
    let ssm = ssm();
    let put = |bytes: usize, tier: &str| {
        let value = "x".repeat(bytes);
        ssm.perform(
            "PutParameter",
            &json!({"Name": tier, "Value": value, "Type": "String", "Tier": tier, "Overwrite": true}),
        )
    };
    assert!(put(4096, "Standard").is_ok());
    assert_eq!(code(put(4097, "Standard")), "ValidationException");
    assert_eq!(put(8192, "Advanced").unwrap()["Tier"], "Advanced");
    assert_eq!(code(put(8193, "Advanced")), "ValidationException");
    assert_eq!(
        put(4096, "Intelligent-Tiering").unwrap()["Tier"],
        "Standard"
    );
    assert_eq!(
        put(4097, "Intelligent-Tiering").unwrap()["Tier"],
        "Advanced"
    );
    assert!(ssm.put_parameter("p", "a {{b}}").is_err());
    assert!(ssm.put_parameter("p", "").is_err());
    assert!(ssm.put_parameter("p", "a {b}").is_ok());
}

#[test]
fn names_follow_the_rules_of_hierarchies() {
    let ssm = ssm();
    let deepest = "/l".repeat(15);
    assert!(ssm.put_parameter(&deepest, "v").is_ok());
    assert_eq!(
        ssm.put_parameter(&format!("{deepest}/l"), "v"),
        Err(ParameterError::TooDeep)
    );
    for bad in ["a/b", "/a//b", "/a/", "a b", "aws-x", "/ssm/x", "/"] {
        assert!(ssm.put_parameter(bad, "v").is_err(), "{bad}");
    }
}

#[test]
fn up_to_ten_names_are_read_at_once_and_missing_ones_are_listed() {
    let ssm = ssm();
    ssm.put_parameter("a", "v").unwrap();
    let names = |count: usize| -> Vec<String> { (0..count).map(|n| format!("n{n}")).collect() };
    let answer = ssm
        .perform("GetParameters", &json!({"Names": ["a", "b"]}))
        .unwrap();
    assert_eq!(answer["Parameters"][0]["Name"], "a");
    assert_eq!(answer["InvalidParameters"], json!(["b"]));
    assert!(
        ssm.perform("GetParameters", &json!({"Names": names(10)}))
            .is_ok()
    );
    let eleven = ssm.perform("GetParameters", &json!({"Names": names(11)}));
    assert_eq!(code(eleven), "ValidationException");
}

#[test]
fn a_path_is_read_in_pages_of_at_most_ten() {
    let ssm = ssm();
    for n in 0..12 {
        ssm.put_parameter(&format!("/p/n{n:02}"), "v").unwrap();
    }
    ssm.put_parameter("/p/deep/er", "v").unwrap();
    ssm.put_parameter("/pp", "v").unwrap();
    let read = |request: Value| ssm.perform("GetParametersByPath", &request);
    let count = |answer: &Value| answer["Parameters"].as_array().unwrap().len();

    let first = read(json!({"Path": "/p"})).unwrap();
    assert_eq!(count(&first), 10);
    let second = read(json!({"Path": "/p/", "NextToken": first["NextToken"]})).unwrap();
    assert_eq!((count(&second), second.get("NextToken")), (2, None));
    let deep = read(json!({"Path": "/p", "Recursive": true})).unwrap();
    assert_eq!(deep["Parameters"][0]["Name"], "/p/deep/er");

    assert_eq!(
        code(read(json!({"Path": "/p", "MaxResults": 11}))),
        "ValidationException"
    );
    assert_eq!(code(read(json!({"Path": "p"}))), "ValidationException");
    assert_eq!(
        code(read(json!({"Path": "/p", "NextToken": "made-up"}))),
        "InvalidNextToken"
    );
}

#[test]
fn a_deleted_parameter_is_gone_and_starts_again_at_one() {
    let ssm = ssm();
    ssm.put_parameter("p", "v").unwrap();
    assert_eq!(
        ssm.perform("DeleteParameter", &json!({"Name": "p"})),
        Ok(json!({}))
    );
    assert_eq!(
        code(ssm.perform("DeleteParameter", &json!({"Name": "p"}))),
        "ParameterNotFound"
    );
    assert_eq!(ssm.put_parameter("p", "v"), Ok(1));
}

#[test]
fn a_misspelt_member_and_an_unknown_operation_are_refused() {
    let ssm = ssm();
    assert_eq!(
        code(ssm.perform("GetParameter", &json!({"Name": "p", "WithDecrypt": true}))),
        "SerializationException"
    );
    assert_eq!(
        code(ssm.perform("DescribeParameters", &json!({}))),
        "UnknownOperationException"
    );
}
