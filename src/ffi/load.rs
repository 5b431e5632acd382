//! From a path or bytes of the caller to a rule set.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::contain::trip;
use super::failure::Failure;
use super::status::Status;
use crate::ruleset::{LoadErrorKind, RuleSet, embedded};

/// The largest rule file that is read. A larger one is a mistake (a core dump, a disk image) that
/// must not take the host's memory.
const MAX_FILE: u64 = crate::limits::MAX_FILE as u64;

/// The most of a path that goes into a message, so that the reason still fits.
const SHOWN_PATH: usize = 160;

/// The rule set of the embedded pack. It is parsed once; engines share it.
pub(super) fn from_embedded() -> Result<Arc<RuleSet>, Failure> {
    static PACK: OnceCell<Arc<RuleSet>> = OnceCell::new();
    let rules = PACK.get_or_try_init(|| {
        from_bytes(embedded::pack()).map_err(|failure| failure.in_file("embedded rule pack"))
    })?;
    Ok(Arc::clone(rules))
}

/// The rule set in a file.
pub(super) fn from_file(path: &[u8]) -> Result<Arc<RuleSet>, Failure> {
    if path.is_empty() {
        return Err(Failure::new(
            Status::BadArgument,
            "path is empty; give the path of a .sgt file",
        ));
    }
    let name = shown(path);
    if path.contains(&0) {
        let why = "path contains a NUL byte; path_len must not count the terminator";
        return Err(Failure::new(Status::BadArgument, why).in_file(&name));
    }
    let is_yaml = [&b".yml"[..], b".yaml"].iter().any(|end| path.ends_with(end));
    read(path).and_then(|bytes| parse(&bytes, is_yaml)).map_err(|failure| failure.in_file(&name))
}

/// The rule set in the caller's bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Arc<RuleSet>, Failure> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    parse(bytes, false)
}

fn parse(bytes: &[u8], named_yaml: bool) -> Result<Arc<RuleSet>, Failure> {
    trip(bytes);
    RuleSet::from_bytes(bytes).map(Arc::new).map_err(|error| {
        if error.kind == LoadErrorKind::NotSgt && (named_yaml || looks_like_yaml(bytes)) {
            return Failure::new(
                Status::NotSgt,
                "this is YAML, not a compiled rule file; run `sigmatag compile RULES.yml -o \
                 rules.sgt` and give rules.sgt",
            );
        }
        Failure::from(error)
    })
}

/// Reads a regular file up to the limit.
fn read(path: &[u8]) -> Result<Vec<u8>, Failure> {
    let io = |what: &str, error: std::io::Error| {
        Failure::new(Status::Io, format!("cannot be {what}: {error}"))
    };
    // O_NONBLOCK: opening a FIFO must not hang the host; regular files do not care. O_NOCTTY: nor
    // must a terminal become the host's. O_CLOEXEC is std's default and repeated because the host
    // may start children while we read.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(OsStr::from_bytes(path))
        .map_err(|error| io("opened", error))?;
    let metadata = file.metadata().map_err(|error| io("examined", error))?;
    let kind = metadata.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() {
            "a directory"
        } else if kind.is_fifo() {
            "a FIFO"
        } else {
            "a device or socket"
        };
        let why = format!("is {what}, not a regular file; give the path of a .sgt file");
        return Err(Failure::new(Status::Io, why));
    }
    if metadata.len() > MAX_FILE {
        return Err(too_large(metadata.len()));
    }
    read_all(&mut file, metadata.len() as usize)
        .map_err(|error| io("read", error))?
        .ok_or_else(|| {
            Failure::new(Status::NoMemory, format!("no memory for its {} bytes", metadata.len()))
        })
        .and_then(|bytes| {
            // The file may have grown since it was measured.
            if bytes.len() as u64 > MAX_FILE {
                Err(too_large(bytes.len() as u64))
            } else {
                Ok(bytes)
            }
        })
}

/// All bytes of a file, at most one more than the limit; `None` if there is no memory for `size`.
fn read_all(file: &mut File, size: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // One byte more, so that the end is seen without growing.
    if bytes.try_reserve_exact(size + 1).is_err() {
        return Ok(None);
    }
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn too_large(size: u64) -> Failure {
    Failure::new(
        Status::TooLarge,
        format!("{size} bytes; the limit for a rule file is {MAX_FILE}. Compile fewer rules"),
    )
}

/// A path for messages: its end, as text.
fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let count = text.chars().count();
    if count <= SHOWN_PATH {
        return text.into_owned();
    }
    let end: String = text.chars().skip(count - SHOWN_PATH).collect();
    format!("...{end}")
}

/// Whether bytes are text of the kind that rules are written in: the commonest mistake is to give
/// the rules themselves.
fn looks_like_yaml(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The cut may have split the last character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or("")
        }
        Err(_) => return false,
    };
    let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    is_text
        && text.trim_start_matches('\u{feff}').lines().any(|line| {
            let line = line.trim();
            line == "---" || line.ends_with(':') || line.contains(": ")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_told_from_other_bytes() {
        assert!(looks_like_yaml(b"title: DROP TABLE\nlogsource:\n  product: mysql\n"));
        assert!(looks_like_yaml("\u{feff}---\r\ntitle: x\r\n".as_bytes()));
        assert!(looks_like_yaml(b"# comment\ndetection:\n"));
        let cut = format!("title: {}", "ä".repeat(4000));
        assert!(looks_like_yaml(&cut.as_bytes()[..4096]));
        assert!(!looks_like_yaml(b""));
        assert!(!looks_like_yaml(b"\x7fELF\x02\x01: "));
        assert!(!looks_like_yaml(b"\xff\xfe: \n"));
        assert!(!looks_like_yaml(b"plain words"));
    }

    #[test]
    fn a_path_is_shown_by_its_end() {
        assert_eq!(shown(b"/etc/rules.sgt"), "/etc/rules.sgt");
        let long = [b'x'; 500];
        assert_eq!(shown(&long).len(), SHOWN_PATH + 3);
        assert!(shown(&long).starts_with("..."));
        assert_eq!(shown(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        for (path, status, words) in [
            (&b""[..], Status::BadArgument, "path is empty"),
            (b"/tmp/a\0b", Status::BadArgument, "NUL"),
            (b"/", Status::Io, "is a directory"),
            (b"/dev/null", Status::Io, "a device"),
            (b"/nonexistent/rules.sgt", Status::Io, "cannot be opened"),
        ] {
            let failure = from_file(path).err().expect("no rule set");
            assert_eq!(failure.status, status, "{}", failure.message);
            assert!(failure.message.contains(words), "{}", failure.message);
        }
    }

    #[test]
    fn a_fifo_does_not_hang() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fifo");
        let status = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
        assert!(status.success());
        let failure = from_file(path.as_os_str().as_bytes()).err().expect("no rule set");
        assert_eq!(failure.status, Status::Io);
        assert!(failure.message.contains("is a FIFO"), "{}", failure.message);
    }

    #[test]
    fn a_huge_file_is_refused_without_being_read() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(MAX_FILE + 1).expect("sparse");
        let failure = from_file(file.path().as_os_str().as_bytes()).err().expect("no rule set");
        assert_eq!(failure.status, Status::TooLarge);
        let size = format!("{} bytes", MAX_FILE + 1);
        assert!(failure.message.contains(&size), "{}", failure.message);
    }
}
