use aws_sdk_s3::types::MetadataDirective;
use jiff::SignedDuration;
use retrain_sandbox::s3::{NewObject, Versioning};

use super::{bucket, put, refusal, refused};

#[tokio::test]
async fn an_object_is_read_as_it_was_written() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let written = client
        .put_object()
        .bucket("data")
        .key("churn/a b+c&d.csv")
        .metadata("row-count", "2")
        .content_type("text/csv")
        .content_encoding("identity")
        .body(b"hello\n".to_vec().into())
        .send()
        .await
        .unwrap();
    let etag = "\"b1946ac92492d2347c6235b4d2611184\"";
    assert_eq!(written.e_tag(), Some(etag));
    assert_eq!(written.version_id(), None);

    sandbox.clock().advance(SignedDuration::from_hours(1));
    let get = client.get_object().bucket("data").key("churn/a b+c&d.csv");
    let read = get.send().await.unwrap();
    assert_eq!(read.e_tag(), Some(etag));
    assert_eq!(read.content_length(), Some(6));
    assert_eq!(read.content_type(), Some("text/csv"));
    assert_eq!(read.content_encoding(), Some("identity"));
    assert_eq!(read.metadata().unwrap()["row-count"], "2");
    assert_eq!(read.last_modified().unwrap().secs(), 1_767_571_200);
    assert!(read.checksum_crc32().is_some());
    assert_eq!(&read.body.collect().await.unwrap().to_vec(), b"hello\n");

    let head = client.head_object().bucket("data").key("churn/a b+c&d.csv");
    let described = head.send().await.unwrap();
    assert_eq!(described.content_length(), Some(6));
    assert_eq!(described.e_tag(), Some(etag));
    assert_eq!(described.metadata().unwrap()["row-count"], "2");

    let stored = &sandbox.s3().objects("data").unwrap()[0];
    assert_eq!(stored.key, "churn/a b+c&d.csv");
    assert_eq!(stored.metadata["row-count"], "2");
    assert_eq!((stored.size, &stored.version_id), (6, &None));
}

#[tokio::test]
async fn if_match_reads_only_what_was_announced() {
    let (_sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "hello\n").await;
    let get = || client.get_object().bucket("data").key("k");
    let head = || client.head_object().bucket("data").key("k");
    for etag in [
        "\"b1946ac92492d2347c6235b4d2611184\"",
        "b1946ac92492d2347c6235b4d2611184",
        "*",
    ] {
        assert!(get().if_match(etag).send().await.is_ok(), "{etag}");
    }
    put(&client, "k", "other").await;
    let stale = "\"b1946ac92492d2347c6235b4d2611184\"";
    assert_eq!(
        refusal(get().if_match(stale).send().await),
        refused(412, "PreconditionFailed")
    );
    assert_eq!(refusal(head().if_match(stale).send().await).0, 412);
}

#[tokio::test]
async fn what_is_missing_is_not_found_or_denied() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    put(&client, "k", "1").await;
    let get = || client.get_object().bucket("data");
    let missing = || get().key("none").send();
    let version = || get().key("k").version_id("none").send();
    let head = || client.head_object().bucket("data").key("none").send();
    assert_eq!(refusal(missing().await), refused(404, "NoSuchKey"));
    assert!(
        missing()
            .await
            .unwrap_err()
            .into_service_error()
            .is_no_such_key()
    );
    assert_eq!(refusal(version().await), refused(404, "NoSuchVersion"));
    assert!(
        head()
            .await
            .unwrap_err()
            .into_service_error()
            .is_not_found()
    );

    sandbox.s3().deny_missing(true);
    assert_eq!(refusal(missing().await), refused(403, "AccessDenied"));
    assert_eq!(refusal(version().await), refused(403, "AccessDenied"));
    assert_eq!(refusal(head().await).0, 403);

    let elsewhere = client.get_object().bucket("nobody").key("k");
    assert_eq!(
        refusal(elsewhere.send().await),
        refused(404, "NoSuchBucket")
    );
}

#[tokio::test]
async fn every_version_stays_readable_in_a_bucket_with_versioning() {
    let (_sandbox, client) = bucket(Versioning::Enabled).await;
    let first = put(&client, "k", "one").await.unwrap();
    let second = put(&client, "k", "two").await.unwrap();
    assert_ne!(first, second);
    let get = || client.get_object().bucket("data").key("k");
    let text = async |id: Option<&str>| {
        let request = get().set_version_id(id.map(str::to_owned));
        let read = request.send().await.unwrap();
        let id = read.version_id.clone().unwrap();
        let bytes = read.body.collect().await.unwrap().to_vec();
        (id, String::from_utf8(bytes).unwrap())
    };
    assert_eq!(text(Some(&first)).await, (first.clone(), "one".to_owned()));
    assert_eq!(text(None).await, (second.clone(), "two".to_owned()));

    let delete = || client.delete_object().bucket("data").key("k");
    let marker = delete().send().await.unwrap();
    assert_eq!(marker.delete_marker(), Some(true));
    let marker = marker.version_id.unwrap();
    assert_eq!(refusal(get().send().await), refused(404, "NoSuchKey"));
    assert_eq!(
        refusal(get().version_id(&marker).send().await),
        refused(405, "MethodNotAllowed")
    );
    assert_eq!(text(Some(&second)).await.1, "two");

    let gone = delete().version_id(&marker).send().await.unwrap();
    assert_eq!(gone.delete_marker(), Some(true));
    assert_eq!(text(None).await.1, "two");
    delete().version_id(&second).send().await.unwrap();
    assert_eq!(text(None).await, (first, "one".to_owned()));
}

#[tokio::test]
async fn an_overwrite_and_a_deletion_are_final_without_versioning() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "one").await;
    put(&client, "k", "two").await;
    assert_eq!(sandbox.s3().objects("data").unwrap().len(), 1);
    let delete = || client.delete_object().bucket("data").key("k").send();
    assert_eq!(delete().await.unwrap().delete_marker(), None);
    assert!(sandbox.s3().objects("data").unwrap().is_empty());
    assert!(delete().await.is_ok(), "deleting nothing is no error");
}

#[tokio::test]
async fn a_copy_takes_the_metadata_with_it_or_replaces_it() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let new = NewObject::new("one").metadata("row-count", "1");
    let source = sandbox.s3().put_object("data", "from a", new).unwrap();
    put(&client, "from a", "two").await;
    let id = source.version_id.unwrap();
    let copy = || {
        client
            .copy_object()
            .bucket("data")
            .copy_source(format!("data/from%20a?versionId={id}"))
    };
    let copied = copy().key("to").send().await.unwrap();
    assert_eq!(copied.copy_source_version_id(), Some(id.as_str()));
    let result = copied.copy_object_result().unwrap();
    assert_eq!(
        result.e_tag(),
        Some(format!("\"{}\"", source.etag).as_str())
    );
    assert_eq!(result.last_modified().unwrap().secs(), 1_767_571_200);
    copy()
        .key("other")
        .metadata("row-count", "9")
        .metadata_directive(MetadataDirective::Replace)
        .send()
        .await
        .unwrap();
    let objects = sandbox.s3().objects("data").unwrap();
    let counts: Vec<_> = objects
        .iter()
        .map(|object| (object.key.as_str(), object.metadata.get("row-count")))
        .collect();
    let (one, nine) = ("1".to_owned(), "9".to_owned());
    assert_eq!(
        counts,
        [("from a", None), ("other", Some(&nine)), ("to", Some(&one))]
    );

    let onto_itself = client.copy_object().bucket("data").key("to");
    assert_eq!(
        refusal(onto_itself.copy_source("data/to").send().await),
        refused(400, "InvalidRequest")
    );
}

#[tokio::test]
async fn buckets_are_created_once_and_by_the_rules() {
    let (_sandbox, client) = bucket(Versioning::Disabled).await;
    let create = |name: &str| client.create_bucket().bucket(name).send();
    create("models").await.unwrap();
    assert_eq!(
        refusal(create("models").await),
        refused(409, "BucketAlreadyOwnedByYou")
    );
    assert_eq!(
        refusal(create("Models").await),
        refused(400, "InvalidBucketName")
    );
}

#[tokio::test]
async fn limits_and_the_expected_owner_are_enforced() {
    let (_sandbox, client) = bucket(Versioning::Disabled).await;
    let write = || client.put_object().bucket("data");
    let long = "k".repeat(1025);
    assert_eq!(
        refusal(write().key(&long).send().await),
        refused(400, "KeyTooLongError")
    );
    assert!(write().key(&long[1..]).send().await.is_ok());
    let large = write().key("k").metadata("note", "x".repeat(2048));
    assert_eq!(
        refusal(large.send().await),
        refused(400, "MetadataTooLarge")
    );
    let owned = |account: &str| write().key("k").expected_bucket_owner(account).send();
    assert!(owned("111122223333").await.is_ok());
    assert_eq!(
        refusal(owned("444455556666").await),
        refused(403, "AccessDenied")
    );
}

#[tokio::test]
async fn what_is_not_implemented_is_refused_and_not_overlooked() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let tagged = client.put_object().bucket("data").key("k").tagging("a=b");
    assert_eq!(refusal(tagged.send().await), refused(501, "NotImplemented"));
    let part = client.get_object().bucket("data").key("k").part_number(1);
    assert_eq!(refusal(part.send().await), refused(501, "NotImplemented"));
    let acl = client.get_object_acl().bucket("data").key("k");
    assert_eq!(refusal(acl.send().await), refused(501, "NotImplemented"));
    assert!(sandbox.s3().objects("data").unwrap().is_empty());
    let calls = sandbox.calls().take();
    assert_eq!(calls[2].operation, "GET /data/k?acl");
}
