use terrarium_oci::Reference;
use terrarium_registry::{Client, Error, Options};

use crate::server::{Answer, Asked, Server};

#[tokio::test]
async fn tags_come_in_pages_and_what_is_no_tag_is_left_out() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/v2/a/b/tags/list?n=100" => Answer::new(200, r#"{"name":"a/b","tags":["1","../x","2"]}"#)
            .with("link", r#"</v2/a/b/tags/list?last=2&n=100>; rel="next""#),
        "/v2/a/b/tags/list?last=2&n=100" => Answer::new(200, r#"{"tags":["3","\u001b[2J"]}"#)
            // It leads to itself.
            .with("link", r#"</v2/a/b/tags/list?last=2&n=100>; rel="next""#),
        _ => Answer::new(404, ""),
    })
    .await;
    let client = Client::new(Options::default());
    let reference: Reference = format!("{}/a/b", server.host()).parse().unwrap();
    let first = client.tags(&reference, None).await.unwrap();
    assert_eq!(first.names, ["1", "2"]);
    let second = client
        .tags(&reference, first.next.as_deref())
        .await
        .unwrap();
    assert_eq!(second.names, ["3"]);
    assert_eq!(second.next, None);
}

#[tokio::test]
async fn repositories_are_told_or_not() {
    let open = Server::start(|_| {
        Answer::new(
            200,
            r#"{"repositories":["team/app","UPPER","evil.example:80/x:1"]}"#,
        )
    })
    .await;
    let client = Client::new(Options::default());
    let page = client.repositories(&open.host(), None).await.unwrap();
    assert_eq!(page.names, ["team/app"]);

    let silent = Server::start(|_| Answer::new(404, "")).await;
    let error = client.repositories(&silent.host(), None).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let endless = Server::start(|_| {
        let mut names = std::iter::repeat_with(|| Ok("\"aaaaaaaa\",".repeat(4096).into()));
        Answer::streamed(200, Box::new(std::iter::from_fn(move || names.next())))
    })
    .await;
    let error = client
        .repositories(&endless.host(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}
