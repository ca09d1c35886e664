//! The programs that the emulator runs: built already, and of the sources that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use super::lambda::workspace;
use super::template::Function;

/// Where the binaries of functions are, by name: those of `LAMBDA_BINARIES`, where
/// cargo-lambda puts them, or else those of this profile, which are looked at once.
pub(super) fn binaries(functions: &[Function]) -> &'static BTreeMap<String, PathBuf> {
    static BINARIES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let packaged = std::env::var_os("LAMBDA_BINARIES").map(PathBuf::from);
    let path = |name: &str| match &packaged {
        Some(folder) => folder.join(name).join("bootstrap"),
        None => built(name, name, "src/main.rs"),
    };
    let names = functions.iter().map(|function| &function.name);
    BINARIES.get_or_init(|| names.map(|name| (name.clone(), path(name))).collect())
}

/// What Cargo has built of a package, beside this test. `cargo test --workspace` builds it
/// before any test runs; a test that built it itself would wait for whoever else is building.
pub(super) fn built(binary: &str, package: &str, root: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let dependencies = this.parent().unwrap();
    let binary = dependencies.parent().unwrap().join(binary);
    let packages = packages_of(package);
    let mut sources = vec![PathBuf::from(format!("crates/{package}/{root}"))];
    sources.extend(
        packages
            .iter()
            .flat_map(|one| sources_of(one, dependencies)),
    );
    if let Err(why) = is_fresh(&binary, &sources) {
        panic!("{why}: run `cargo build --workspace --bins --examples`, or test the workspace");
    }
    binary
}

/// The packages of the workspace of which a package is made, itself among them.
fn packages_of(package: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(package) = open.pop() {
        let manifest = workspace().join("crates").join(&package).join("Cargo.toml");
        let Ok(manifest) = fs::read_to_string(manifest) else {
            // Of somebody else's.
            continue;
        };
        if found.insert(package) {
            let (_, rest) = manifest.split_once("[dependencies]").unwrap_or_default();
            let listed = rest.lines().take_while(|line| !line.starts_with('['));
            let names = listed.filter_map(|line| line.split(['.', ' ']).next());
            open.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    found
}

/// The sources of a package's library, as the compiler has listed them most recently.
fn sources_of(package: &str, dependencies: &Path) -> Vec<PathBuf> {
    let name = package.replace('-', "_");
    let is_list = |path: &Path| {
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let (of, hash) = stem.rsplit_once('-').unwrap_or_default();
        // A test of the library has a list, too, and no library.
        let library = dependencies.join(format!("lib{of}-{hash}.rlib"));
        of == name && path.extension() == Some(OsStr::new("d")) && library.exists()
    };
    let files = fs::read_dir(dependencies).unwrap().flatten();
    let lists = files.map(|file| file.path()).filter(|path| is_list(path));
    let newest = lists.max_by_key(|path| modified(path));
    let text = newest.and_then(|path| fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let (_, sources) = text
        .lines()
        .next()
        .and_then(|line| line.split_once(": "))
        .unwrap_or_default();
    sources.split_whitespace().map(PathBuf::from).collect()
}

/// Whether a binary is there and not older than a source.
fn is_fresh(binary: &Path, sources: &[PathBuf]) -> Result<(), String> {
    let Some(built_at) = modified(binary) else {
        return Err(format!("{} is not built", binary.display()));
    };
    let newer =
        |source: &&PathBuf| modified(&workspace().join(source)).is_none_or(|at| at > built_at);
    match sources.iter().find(newer) {
        Some(source) => Err(format!(
            "{} is older than {}",
            binary.display(),
            source.display()
        )),
        None => Ok(()),
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[test]
fn a_binary_that_is_missing_or_older_than_a_source_is_told() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("an-old-binary");
    fs::create_dir_all(&folder).unwrap();
    let [binary, source] = ["function", "main.rs"].map(|name| folder.join(name));
    let made = |path: &Path, second: u64| {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
        fs::File::create(path).unwrap().set_modified(at).unwrap();
    };
    let is_fresh = || is_fresh(&binary, std::slice::from_ref(&source));
    made(&source, 10);
    let _ = fs::remove_file(&binary);
    assert!(is_fresh().unwrap_err().ends_with("is not built"));
    made(&binary, 9);
    assert!(is_fresh().unwrap_err().ends_with("main.rs"));
    made(&binary, 10);
    assert_eq!(is_fresh(), Ok(()));
}

#[test]
fn the_sources_of_a_function_are_those_of_its_libraries() {
    let packages = packages_of("drift-alarm");
    assert!(packages.contains("drift-alarm") && packages.contains("retrain-core"));
    assert!(
        !packages.contains("retrain-sandbox"),
        "no function contains it"
    );
    let this = std::env::current_exe().unwrap();
    let sources = sources_of("retrain-core", this.parent().unwrap());
    assert!(sources.contains(&"crates/retrain-core/src/lib.rs".into()));
    let of_tests = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tests");
    assert!(
        !sources.iter().any(of_tests),
        "a changed test changes no function"
    );
}
