//! Tars, for any bytes: members or a clear error, never a panic, and never more than there is.

use std::io::Cursor;

use super::archive::Archive;

#[path = "../../../oci/tests/support/mutate.rs"]
mod mutate;

use mutate::{Mutator, rounds};

/// A tar with what tars can have: long names, attributes, links, a sparse file.
fn seed() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    let long = "d/".repeat(80) + "name";
    builder
        .append_data(&mut header, &long, &b"hello"[..])
        .unwrap();
    let pax: [(&str, &[u8]); 5] = [
        ("path", b"other"),
        ("size", b"5"),
        ("uid", b"3000000"),
        ("mtime", b"-1.5"),
        ("SCHILY.xattr.user.a", b"b"),
    ];
    builder.append_pax_extensions(pax).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    header.set_cksum();
    builder.append(&header, &b"world"[..]).unwrap();
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Directory,
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, "link", "target").unwrap();
    }
    let sparse: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"holes"),
        ("GNU.sparse.realsize", b"4096"),
    ];
    builder.append_pax_extensions(sparse).unwrap();
    let mut data = b"1\n0\n3\n".to_vec();
    data.resize(512, 0);
    data.extend(b"abc");
    let mut header = tar::Header::new_ustar();
    header.set_size(data.len() as u64);
    header.set_cksum();
    builder.append(&header, data.as_slice()).unwrap();
    builder.into_inner().unwrap()
}

/// Most changes of a header end at its sum, so it is made right again, mostly.
fn mend_sums(mutator: &mut Mutator, tar: &mut [u8]) {
    for block in tar.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" && mutator.below(8) > 0 {
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(block);
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
        }
    }
}

#[test]
fn any_bytes_are_members_or_are_refused() {
    let seed = seed();
    let words: [&[u8]; 10] = [
        b"\0",
        b"7777777",
        b"\x80\0\0\0\0\0\0\xff",
        b"11 size=99\n",
        b"9 path=\n",
        b"g",
        b"S",
        b"x",
        b"99999999999 path=a\n",
        b"GNU.sparse.map=0,1,2",
    ];
    let mut mutator = Mutator(3);
    let mut members = 0_u64;
    for _ in 0..rounds(20_000) {
        let mut tar = mutator.input(&[&seed], &words);
        mend_sums(&mut mutator, &mut tar);
        let len = tar.len() as u64;
        let mut archive = Archive::new(Cursor::new(tar));
        let mut found = 0;
        while let Ok(Some(member)) = archive.next() {
            assert!(member.path.len() + member.link.len() <= 2 << 20);
            let mut data = 0;
            while let Ok(bytes) = archive.data(u64::MAX) {
                let taken = bytes.len();
                if taken == 0 {
                    break;
                }
                data += taken as u64;
                archive.consume(taken);
            }
            assert!(data <= member.stored && archive.position() <= len);
            found += 1;
            assert!(found <= len / 512 + 1, "more members than blocks");
        }
        members += found;
    }
    assert!(members > 0, "nothing was ever read");
}
