//! Results that go to clients, some of which do not take them as they should.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use terrarium_buildkit::{
    Error, Session,
    context::{Offered, Pieces, Source, send_file, send_files},
    grpc::{Incoming, Outgoing, Receiving, Status, serve},
    messages::{BytesMessage, Packet, PacketKind, Stat},
};
use tokio_util::sync::CancellationToken;

const METHOD: &str = "/moby.filesync.v1.FileSend/DiffCopy";

/// A session with a client that takes results in this way.
async fn session<F>(take: fn(Receiving, Outgoing, Kept) -> F) -> (Session, Kept)
where
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let kept = Kept::default();
    let keeps = kept.clone();
    tokio::spawn(serve(
        theirs,
        CancellationToken::new(),
        move |call: Incoming| {
            let kept = keeps.clone();
            async move {
                call.stream(|receiving, outgoing| take(receiving, outgoing, kept))
                    .await;
            }
        },
    ));
    let session = Session::open(ours, [METHOD.to_owned()]).await;
    (session.expect("both speak HTTP/2"), kept)
}

/// What a client has got.
type Kept = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

fn offered(files: &[(&str, Option<&'static str>)]) -> Vec<Offered> {
    let files = files.iter();
    let offered = files.map(|(path, text)| {
        let source = text.map(|text| -> Source {
            Arc::new(move |sink| {
                // In pieces that are no packets.
                text.as_bytes()
                    .chunks(3)
                    .try_for_each(|piece| sink.write_all(piece))
            })
        });
        let stat = Stat {
            path: (*path).to_owned(),
            mode: if text.is_none() {
                Stat::FOLDER | 0o755
            } else {
                0o644
            },
            size: text.map_or(0, |text| text.len().try_into().unwrap_or(i64::MAX)),
            ..Stat::default()
        };
        Offered { stat, source }
    });
    offered.collect()
}

fn packet(kind: PacketKind, id: u32) -> Packet {
    Packet {
        kind: kind.into(),
        id,
        ..Packet::default()
    }
}

fn gone(error: Error) -> Status {
    Status::new(Status::UNKNOWN, error.to_string())
}

/// As BuildKit's receiver does it: asks while the list still comes.
async fn receive(mut receiving: Receiving, outgoing: Outgoing, kept: Kept) -> Result<(), Status> {
    let (mut next, mut open, mut listed) = (0, 0, false);
    while let Some(packet) = receiving.next::<Packet>().await.map_err(gone)? {
        match packet.kind() {
            PacketKind::Stat => match packet.stat {
                None => listed = true,
                Some(stat) => {
                    kept.lock().expect("whole").push((stat.path, Vec::new()));
                    if stat.mode & Stat::FOLDER == 0 {
                        open += 1;
                        outgoing
                            .send(&self::packet(PacketKind::Request, next))
                            .await;
                    }
                    next += 1;
                }
            },
            PacketKind::Data if packet.data.is_empty() => open -= 1,
            PacketKind::Data => {
                let mut kept = kept.lock().expect("whole");
                kept[packet.id as usize].1.extend_from_slice(&packet.data);
            }
            PacketKind::Finish => return Ok(()),
            _ => return Err(Status::new(Status::UNKNOWN, "odd")),
        }
        if listed && open == 0 {
            outgoing.send(&self::packet(PacketKind::Finish, 0)).await;
        }
    }
    Err(Status::new(Status::UNKNOWN, "the end never came"))
}

#[tokio::test]
async fn a_client_gets_all_files_that_it_asks_for() {
    let (session, kept) = session(receive).await;
    let files = [
        ("a", None),
        ("a/b", Some("words")),
        ("c", Some("")),
        ("d", Some("more words")),
    ];
    let sent = send_files(&session, 3, offered(&files)).await;
    assert_eq!(sent.expect("it takes them"), 15);
    let kept = kept.lock().expect("whole").clone();
    let expect = files.map(|(path, text)| {
        (
            path.to_owned(),
            text.unwrap_or_default().as_bytes().to_vec(),
        )
    });
    assert_eq!(kept, expect);
}

#[tokio::test]
async fn a_client_that_cannot_write_says_why() {
    let (session, _) = session(|_, outgoing, _| async move {
        let mut error = packet(PacketKind::Error, 0);
        error.data = Bytes::from_static(b"no space left");
        outgoing.send(&error).await;
        Err(Status::new(Status::UNKNOWN, "no space left"))
    })
    .await;
    let sent = send_files(&session, 0, offered(&[("a", Some("x"))])).await;
    let refused = sent.expect_err("it does not take them").to_string();
    assert!(refused.contains("no space left"), "{refused}");
}

#[tokio::test]
async fn a_client_that_asks_for_what_is_not_there_or_twice_is_refused() {
    let (session, _) = session(|_, outgoing, _| async move {
        outgoing.send(&packet(PacketKind::Request, 7)).await;
        std::future::pending().await
    })
    .await;
    let sent = send_files(&session, 0, offered(&[("a", Some("x"))])).await;
    assert!(matches!(sent, Err(Error::Files { .. })), "{sent:?}");
}

#[tokio::test]
async fn a_single_file_comes_whole_or_the_client_says_why_not() {
    let (session, kept) = session(|mut receiving, _, kept| async move {
        let mut bytes = Vec::new();
        while let Some(piece) = receiving.next::<BytesMessage>().await.map_err(gone)? {
            bytes.extend_from_slice(&piece.data);
        }
        kept.lock().expect("whole").push((String::new(), bytes));
        Ok(())
    })
    .await;
    let (mut writer, pieces) = Pieces::new();
    let writing = tokio::task::spawn_blocking(move || {
        writer.write_all(&[7; 300_000])?;
        writer.flush()
    });
    let sent = send_file(&session, 0, pieces).await;
    assert_eq!(sent.expect("it is taken"), 300_000);
    writing.await.expect("it ends").expect("it is taken");
    assert_eq!(kept.lock().expect("whole")[0].1, [7; 300_000]);

    let (session, _) =
        self::session(|_, _, _| async { Err(Status::new(Status::UNKNOWN, "the file exists")) })
            .await;
    let (mut writer, pieces) = Pieces::new();
    let writing = tokio::task::spawn_blocking(move || writer.write_all(&[7; 3_000_000]));
    let refused = send_file(&session, 0, pieces)
        .await
        .expect_err("it is refused");
    assert!(refused.to_string().contains("the file exists"), "{refused}");
    // Who writes is told as well.
    writing
        .await
        .expect("it ends")
        .expect_err("nobody takes it");
}
