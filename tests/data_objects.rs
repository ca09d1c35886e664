//! Objects whose rows cannot be counted, and objects that count no more.

use std::collections::BTreeSet;

use retrain_core::policy::Policy;
use retrain_sandbox::s3::{Event, NewObject};
use serde_json::{Value, json};

use crate::data::{BUCKET, PLAIN_BUCKET, Yard, tally};

async fn patient() -> Yard {
    Yard::start(json!({"min_rows": 1_000_000})).await
}

fn reasons(found: &[(String, String)]) -> Vec<(&str, &str)> {
    let found = found.iter();
    found
        .map(|(key, why)| (key.trim_start_matches("training/"), why.as_str()))
        .collect()
}

/// One batch with every kind of object that has no count, and two that have one.
#[tokio::test]
async fn objects_without_a_count_are_recorded_with_their_reason_and_hold_up_nobody() {
    let yard = patient().await;
    let s3 = yard.bench.deployment.sandbox.s3();
    let gone = yard.put_object(PLAIN_BUCKET, "gone.csv", NewObject::new("1\n"));
    s3.delete_object(PLAIN_BUCKET, "training/gone.csv").unwrap();
    let replaced = yard.put_object(PLAIN_BUCKET, "replaced.csv", NewObject::new("1\n"));
    let replacing = yard.put_object(PLAIN_BUCKET, "replaced.csv", NewObject::new("1\n2\n"));
    let put = |key, content: &[u8]| {
        let object = NewObject::new(content.to_vec());
        yard.put_object(BUCKET, key, object)
    };
    let bodies = [
        put("corrupt.parquet", b"PAR1 and nothing else"),
        put("encrypted.parquet", b"PARE1234\x04\x00\x00\x00PARE"),
        put("unknown.bin", b"?"),
        gone,
        replaced,
        put("good.csv", b"1\n2\n3\n"),
        yard.put("good.bin", 4),
    ];
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    let waiting = yard.waiting().await;
    assert_eq!((waiting.rows, waiting.objects, waiting.bytes), (7, 2, 7));
    let uncounted = yard.uncounted().await;
    assert_eq!(
        reasons(&uncounted),
        [
            (
                "corrupt.parquet",
                "the Parquet footer is corrupt: the file does not end with PAR1"
            ),
            ("encrypted.parquet", "the Parquet footer is encrypted"),
            ("gone.csv", "the object is gone"),
            ("replaced.csv", "the object was replaced"),
            (
                "unknown.bin",
                "neither its key nor the policy tells its format"
            ),
        ]
    );
    // The decision says so too.
    let last = yard.bench.decisions().await.pop().unwrap().to_string();
    assert!(last.contains("5 uncountable"), "{last}");

    // What has replaced the one is counted when its own event comes.
    assert_eq!(yard.deliver(&[replacing]).await, BTreeSet::new());
    assert_eq!(yard.waiting().await.rows, 9);
    assert_eq!(yard.uncounted().await.len(), 4);
}

#[tokio::test]
async fn a_corrupt_overwrite_takes_the_rows_of_what_it_overwrote_out() {
    let yard = patient().await;
    let good = yard.put("a.parquet", 5);
    yard.deliver(&[good.clone(), yard.put("b.parquet", 7)])
        .await;
    let corrupt = yard.put_object(BUCKET, "a.parquet", NewObject::new("not Parquet"));
    assert_eq!(yard.deliver(&[corrupt]).await, BTreeSet::new());
    assert_eq!(yard.waiting().await, tally(7, 1));
    assert_eq!(yard.uncounted().await.len(), 1);

    // The good version, told once more, is older; a newer one counts again.
    yard.deliver(&[good]).await;
    assert_eq!(yard.waiting().await, tally(7, 1));
    yard.deliver(&[yard.put("a.parquet", 6)]).await;
    assert_eq!(yard.waiting().await, tally(13, 2));
    assert_eq!(yard.uncounted().await, []);
}

/// A manifest whose objects may not be read is no manifest without rows.
#[tokio::test]
async fn a_manifest_that_lists_a_denied_object_is_returned() {
    let yard = Yard::start(json!({"min_rows": 1_000_000})).await;
    let policy = json!({
        "pipeline": {"name": "fraud-detection-training"},
        "data": {
            "objects": [{"bucket": BUCKET, "prefix": "lists/", "format": "sagemaker_manifest"}],
            "min_rows": 1_000_000,
        },
        "min_interval": "1h",
    });
    let deployment = &yard.bench.deployment;
    deployment
        .put_policy("fraud-detection", &policy.to_string())
        .unwrap();
    let s3 = deployment.sandbox.s3();
    s3.events();
    let list = json!([{"prefix": format!("s3://{BUCKET}/parts/")}, "a.csv"]);
    s3.put_object(BUCKET, "lists/today", NewObject::new(list.to_string()))
        .unwrap();
    let bodies: Vec<Value> = s3.events().iter().map(Event::eventbridge).collect();
    s3.deny_missing(true);
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::from([0]));
    s3.put_object(BUCKET, "parts/a.csv", NewObject::new("1\n2\n"))
        .unwrap();
    assert_eq!(yard.deliver(&bodies).await, BTreeSet::new());
    assert_eq!(yard.waiting().await.rows, 2);
}

/// The controller must not take its own manifests for training data.
#[test]
fn a_policy_whose_manifests_would_be_counted_is_refused() {
    let parse = |manifest: Value| {
        let policy = json!({
            "pipeline": {"name": "p"},
            "parameters": {"ManifestUri": "{manifest_uri|none}"},
            "data": {
                "objects": [{"bucket": BUCKET, "prefix": "training/"}],
                "min_rows": 1,
                "manifest": manifest,
            },
            "min_interval": "1h",
        });
        Policy::parse(&policy.to_string())
    };
    for good in [
        json!({"bucket": PLAIN_BUCKET, "prefix": "training/"}),
        json!({"bucket": BUCKET, "prefix": "manifests/"}),
        json!({"bucket": BUCKET, "prefix": "training/_manifests/"}),
    ] {
        assert!(parse(good.clone()).is_ok(), "{good}");
    }
    for prefix in ["training/", "training/manifests/"] {
        let error = parse(json!({"bucket": BUCKET, "prefix": prefix})).unwrap_err();
        assert_eq!(error.field, "data.manifest", "{prefix}");
    }
}
