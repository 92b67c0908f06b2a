//! Projects: a folder, its Dockerfile, and how it is built.

use std::collections::BTreeMap;

use crate::BuildSummary;

wire! {
    /// A folder that is built again and again.
    pub struct Project {
        /// Its id.
        pub id: String,
        /// Its name, for people.
        pub name: String,
        /// The folder of the build, an absolute path.
        pub folder: String,
        /// The Dockerfile, relative to the folder.
        pub dockerfile: String,
        /// How it is built.
        pub settings: BuildSettings,
        /// When it was made.
        pub created_at_ms: u64,
        /// Whether folder and Dockerfile are there.
        pub found: bool,
        /// Its latest build.
        pub last: Option<BuildSummary>,
    }

    /// How a project is built.
    #[derive(Eq, Default)]
    pub struct BuildSettings {
        /// The name of the image.
        pub tag: String,
        /// The stage to build; the last one without.
        pub target: Option<String>,
        /// The platform of the bases; this machine's without.
        pub platform: Option<String>,
        /// Values of `ARG`.
        pub arguments: BTreeMap<String, String>,
        /// Whether commands may reach the network.
        pub offline: bool,
        /// Whether every step runs again.
        pub no_cache: bool,
        /// Whether bases are looked for in their registries even if they are here.
        pub pull: bool,
        /// What becomes of the result.
        #[serde(default)]
        pub result: ResultKind,
        /// The absolute path of the folder or the file that it becomes; nothing for an image.
        #[serde(default)]
        pub place: String,
    }

    /// What becomes of the result of a build.
    #[derive(Copy, Eq, Default)]
    pub enum ResultKind {
        /// An image of this engine.
        #[default]
        Image,
        /// The files, in a folder.
        Folder,
        /// The files, as a tar.
        Tar,
        /// The image, as an archive of OCI that is Docker's as well.
        Archive,
    }

    /// Makes a project.
    #[derive(Eq)]
    pub struct CreateProject {
        /// Its name; that of the folder when empty.
        pub name: String,
        /// The folder, an absolute path. It is made where it is not there.
        pub folder: String,
        /// The Dockerfile, relative to the folder; `Dockerfile` when empty.
        pub dockerfile: String,
        /// Files to begin with, where the folder has no Dockerfile.
        pub template: Option<ProjectTemplate>,
    }

    /// Files that a project begins with.
    #[derive(Copy, Eq)]
    pub enum ProjectTemplate {
        /// `FROM` and `CMD` alone.
        Empty,
        /// A server in JavaScript.
        Node,
        /// A server in Python.
        Python,
        /// A program in Rust.
        Rust,
        /// A program in Go.
        Go,
        /// A program in Java.
        Java,
        /// Pages that nginx serves.
        Static,
    }

    /// Changes a project.
    #[derive(Eq)]
    pub struct SaveProject {
        /// Which.
        pub project: String,
        /// Its name.
        pub name: String,
        /// How it is built.
        pub settings: BuildSettings,
    }

    /// Names a project.
    #[derive(Eq)]
    pub struct ProjectId {
        /// Its id.
        pub project: String,
    }

    /// Asks what a folder holds that matters for a build.
    #[derive(Eq)]
    pub struct FolderPath {
        /// An absolute path.
        pub folder: String,
    }

    /// What a folder holds.
    #[derive(Eq)]
    pub struct BuildFolder {
        /// Whether it is there.
        pub exists: bool,
        /// Its Dockerfiles.
        pub dockerfiles: Vec<String>,
        /// What fits its files.
        pub template: Option<ProjectTemplate>,
        /// The file that says so.
        pub because: Option<String>,
        /// Folders to go on with, for completing the path.
        pub folders: Vec<String>,
    }

    /// The Dockerfile of a project as it is on disk.
    #[derive(Eq)]
    pub struct ProjectFile {
        /// The text.
        pub text: String,
        /// By what a change outside is seen.
        pub version: String,
    }

    /// Writes the Dockerfile of a project.
    #[derive(Eq)]
    pub struct WriteProjectFile {
        /// Which.
        pub project: String,
        /// The text.
        pub text: String,
        /// The version that was edited; none to write over whatever is there.
        pub version: Option<String>,
    }
}
