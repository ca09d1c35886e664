use aws_sdk_s3::Client;
use retrain_sandbox::s3::{Content, NewObject, Versioning};

use super::{bucket, put, refusal, refused};

const GIBIBYTE: u64 = 1 << 30;

/// A gibibyte that ends like a Parquet file and counts its bytes before.
fn huge() -> Content {
    Content::generated(GIBIBYTE, |offset, bytes| {
        for (byte, at) in bytes.iter_mut().zip(offset..) {
            *byte = match GIBIBYTE - at {
                left @ 1..=4 => b"1RAP"[usize::try_from(left).unwrap() - 1],
                _ => u8::try_from(at % 251).unwrap(),
            };
        }
    })
}

async fn read(client: &Client, key: &str, range: &str) -> (Option<String>, Vec<u8>) {
    let get = client.get_object().bucket("data").key(key).range(range);
    let part = get.send().await.unwrap();
    let range = part.content_range.clone();
    let length = part.content_length().unwrap();
    let bytes = part.body.collect().await.unwrap().to_vec();
    assert_eq!(usize::try_from(length), Ok(bytes.len()));
    (range, bytes)
}

#[tokio::test]
async fn ranges_from_the_start_the_middle_and_the_end_are_read() {
    let (_sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "0123456789").await;
    for (range, sent, bytes) in [
        ("bytes=0-3", "bytes 0-3/10", "0123"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=8-99", "bytes 8-9/10", "89"),
        ("bytes=-4", "bytes 6-9/10", "6789"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
    ] {
        let expected = (Some(sent.to_owned()), bytes.as_bytes().to_vec());
        assert_eq!(read(&client, "k", range).await, expected, "{range}");
    }
    let head = client.head_object().bucket("data").key("k");
    let described = head.range("bytes=-4").send().await.unwrap();
    assert_eq!(described.content_length(), Some(4));
}

#[tokio::test]
async fn ranges_that_cannot_be_sent_are_refused() {
    let (_sandbox, client) = bucket(Versioning::Disabled).await;
    put(&client, "k", "0123456789").await;
    put(&client, "empty", "").await;
    let get = |key: &str, range: &str| {
        let get = client.get_object().bucket("data").key(key);
        get.range(range).send()
    };
    let refusal_of = async |key, range| refusal(get(key, range).await);
    let unsatisfiable = refused(416, "InvalidRange");
    assert_eq!(refusal_of("k", "bytes=10-").await, unsatisfiable);
    assert_eq!(refusal_of("k", "bytes=-0").await, unsatisfiable);
    assert_eq!(refusal_of("empty", "bytes=-8").await, unsatisfiable);
    assert_eq!(
        refusal_of("k", "bytes=0-1,3-4").await,
        refused(501, "NotImplemented")
    );
}

#[tokio::test]
async fn the_ends_of_a_gibibyte_are_read_without_its_memory() {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    let stored = sandbox
        .s3()
        .put_object("data", "huge.parquet", NewObject::new(huge()))
        .unwrap();
    assert_eq!(stored.size, GIBIBYTE);
    assert!(stored.etag.ends_with("-128"), "{}", stored.etag);

    let (range, tail) = read(&client, "huge.parquet", "bytes=-8").await;
    assert_eq!(range.unwrap(), "bytes 1073741816-1073741823/1073741824");
    assert_eq!(&tail[4..], b"PAR1");
    let (_, start) = read(&client, "huge.parquet", "bytes=250-252").await;
    assert_eq!(start, [250, 0, 1]);

    // The whole is sent as it is read, so its start can be had alone.
    let get = client.get_object().bucket("data").key("huge.parquet");
    let mut whole = get.send().await.unwrap();
    assert_eq!(whole.content_length(), Some(1 << 30));
    let first = whole.body.try_next().await.unwrap().unwrap();
    assert_eq!(&first[..3], [0, 1, 2]);
}
