use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::types::EncodingType;
use retrain_sandbox::Sandbox;
use retrain_sandbox::s3::{NewObject, Versioning};

use super::{bucket, refusal, refused};

async fn filled() -> (Sandbox, Client) {
    let (sandbox, client) = bucket(Versioning::Enabled).await;
    for key in ["a/1", "a/2", "b/1", "c", "d/é&1"] {
        let new = NewObject::new(key);
        sandbox.s3().put_object("data", key, new).unwrap();
    }
    sandbox
        .s3()
        .put_object("data", "gone", NewObject::new("x"))
        .unwrap();
    sandbox.s3().delete_object("data", "gone").unwrap();
    (sandbox, client)
}

fn list(client: &Client) -> ListObjectsV2FluentBuilder {
    client.list_objects_v2().bucket("data")
}

/// Keys, then common prefixes.
fn found(page: &ListObjectsV2Output) -> Vec<&str> {
    let keys = page.contents().iter().filter_map(|object| object.key());
    let prefixes = page.common_prefixes().iter();
    keys.chain(prefixes.filter_map(|group| group.prefix()))
        .collect()
}

#[tokio::test]
async fn objects_are_listed_in_the_order_of_their_keys_without_the_deleted() {
    let (_sandbox, client) = filled().await;
    let page = list(&client).send().await.unwrap();
    assert_eq!(found(&page), ["a/1", "a/2", "b/1", "c", "d/é&1"]);
    assert_eq!(page.key_count(), Some(5));
    assert_eq!(page.is_truncated(), Some(false));
    let object = &page.contents()[3];
    assert_eq!(object.e_tag(), Some("\"4a8a08f09d37b73795649038408b5f33\""));
    assert_eq!(object.size(), Some(1));
    assert_eq!(object.last_modified().unwrap().secs(), 1_767_571_200);

    let below = list(&client).prefix("a/").start_after("a/1");
    assert_eq!(found(&below.send().await.unwrap()), ["a/2"]);
    let encoded = list(&client).prefix("d").encoding_type(EncodingType::Url);
    assert_eq!(found(&encoded.send().await.unwrap()), ["d/%C3%A9%261"]);
}

#[tokio::test]
async fn a_page_goes_on_where_the_one_before_ended() {
    let (_sandbox, client) = filled().await;
    let mut token = None;
    let mut pages = Vec::new();
    loop {
        let request = list(&client).delimiter("/").max_keys(2);
        let page = request.set_continuation_token(token).send().await.unwrap();
        pages.push(
            found(&page)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        );
        token = page.next_continuation_token;
        assert_eq!(page.is_truncated, Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [["a/", "b/"], ["c", "d/"]]);
}

#[tokio::test]
async fn lists_of_nothing_are_empty_and_mistakes_are_refused() {
    let (_sandbox, client) = filled().await;
    let none = list(&client).prefix("z").send().await.unwrap();
    assert_eq!((found(&none).len(), none.key_count()), (0, Some(0)));
    let bad = list(&client).continuation_token("?");
    assert_eq!(refusal(bad.send().await), refused(400, "InvalidArgument"));
    let nowhere = client.list_objects_v2().bucket("nobody");
    assert_eq!(refusal(nowhere.send().await), refused(404, "NoSuchBucket"));
}
