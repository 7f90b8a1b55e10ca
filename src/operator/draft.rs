//! A file that appears under its name only when it is complete: an interrupted write leaves nothing there.

use super::Failure;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use tempfile::{Builder, TempPath};

/// A temporary file beside the wanted one, which is renamed when it is complete, and removed if it is dropped before.
/// Other users cannot read it.
pub struct Draft {
    wanted: PathBuf,
    file: TempPath,
}

impl Draft {
    /// Makes an empty file.
    ///
    /// # Errors
    /// When there is something of the wanted name already, or the folder cannot be written to.
    pub fn of(wanted: &Path) -> Result<Self, Failure> {
        refuse_taken(wanted)?;
        let mut name = wanted.file_name().unwrap_or_default().to_owned();
        name.push(".");
        let file = Builder::new().prefix(&name).suffix(".part").tempfile_in(folder_of(wanted));
        let file = file.map_err(|cause| about(wanted, &cause))?.into_temp_path();
        Ok(Self { wanted: wanted.to_owned(), file })
    }

    /// Where to write meanwhile.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Syncs the file to disk and renames it.
    ///
    /// # Errors
    /// When a file of that name was created in the meantime, or the disk fails.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { wanted, file } = self;
        File::open(&file).and_then(|file| file.sync_all()).map_err(|cause| about(&file, &cause))?;
        match file.persist_noclobber(&wanted) {
            Ok(()) => sync_folder_of(&wanted),
            Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Err(taken(&wanted)),
            Err(refused) => Err(about(&wanted, &refused.error)),
        }
    }
}

fn refuse_taken(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(taken(path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(about(path, &cause)),
    }
}

fn taken(path: &Path) -> Failure {
    Failure::Told(format!("{} is there already; name a file that is not", path.display()))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the folder of a file, so that its name is on disk.
///
/// # Errors
/// When the disk fails.
pub fn sync_folder_of(file: &Path) -> Result<(), Failure> {
    File::open(folder_of(file)).and_then(|folder| folder.sync_all()).map_err(|cause| about(file, &cause))
}

/// A failure, with the file that it is about.
pub fn about(path: &Path, cause: &Error) -> Failure {
    Failure::Told(format!("{}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read_dir, read_to_string, write};

    #[test]
    fn a_draft_ends_under_its_name_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("copy");
        let draft = Draft::of(&wanted).unwrap();
        write(draft.path(), "whole").unwrap();
        assert!(!wanted.exists());
        draft.finish().unwrap();
        assert_eq!(read_to_string(&wanted).unwrap(), "whole");
        assert_eq!(read_dir(folder.path()).unwrap().count(), 1);
        assert!(Draft::of(&wanted).err().unwrap().to_string().contains("is there already"));
    }

    #[test]
    fn what_breaks_off_leaves_no_file_and_no_name() {
        let folder = tempfile::tempdir().unwrap();
        drop(Draft::of(&folder.path().join("copy")).unwrap());
        assert_eq!(read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_took_the_name_meanwhile_stays_and_so_do_other_drafts() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("copy");
        let (one, other) = (Draft::of(&wanted).unwrap(), Draft::of(&wanted).unwrap());
        write(one.path(), "one").unwrap();
        write(other.path(), "other").unwrap();
        one.finish().unwrap();
        assert!(other.path().exists());
        assert!(other.finish().err().unwrap().to_string().contains("is there already"));
        assert_eq!(read_to_string(&wanted).unwrap(), "one");
    }
}
