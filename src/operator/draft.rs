//! A file that is there when it is whole, and not before: what breaks off leaves nothing under its name.

use super::Failure;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file beside the one that is wanted, which takes its place in the end; removed when dropped before. Nobody else can read it.
pub struct Draft {
    wanted: PathBuf,
    file: PathBuf,
}

impl Draft {
    /// Makes an empty file.
    ///
    /// # Errors
    /// When there is something of the wanted name already, or the folder cannot be written to.
    pub fn of(wanted: &Path) -> Result<Self, Failure> {
        refuse_taken(wanted)?;
        let mut number = 0_u64;
        loop {
            let mut file = wanted.as_os_str().to_owned();
            file.push(format!(".{number}.part"));
            match File::options().write(true).create_new(true).mode(0o600).open(&file) {
                Ok(_) => return Ok(Self { wanted: wanted.to_owned(), file: file.into() }),
                // One that was broken off, or somebody else's.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(cause) => return Err(about(wanted, &cause)),
            }
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
            Ok(()) => {}
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => return Err(taken(&self.wanted)),
            // What file systems without links say.
            Err(cause) if matches!(cause.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
                refuse_taken(&self.wanted)?;
                std::fs::rename(&self.file, &self.wanted).map_err(|cause| about(&self.wanted, &cause))?;
            }
            Err(cause) => return Err(about(&self.wanted, &cause)),
        }
        sync_folder_of(&self.wanted)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a renaming there is none any more.
        let _ = std::fs::remove_file(&self.file);
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

/// Has the disk keep the name of a file.
///
/// # Errors
/// When the disk fails.
pub fn sync_folder_of(file: &Path) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| about(file, &cause))
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
    fn a_draft_bears_its_name_in_the_end_and_is_alone_then() {
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
    fn whoever_took_the_name_meanwhile_keeps_it_and_other_drafts_stay() {
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
