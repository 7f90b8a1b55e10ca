//! Atomic file creation: a file gets its name only once it is complete.

use super::Failure;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempPath};

/// A temporary file beside the target. [`AtomicFile::finish`] renames it; dropping removes it. Other users cannot read it.
pub struct AtomicFile {
    target: PathBuf,
    file: TempPath,
}

impl AtomicFile {
    /// Creates an empty temporary file.
    ///
    /// # Errors
    /// When the target already exists, or its folder is not writable.
    pub fn create(target: &Path) -> Result<Self, Failure> {
        refuse_existing(target)?;
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".");
        let file = Builder::new().prefix(&name).suffix(".part").tempfile_in(folder_of(target));
        let file = file.map_err(|cause| io_failure(target, &cause))?.into_temp_path();
        Ok(Self { target: target.to_owned(), file })
    }

    /// The path of the temporary file.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Syncs the file to disk and renames it.
    ///
    /// # Errors
    /// When a file with that name was created in the meantime, or the disk fails.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { target, file } = self;
        File::open(&file).and_then(|file| file.sync_all()).map_err(|cause| io_failure(&file, &cause))?;
        match file.persist_noclobber(&target) {
            Ok(()) => sync_folder_of(&target),
            Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Err(already_exists(&target)),
            Err(refused) => Err(io_failure(&target, &refused.error)),
        }
    }
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(already_exists(path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(io_failure(path, &cause)),
    }
}

fn already_exists(path: &Path) -> Failure {
    Failure::Message(format!("{} already exists; choose another file", path.display()))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the folder of a file, so that the file's name is on disk.
///
/// # Errors
/// When the disk fails.
pub fn sync_folder_of(file: &Path) -> Result<(), Failure> {
    File::open(folder_of(file)).and_then(|folder| folder.sync_all()).map_err(|cause| io_failure(file, &cause))
}

/// An I/O failure that names its file.
pub fn io_failure(path: &Path, cause: &Error) -> Failure {
    Failure::Message(format!("{}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read_dir, read_to_string, write};

    #[test]
    fn a_finished_file_gets_its_name_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        let draft = AtomicFile::create(&target).unwrap();
        write(draft.path(), "whole").unwrap();
        assert!(!target.exists());
        draft.finish().unwrap();
        assert_eq!(read_to_string(&target).unwrap(), "whole");
        assert_eq!(read_dir(folder.path()).unwrap().count(), 1);
        assert!(AtomicFile::create(&target).err().unwrap().to_string().contains("already exists"));
    }

    #[test]
    fn a_dropped_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(AtomicFile::create(&folder.path().join("copy")).unwrap());
        assert_eq!(read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_created_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        let (one, other) = (AtomicFile::create(&target).unwrap(), AtomicFile::create(&target).unwrap());
        write(one.path(), "one").unwrap();
        write(other.path(), "other").unwrap();
        one.finish().unwrap();
        assert!(other.path().exists());
        assert!(other.finish().err().unwrap().to_string().contains("already exists"));
        assert_eq!(read_to_string(&target).unwrap(), "one");
    }
}
