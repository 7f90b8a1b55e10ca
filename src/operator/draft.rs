//! A file that is there when it is whole, and not before: what breaks off leaves nothing under its name.

use super::Failure;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file beside the one that is wanted, which takes its place in the end; removed when dropped before.
pub struct Draft {
    wanted: PathBuf,
    file: PathBuf,
}

impl Draft {
    /// Makes no file yet.
    ///
    /// # Errors
    /// When there is something of the wanted name already.
    pub fn of(wanted: &Path) -> Result<Self, Failure> {
        match wanted.symlink_metadata() {
            Ok(_) => Err(taken(wanted)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                let mut file = wanted.as_os_str().to_owned();
                file.push(format!(".{}.part", std::process::id()));
                Ok(Self { wanted: wanted.to_owned(), file: file.into() })
            }
            Err(cause) => Err(about(wanted, &cause)),
        }
    }

    /// Where to write meanwhile.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Gives it its name, once all of it is on the disk.
    ///
    /// # Errors
    /// When something has got that name meanwhile, or the disk fails.
    pub fn finish(self) -> Result<(), Failure> {
        File::open(&self.file).and_then(|file| file.sync_all()).map_err(|cause| about(&self.file, &cause))?;
        // A link, since a renaming would replace what is there.
        match std::fs::hard_link(&self.file, &self.wanted) {
            Ok(()) => Ok(()),
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Err(taken(&self.wanted)),
            // File systems without links.
            Err(_) => std::fs::rename(&self.file, &self.wanted).map_err(|cause| about(&self.wanted, &cause)),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // There is none any more after a renaming, and none yet where nothing could be written.
        let _ = std::fs::remove_file(&self.file);
    }
}

fn taken(path: &Path) -> Failure {
    Failure::Told(format!("{} is there already; name a file that is not", path.display()))
}

fn about(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::Told(format!("{}: {cause}", path.display()))
}
