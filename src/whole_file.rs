//! Files that are written whole or not at all, and what the operating system has to say about files.
//!
//! The bytes go to a temporary file beside the target, which takes the target's name when all is
//! written: whoever looks sees the old file or the new one, never a part. What is already there stays
//! what it is: a symbolic link goes on pointing to the file that was written, an existing file keeps its
//! permissions, and into a pipe or a device, which nothing can replace, the bytes go directly.
//!
//! Not here: what is written (see `trace` and `report`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// More links than this lead round in a circle.
const MOST_LINKS: u32 = 40;

/// A file that is being written, and is not there yet.
#[derive(Debug)]
pub struct WholeFile {
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A pipe, a device or a socket.
    Direct(File),
    /// What takes the name of the path in the end.
    Temporary(NamedTempFile, PathBuf),
}

impl WholeFile {
    /// Starts a file that will be at `path`.
    ///
    /// # Errors
    /// When `path` is a folder, or its folder is missing or cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let path = behind_links(path)?;
        let target = match fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                Target::Direct(OpenOptions::new().write(true).open(&path)?)
            }
            found => {
                let mut builder = tempfile::Builder::new();
                builder.prefix(".cachesim-");
                // Temporary files are private by default. As any other new file: the user's umask
                // takes away what it should.
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
                let temporary = builder.tempfile_in(folder_of(&path))?;
                if let Ok(found) = found {
                    temporary.as_file().set_permissions(found.permissions())?;
                }
                Target::Temporary(temporary, path)
            }
        };
        Ok(Self { target })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When the operating system refuses; whatever was there before still is.
    pub fn finish(self) -> io::Result<()> {
        match self.target {
            Target::Direct(mut file) => file.flush(),
            Target::Temporary(temporary, path) => temporary
                .persist(path)
                .map(drop)
                .map_err(|error| error.error),
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Direct(file) => file.write(bytes),
            Target::Temporary(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Direct(file) => file.flush(),
            Target::Temporary(file, _) => file.flush(),
        }
    }
}

/// A file without a name, on the disk that `path` will be on if that is an ordinary file.
///
/// # Errors
/// When there is no room for it.
pub fn scratch_for(path: &Path) -> io::Result<File> {
    let path = behind_links(path)?;
    match fs::metadata(&path) {
        Ok(found) if !found.is_file() => tempfile::tempfile(),
        _ => tempfile::tempfile_in(folder_of(&path)),
    }
}

/// The file that `path` leads to, which need not exist: links are followed, folders left as they are.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // A relative link starts at the folder that it is in; an absolute one replaces it.
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its links lead round in a circle"))
}

/// The folder that the file at `path` is in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether two paths lead to one ordinary file that exists. To write over a pipe or a device takes
/// nothing away.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    // A file that does not exist yet has no canonical name, and is no other either.
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other && one.is_file(),
        _ => false,
    }
}

/// What the operating system has to say, for people: without its numbers.
#[must_use]
pub fn readable(error: &io::Error) -> String {
    let said = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::AlreadyExists => "a file is where a folder should be",
        io::ErrorKind::IsADirectory => "it is a folder",
        io::ErrorKind::NotADirectory => "a part of its path is no folder",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full",
        io::ErrorKind::ReadOnlyFilesystem => "the disk can only be read",
        _ => {
            let said = error.to_string();
            let end = said.find(" (os error").unwrap_or(said.len());
            return said[..end].to_owned();
        }
    };
    said.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, bytes: &[u8]) {
        let mut file = WholeFile::create(path).unwrap();
        file.write_all(bytes).unwrap();
        file.finish().unwrap();
    }

    #[test]
    fn numbers_of_the_operating_system_are_not_shown() {
        for number in [2, 5, 13, 17, 20, 21, 24, 28, 30] {
            let said = readable(&io::Error::from_raw_os_error(number));
            assert!(!said.is_empty() && !said.contains("os error"), "{said}");
        }
        assert_eq!(readable(&io::Error::other("odd")), "odd");
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_the_old_one_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        write(&path, b"old");
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn an_existing_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("private");
        write(&path, b"old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, b"new");
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!((fs::read(&path).unwrap(), mode), (b"new".to_vec(), 0o640));
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_what_they_lead_to_is_written() {
        use std::os::unix::fs::symlink;
        let place = tempfile::tempdir().unwrap();
        let in_place = |name: &str| place.path().join(name);
        fs::create_dir(in_place("folder")).unwrap();
        symlink("folder/file", in_place("second")).unwrap();
        symlink(in_place("second"), in_place("first")).unwrap();
        // What the links lead to is made if it is missing, and replaced if it is there.
        for bytes in [b"one", b"two"] {
            write(&in_place("first"), bytes);
            assert_eq!(fs::read(in_place("folder/file")).unwrap(), bytes);
            assert!(in_place("first").is_symlink() && in_place("second").is_symlink());
        }
        assert!(is_same(&in_place("first"), &in_place("folder/file")));
        symlink("round", in_place("round")).unwrap();
        assert!(WholeFile::create(&in_place("round")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_stays_a_pipe_and_gets_the_bytes() {
        use std::os::unix::fs::FileTypeExt as _;
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let reader = std::thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        write(&path, b"through the pipe");
        assert_eq!(reader.join().unwrap(), b"through the pipe");
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
        assert!(!is_same(&path, &path));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_not_written_over() {
        let place = tempfile::tempdir().unwrap();
        let error = WholeFile::create(place.path()).unwrap_err();
        assert_eq!(readable(&error), "it is a folder");
    }
}
