use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use retrain_sandbox::s3::Versioning;

use super::{bucket, refusal, refused};

/// Uploads an object in parts.
pub(super) async fn upload(client: &Client, key: &str, parts: &[&str]) -> String {
    let id = begin(client, key).await;
    let mut completed = Vec::new();
    for (number, part) in (1..).zip(parts) {
        completed.push(send_part(client, key, &id, number, part).await);
    }
    let done = complete(client, key, &id, completed);
    done.send().await.unwrap().e_tag.unwrap()
}

async fn begin(client: &Client, key: &str) -> String {
    let create = client.create_multipart_upload().bucket("data").key(key);
    let created = create.metadata("row-count", "7").send().await.unwrap();
    created.upload_id.unwrap()
}

async fn send_part(client: &Client, key: &str, id: &str, number: i32, part: &str) -> CompletedPart {
    let request = client.upload_part().bucket("data").key(key).upload_id(id);
    let body = part.as_bytes().to_vec().into();
    let sent = request.part_number(number).body(body).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .e_tag(sent.e_tag.unwrap())
        .build()
}

fn complete(
    client: &Client,
    key: &str,
    id: &str,
    parts: Vec<CompletedPart>,
) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder
{
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let request = client.complete_multipart_upload().bucket("data").key(key);
    request.upload_id(id).multipart_upload(parts.build())
}

#[tokio::test]
async fn a_streamed_body_is_unchunked_and_its_trailing_checksum_verified() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let expected = std::fs::read(file).unwrap();
    let body = ByteStream::from_path(file).await.unwrap();
    let write = client.put_object().bucket("data").key("k").body(body);
    write.send().await.unwrap();
    let get = client.get_object().bucket("data").key("k");
    let read = get.send().await.unwrap();
    assert_eq!(read.content_encoding(), None);
    assert!(read.checksum_crc32().is_some());
    assert_eq!(read.body.collect().await.unwrap().to_vec(), expected);
    assert_eq!(sandbox.s3().events().len(), 1);
}

#[tokio::test]
async fn every_checksum_of_the_sdk_is_verified_on_both_ways() {
    let (_sandbox, client) = bucket(Versioning::Disabled).await;
    let write = || client.put_object().bucket("data").key("k");
    let body = || ByteStream::from_static(b"123456789");
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha256,
    ] {
        let request = write().body(body()).checksum_algorithm(algorithm);
        request.send().await.unwrap();
        let get = client.get_object().bucket("data").key("k");
        let read = get.send().await.unwrap();
        assert_eq!(read.body.collect().await.unwrap().to_vec(), b"123456789");
    }
    let wrong = write().body(body()).checksum_crc32("AAAAAA==");
    assert_eq!(refusal(wrong.send().await), refused(400, "BadDigest"));
    let sha1 = write()
        .body(body())
        .checksum_algorithm(ChecksumAlgorithm::Sha1);
    assert_eq!(refusal(sha1.send().await), refused(501, "NotImplemented"));
}

#[tokio::test]
async fn parts_make_an_object_whose_etag_is_no_md5() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let large = "a".repeat(5 * 1024 * 1024);
    let etag = upload(&client, "k", &[&large, "b"]).await;
    // The MD5 of the MD5s of the two parts.
    assert_eq!(etag, "\"e5a8c5272b26fc10581a21089559b006-2\"");
    let stored = &sandbox.s3().objects("data").unwrap()[0];
    assert_eq!(stored.size, 5 * 1024 * 1024 + 1);
    assert_eq!(stored.metadata["row-count"], "7");
    let events = sandbox.s3().events();
    let event = events[0].eventbridge();
    assert_eq!(events.len(), 1);
    assert_eq!(event["detail"]["object"]["size"], stored.size);
    assert_eq!(event["detail"]["object"]["etag"], stored.etag);
}

#[tokio::test]
async fn uploads_that_do_not_add_up_are_refused() {
    let (sandbox, client) = bucket(Versioning::Disabled).await;
    let id = begin(&client, "k").await;
    let one = send_part(&client, "k", &id, 1, "1").await;
    let two = send_part(&client, "k", &id, 2, "2").await;
    let wrong = CompletedPart::builder()
        .part_number(1)
        .e_tag("none")
        .build();
    for (parts, code) in [
        (vec![two.clone(), one.clone()], "InvalidPartOrder"),
        (vec![one.clone(), two.clone()], "EntityTooSmall"),
        (vec![wrong], "InvalidPart"),
        (Vec::new(), "MalformedXML"),
    ] {
        let result = complete(&client, "k", &id, parts).send().await;
        assert_eq!(refusal(result), refused(400, code));
    }
    let other = complete(&client, "other", &id, vec![one.clone()]);
    assert_eq!(refusal(other.send().await), refused(404, "NoSuchUpload"));

    let abort = client.abort_multipart_upload().bucket("data").key("k");
    abort.upload_id(&id).send().await.unwrap();
    let late = complete(&client, "k", &id, vec![one]);
    assert_eq!(refusal(late.send().await), refused(404, "NoSuchUpload"));
    assert!(sandbox.s3().events().is_empty());
}
