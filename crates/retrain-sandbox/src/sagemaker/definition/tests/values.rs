//! Expressions, conditions and places.

use serde_json::{Value, json};

use super::super::condition::all_hold;
use super::super::containers::Folder;
use super::super::expression::{Known, resolve};
use super::super::job::name_below;

fn known() -> Known {
    let mut known = Known::default();
    let outputs = json!({"Outputs": [{"OutputName": "a"}, {"OutputName": "b", "Uri": "s3://b"}]});
    known.values.insert("Steps.One".into(), outputs);
    known.values.insert("Parameters.Share".into(), json!(0.25));
    known
        .files
        .insert("Steps.One.PropertyFiles.F".into(), json!({"m": [{"v": 7}]}));
    known
}

#[test]
fn expressions_have_their_values() {
    let file = json!({"Get": "Steps.One.PropertyFiles.F"});
    for (expression, value) in [
        (json!({"Get": "Parameters.Share"}), json!(0.25)),
        (
            json!({"Get": "Steps.One.Outputs['b'].Uri"}),
            json!("s3://b"),
        ),
        (
            json!({"Get": "Steps.One.Outputs[0].OutputName"}),
            json!("a"),
        ),
        (
            json!({"Std:Join": {"On": "-", "Values": ["x", {"Get": "Parameters.Share"}]}}),
            json!("x-0.25"),
        ),
        (
            json!({"Std:JsonGet": {"PropertyFile": file, "Path": "m[0].v"}}),
            json!(7),
        ),
        (
            json!([{"Get": "Parameters.Share", "Set": 1}]),
            json!([{"Get": "Parameters.Share", "Set": 1}]),
        ),
    ] {
        assert_eq!(resolve(&expression, &known()), Ok(value));
    }
    for without in [
        json!({"Get": "Parameters.Other"}),
        json!({"Get": "Steps.One.Outputs['c'].Uri"}),
        json!({"Std:Join": {"Values": []}}),
        json!({"Std:JsonGet": {"PropertyFile": file, "Path": "m[1].v"}}),
    ] {
        assert!(resolve(&without, &known()).is_err(), "{without}");
    }
}

#[test]
fn conditions_hold_or_not() {
    let share = json!({"Get": "Parameters.Share"});
    let compare =
        |order: &str, right: Value| json!({"Type": order, "LeftValue": share, "RightValue": right});
    for (condition, holds) in [
        (compare("Equals", json!(0.25)), true),
        (compare("Equals", json!("0.25")), false),
        (compare("GreaterThan", json!(0.25)), false),
        (compare("GreaterThanOrEqualTo", json!(0.25)), true),
        (compare("LessThan", json!(1)), true),
        (compare("LessThanOrEqualTo", json!(0)), false),
        (
            json!({"Type": "In", "QueryValue": share, "Values": [1, 0.25]}),
            true,
        ),
        (
            json!({"Type": "Not", "Expression": compare("Equals", json!(1))}),
            true,
        ),
        (
            json!({"Type": "Or", "Conditions": [
                compare("LessThan", json!(0)), compare("LessThan", json!(1)),
            ]}),
            true,
        ),
        (json!({"Type": "Or", "Conditions": []}), false),
    ] {
        let all = json!([compare("LessThan", json!(1)), condition]);
        assert_eq!(all_hold(&all, &known()), Ok(holds), "{condition}");
    }
    for wrong in [compare("LessThan", json!("a")), compare("Near", json!(1))] {
        assert!(all_hold(&json!([wrong]), &known()).is_err());
    }
}

#[test]
fn places_of_a_container_are_inside_its_folder() {
    let folder = Folder::create().unwrap();
    let model = folder.at("/opt/ml/model/").unwrap();
    assert_eq!(model, folder.path().join("model"));
    for outside in ["/opt/mlflow", "/opt/ml/../etc", "/tmp", "model"] {
        assert_eq!(folder.at(outside), None, "{outside}");
    }
}

#[test]
fn objects_of_a_prefix_are_laid_out_as_sagemaker_does() {
    for (key, prefix, name) in [
        ("m/model.tar.gz", "m/model.tar.gz", Some("model.tar.gz")),
        ("train/a.csv", "train", Some("a.csv")),
        ("train/a.csv", "train/", Some("a.csv")),
        ("train/b/c.csv", "train/", Some("b/c.csv")),
        ("train/2026-01.csv", "train/2026", Some("2026-01.csv")),
        ("a.csv", "", Some("a.csv")),
        ("train/", "train/", None),
        ("train/../a", "train/", None),
        ("other/a", "train", None),
    ] {
        assert_eq!(name_below(key, prefix), name, "{key} of {prefix}");
    }
}
