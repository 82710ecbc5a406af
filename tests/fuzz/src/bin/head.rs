//! The front of a file in the disk tier, `src/cache/disk/head.rs`, included by path because nobody
//! outside its room reads one: what is written is read back, and nothing that differs by a byte is.
//! Not a test of files: those are in `src/cache/disk/tests`.
#![no_main]

#[allow(dead_code)]
#[path = "../../../../src/cache/disk/head.rs"]
mod head;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../src/cache/disk/options.rs"]
mod options;

use head::{Front, HEADER, Place, Placed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((choice, rest)) = data.split_first_chunk::<4>() {
        as_it_came(rest);
        under_a_right_checksum(*choice, rest);
        written(*choice, rest);
    }
});

/// A file from the disk, whatever it is.
fn as_it_came(file: &[u8]) {
    if let Some(front) = Front::decode(file) {
        let end = Front::end(file).expect("it was read to there");
        assert_eq!(front.encode().as_deref(), Some(&file[..end]));
    }
    let _ = Front::end(file);
}

/// No fuzzer finds a CRC-32, so it is put in: what is behind it is read in only one way.
fn under_a_right_checksum(choice: [u8; 4], front: &[u8]) {
    let mut file = Vec::from(&b"unpad-hd\x01\0\0\0"[..]);
    file.extend(u32::try_from(front.len()).expect("a short input").to_le_bytes());
    file.extend([choice[0]; 16]);
    let crc = crc32fast::hash(&[&file, front].concat());
    file.extend(crc.to_le_bytes());
    file.extend(front);
    assert_eq!(Front::end(&file), Some(HEADER + front.len()));
    if let Some(read) = Front::decode(&file) {
        assert_eq!(read.encode().as_ref(), Some(&file), "one form for one front");
        let _ = read.contents(&file);
        let objects = read.references().count();
        assert!(objects <= read.variants.len());
        damaged(choice, &read, &file);
    }
}

/// A front that is written, with the contents behind it: pieces of the input, by lengths in it.
fn written(choice: [u8; 4], mut rest: &[u8]) {
    let mut piece = || {
        let (length, others) = rest.split_first()?;
        let (taken, others) = others.split_at_checked(usize::from(*length))?;
        rest = others;
        Some(taken)
    };
    let Some((owner, key)) = piece().zip(piece()) else { return };
    let (mut variants, mut contents) = (Vec::new(), Vec::new());
    while let Some((head, content)) = piece().zip(piece()) {
        let is_inline = content.len() % 2 == 0;
        let place = if is_inline {
            Place::inline(content).expect("a short content")
        } else {
            Place::Object { length: u64::from(choice[1]) << 40, sha256: [choice[2]; 32] }
        };
        variants.push(Placed { head: head.to_vec().into(), place });
        contents.push(is_inline.then(|| bytes::Bytes::copy_from_slice(content)));
    }
    let text = |bytes| String::from_utf8_lossy(bytes).as_ref().into();
    let id = u128::from_le_bytes([choice[3]; 16]);
    let front = Front { id, owner: text(owner), key: text(key), variants };
    let mut file = front.encode().expect("a short front");
    assert_eq!(Front::end(&file), Some(file.len()));
    for content in contents.iter().flatten() {
        file.extend(content);
    }
    assert_eq!(Front::decode(&file).as_ref(), Some(&front));
    assert_eq!(front.contents(&file).as_ref(), Some(&contents));
    damaged(choice, &front, &file);
}

/// A flipped byte, one too many and one too few are seen, if not by the front then by the contents.
fn damaged(choice: [u8; 4], front: &Front, file: &[u8]) {
    let at = usize::from(u16::from_le_bytes([choice[0], choice[1]])) % file.len();
    let mut other = file.to_vec();
    other[at] ^= choice[2].max(1);
    let whole = |file: &[u8]| Front::decode(file).and_then(|read| read.contents(file));
    if front.contents(file).is_some() {
        assert_eq!(whole(&other), None, "byte {at}");
        assert_eq!(whole(&file[..at]), None, "cut at {at}");
        assert_eq!(whole(&[file, &choice[3..]].concat()), None, "a byte too many");
    } else if at < Front::end(file).expect("a file with a front") {
        assert_eq!(Front::decode(&other), None, "byte {at}");
    }
}
