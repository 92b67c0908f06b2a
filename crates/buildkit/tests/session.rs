//! Sessions with clients that keep to the rules, and with some that do not.

use std::{io::Read as _, sync::Arc};

use bytes::Bytes;
use terrarium_buildkit::{
    Agents, Error, Session, Sessions,
    context::{Wish, receive},
    grpc::{Incoming, Status, serve},
    messages::{BytesMessage, Empty, Packet, PacketKind, SecretRequest, SecretResponse, Stat},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_util::sync::CancellationToken;

const METHODS: [&str; 4] = [
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
];

/// A connection to a client that sends these packets at once.
fn client(packets: Vec<Packet>) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    tokio::spawn(serve(theirs, CancellationToken::new(), move |call| {
        answer(call, packets.clone())
    }));
    ours
}

async fn session(packets: Vec<Packet>) -> Arc<Session> {
    let methods = METHODS.map(str::to_owned);
    let session = Session::open(client(packets), methods).await;
    Arc::new(session.expect("both speak HTTP/2"))
}

async fn answer(mut call: Incoming, packets: Vec<Packet>) {
    match call.method.rsplit('/').next() {
        Some("DiffCopy") => {
            call.stream(|mut receiving, outgoing| async move {
                for packet in packets {
                    outgoing.send(&packet).await;
                }
                let gone = |_| Status::new(Status::CANCELED, "gone");
                while let Some(packet) = receiving.next::<Packet>().await.map_err(gone)? {
                    for packet in reply(&packet) {
                        outgoing.send(&packet).await;
                    }
                }
                Ok(())
            })
            .await;
        }
        Some("GetSecret") => {
            let asked: SecretRequest = call.question().await.expect("a question");
            let found = match asked.id.as_str() {
                "known" => Ok(SecretResponse {
                    data: Bytes::from_static(b"hush"),
                }),
                "large" => Ok(SecretResponse {
                    data: vec![0; 1 << 20].into(),
                }),
                "odd" => Err(Status::new(Status::UNKNOWN, "100% 안 돼요")),
                _ => Err(Status::new(Status::NOT_FOUND, "none")),
            };
            call.reply(async { found }).await;
        }
        Some("CheckAgent") => call.reply(async { Ok(Empty {}) }).await,
        Some("ForwardAgent") => {
            call.stream(|mut receiving, outgoing| async move {
                while let Ok(Some(message)) = receiving.next::<BytesMessage>().await {
                    let data = message.data.to_ascii_uppercase().into();
                    outgoing.send(&BytesMessage { data }).await;
                }
                Ok(())
            })
            .await;
        }
        _ => {}
    }
}

/// What a client says to a request for bytes, and to the end.
fn reply(packet: &Packet) -> Vec<Packet> {
    let data = |data: &'static [u8]| Packet {
        kind: PacketKind::Data.into(),
        id: packet.id,
        data: Bytes::from_static(data),
        ..Packet::default()
    };
    match packet.kind() {
        PacketKind::Request => vec![data(b"by"), data(b"te"), data(b"")],
        PacketKind::Finish => vec![packet.clone()],
        _ => Vec::new(),
    }
}

fn file(path: &str, mode: u32, size: i64) -> Packet {
    let stat = Stat {
        path: path.to_owned(),
        mode,
        size,
        ..Stat::default()
    };
    Packet {
        stat: Some(stat),
        ..Packet::default()
    }
}

fn context() -> Wish {
    Wish {
        folder: "context".to_owned(),
        ..Wish::default()
    }
}

#[tokio::test]
async fn files_come_whole_however_many_there_are() {
    let mut packets: Vec<Packet> = (0..500)
        .map(|number| file(&format!("f{number:03}"), 0o644, 4))
        .collect();
    packets.push(Packet::default());
    let received = receive(&*session(packets).await, &context(), None).await;
    let mut received = received.expect("they come");
    assert_eq!(received.bytes, 2000);
    std::io::Seek::rewind(&mut received.tar).expect("a file");
    let mut count = 0;
    for entry in tar::Archive::new(received.tar).entries().expect("a tar") {
        let mut text = String::new();
        let mut entry = entry.expect("a file");
        entry.read_to_string(&mut text).expect("text");
        assert_eq!(text, "byte");
        count += 1;
    }
    assert_eq!(count, 500);
}

#[tokio::test]
async fn a_client_that_breaks_the_rules_is_told_apart_from_one_that_fails() {
    let error = |text: &'static str| Packet {
        kind: PacketKind::Error.into(),
        data: Bytes::from_static(text.as_bytes()),
        ..Packet::default()
    };
    let cases = [
        (vec![file("../x", 0, 1)], "leads elsewhere"),
        (vec![file("/etc/shadow", 0, 1)], "leads elsewhere"),
        (vec![file("b", 0, 0), file("a", 0, 0)], "out of order"),
        (vec![file("x", 0, i64::MAX)], "impossible size"),
        // More comes than was announced.
        (vec![file("x", 0o644, 3), Packet::default()], "changed"),
        // Less comes.
        (vec![file("x", 0o644, 9), Packet::default()], "changed"),
        (vec![error("permission denied")], "permission denied"),
    ];
    for (packets, reason) in cases {
        let received = receive(&*session(packets).await, &context(), None).await;
        let refused = received.expect_err("it is refused").to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[tokio::test]
async fn secrets_are_given_missing_or_refused() {
    let session = session(Vec::new()).await;
    let known = session.secret("known").await.expect("it is there");
    assert_eq!(known.as_deref(), Some(&b"hush"[..]));
    assert_eq!(session.secret("none").await.expect("it says so"), None);
    let large = session.secret("large").await;
    assert!(matches!(large, Err(Error::TooLarge(_))));
    let odd = session.secret("odd").await.expect_err("it is refused");
    assert!(odd.to_string().ends_with("100% 안 돼요"), "{odd}");
    // A client that does not answer such calls is not asked.
    assert!(session.credentials("any").await.expect("nothing").is_none());
}

#[tokio::test]
async fn an_agent_is_spoken_to_through_a_socket() {
    let session = session(Vec::new()).await;
    assert!(session.has_agent("default").await);
    let root = tempfile::tempdir().expect("a folder");
    let mut agents = Agents::within(&root.path().join("builds")).expect("a folder");
    let path = agents.forward(&session, "default").expect("a socket");
    let mut stream = tokio::net::UnixStream::connect(&path)
        .await
        .expect("it is there");
    stream.write_all(b"question").await.expect("it is open");
    stream.shutdown().await.expect("it is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    assert_eq!(answer, "QUESTION");
    drop(agents);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_session_is_found_by_its_name_as_long_as_the_client_stays() {
    let sessions = Sessions::default();
    let (waiting, late) = (sessions.clone(), sessions.clone());
    let found = tokio::spawn(async move { waiting.get("mine").await.map(|_| ()) });
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let closing = CancellationToken::new();
    let client = tokio::spawn(serve(theirs, closing.clone(), |_| async {}));
    let served = tokio::spawn(async move {
        let session = Session::open(ours, Vec::new()).await?;
        late.serve("mine", session).await;
        Ok::<_, Error>(())
    });
    found.await.expect("it ends").expect("it connects");
    closing.cancel();
    client.await.expect("it ends").expect("it left well");
    served.await.expect("it ends").expect("it was served");
}
