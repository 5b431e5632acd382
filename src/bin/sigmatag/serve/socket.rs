//! The socket's place in the file system.

use crate::failure::Failure;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket that listens.
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
    /// Device and inode: another may have taken the path.
    identity: Option<(u64, u64)>,
}

impl Socket {
    /// Makes the socket. Nobody can connect before it has its permissions, and one that a server left
    /// behind is replaced at once.
    ///
    /// # Errors
    /// If something else is at the path, a server listens there, or it cannot be made.
    pub fn bind(path: &Path, mode: u32) -> Result<Socket, Failure> {
        check_free(path)?;
        let failed = |error: io::Error| Failure::file(path, "made", &error);
        // A folder that only we may enter, beside the path: moving within a file system is one step.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let private = folder.join(format!(".sigmatag-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&private).map_err(failed)?;
        let inside = private.join("s");
        let bound = UnixListener::bind(&inside).and_then(|listener| {
            fs::set_permissions(&inside, Permissions::from_mode(mode))?;
            fs::rename(&inside, path)?;
            Ok(listener)
        });
        let _ = fs::remove_file(&inside);
        let _ = fs::remove_dir(&private);
        let listener = bound.map_err(failed)?;
        let identity = identity(path);
        Ok(Socket { path: path.to_owned(), listener, identity })
    }

    /// To accept from.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub fn listener(&self) -> Result<UnixListener, Failure> {
        self.listener.try_clone().map_err(|error| Failure::file(&self.path, "used", &error))
    }

    /// Ends every `accept`, and removes the path if it is still ours.
    pub fn close(self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
        let _ = UnixStream::from(OwnedFd::from(self.listener)).shutdown(Shutdown::Both);
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Whether the path is free, or a socket at which nobody listens.
fn check_free(path: &Path) -> Result<(), Failure> {
    let taken = |what: &str| Err(Failure::Unusable(format!("{}: {what}", path.display())));
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::file(path, "looked at", &error)),
    };
    if !found.file_type().is_socket() {
        return taken("is there and no socket: choose another path");
    }
    match UnixStream::connect(path) {
        Ok(_) => taken("another server listens there: end it, or choose another path"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(Failure::file(path, "connected to", &error)),
    }
}
