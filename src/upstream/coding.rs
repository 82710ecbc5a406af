//! Content codings taken off what a portal sent, each layer metered. It puts none on.

use std::io;
use std::pin::Pin;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use futures_util::TryStreamExt;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::io::{AsyncRead, BufReader};
use tokio_util::io::{ReaderStream, StreamReader};

use super::Error;
use super::body::Pieces;
use super::meter::{Bounds, Metered};

/// What is asked for: all that can be taken off, except `deflate`, of which servers disagree what it
/// is (RFC 9110 §8.4.1.2).
pub(super) const ACCEPTED: &str = "gzip, br, zstd";

/// The most content codings taken off one message; real ones have one.
const CODINGS: usize = 3;

/// The window of a zstd frame as a power of two: 8 MiB. RFC 9659 §3: what a decoder of this content
/// coding MUST support is up to and including 8 MB, and an encoder MUST NOT require more. A frame
/// that asks for more is refused before its memory is taken.
const ZSTD_WINDOW_LOG: u32 = 23;

/// The size of decoded pieces.
const PIECE: usize = 64 << 10;

/// A content coding (RFC 9110 §8.4.1) that can be taken off.
#[derive(Debug, Clone, Copy)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// RFC 9110 §8.4: the codings in the order in which they were applied.
pub(super) fn codings(fields: &HeaderMap) -> Result<Vec<Coding>, Error> {
    let mut codings = Vec::new();
    for line in fields.get_all(CONTENT_ENCODING) {
        let names = line.to_str().map_err(|_| Error::Coding)?;
        for name in names.split(',').map(|n| n.trim().to_ascii_lowercase()) {
            codings.push(match name.as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                _ => return Err(Error::Coding),
            });
        }
    }
    if codings.len() > CODINGS {
        return Err(Error::Coding);
    }
    Ok(codings)
}

/// Takes the codings off, last applied first. Every layer is metered, because one that gives nothing
/// on may still take forever.
pub(super) fn decoded(wire: Pieces, codings: Vec<Coding>, bounds: &Bounds) -> Pieces {
    let wire = StreamReader::new(wire.map_err(io::Error::other));
    let mut reader: Pin<Box<dyn AsyncRead + Send>> = Box::pin(Metered::new(wire, None));
    for coding in codings.into_iter().rev() {
        reader = Box::pin(Metered::new(decoder(coding, reader), Some(bounds.clone())));
    }
    Box::pin(ReaderStream::with_capacity(reader, PIECE).map_err(|error| decoding_error(&error)))
}

/// A decoder of all members of a series (RFC 1952 §2.2, RFC 8878 §3), and thereby of nothing but
/// members: what follows a stream is decoded or an error, never dropped.
fn decoder(
    coding: Coding,
    reader: Pin<Box<dyn AsyncRead + Send>>,
) -> Pin<Box<dyn AsyncRead + Send>> {
    let input = BufReader::new(reader);
    match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Deflate => {
            let mut decoder = ZlibDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Brotli => {
            let mut decoder = BrotliDecoder::new(input);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Zstd => {
            let window = DParameter::window_log_max(ZSTD_WINDOW_LOG);
            let mut decoder = ZstdDecoder::with_params(input, &[window]);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
    }
}

/// Our own error from below the decoder, or what the decoder made of broken input.
fn decoding_error(error: &io::Error) -> Error {
    if let Some(own) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return own.clone();
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Incomplete,
        _ => Error::Coding,
    }
}
