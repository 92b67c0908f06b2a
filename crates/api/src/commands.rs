//! The table of all calls between the window and the engine.
//!
//! A command takes one request and gives one reply or an [`crate::Error`]. A stream takes a
//! request, sends messages until it ends, and then replies. The TypeScript maps `Commands` and
//! `Streams` are written from this table, and the desktop shell is tested to handle every row.

#[cfg(feature = "typescript")]
use crate::*;

/// A row of the table, as names of wire types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Name of the command.
    pub name: &'static str,
    /// Request type in TypeScript; `null` for none.
    pub request: String,
    /// Message type in TypeScript; for streams only.
    pub message: Option<String>,
    /// Reply type in TypeScript.
    pub reply: String,
}

macro_rules! commands {
    ($( $(#[doc = $doc:literal])+ $name:ident($request:ty) $(streams $message:ty)? => $reply:ty; )*) => {
        /// The names of all commands, in the order of the table.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// The table with its TypeScript types.
        #[cfg(feature = "typescript")]
        pub fn shapes(config: &ts_rs::Config) -> Vec<Shape> {
            use ts_rs::TS as _;
            vec![$(Shape {
                name: stringify!($name),
                request: <$request>::name(config),
                message: commands!(@message config $($message)?),
                reply: <$reply>::name(config),
            }),*]
        }

        /// Shows every type of the table to `visitor`.
        #[cfg(feature = "typescript")]
        pub fn visit(visitor: &mut impl ts_rs::TypeVisitor) {
            $(
                visitor.visit::<$request>();
                $(visitor.visit::<$message>();)?
                visitor.visit::<$reply>();
            )*
        }
    };
    (@message $config:ident $message:ty) => { Some(<$message>::name($config)) };
    (@message $config:ident) => { None };
}

commands! {
    /// Everything that lists show.
    overview(()) => Overview;
    /// Every change after the overview; ends when the window closes.
    watch_changes(()) streams Change => ();
    /// Reads the user's settings.
    settings(()) => Settings;
    /// Writes the user's settings.
    save_settings(Settings) => Settings;
    /// Bytes on disk, walked now.
    disk_usage(()) => DiskUsage;
    /// The history of lifecycle events, newest first.
    recent_events(()) => Vec<LifecycleEvent>;

    /// Creates a container, without starting it.
    create_container(CreateContainer) => Traced<ContainerSummary>;
    /// Starts a container.
    start_container(ContainerName) => Traced<ContainerSummary>;
    /// Asks a container to stop, then kills it.
    stop_container(StopContainer) => Traced<ContainerSummary>;
    /// Stops and starts a container.
    restart_container(StopContainer) => Traced<ContainerSummary>;
    /// Sends a signal to a container's main process.
    kill_container(KillContainer) => Traced<ContainerSummary>;
    /// Freezes all processes of a container.
    pause_container(ContainerName) => Traced<ContainerSummary>;
    /// Thaws them.
    resume_container(ContainerName) => Traced<ContainerSummary>;
    /// Removes a container.
    remove_container(RemoveContainer) => Traced<()>;
    /// Gives a container another name.
    rename_container(RenameContainer) => Traced<ContainerSummary>;
    /// Changes limits, also of a running container.
    update_container(UpdateContainer) => Traced<ContainerSummary>;
    /// Everything about one container.
    inspect_container(ContainerName) => ContainerDetail;
    /// The bytes of one container, walked now.
    container_size(ContainerName) => ContainerSize;
    /// The processes of a container.
    container_processes(ContainerName) => ProcessList;
    /// How a running container is kept apart, as the kernel says now.
    container_isolation(ContainerName) => Isolation;
    /// The files that a container has added, modified and deleted.
    container_changes(ContainerName) => ContainerChanges;
    /// Copies a file or folder out of a container.
    copy_out(CopyOut) => Traced<Copied>;
    /// Copies a file or folder of this machine into a container.
    copy_in(CopyIn) => Traced<Copied>;
    /// Makes an image of what a container is now.
    commit_container(CommitContainer) => Traced<ImageSummary>;
    /// Writes the file system of a container into a tar on disk.
    export_container(ExportContainer) => Traced<()>;
    /// How many lines a log has, while it grows.
    watch_log(ContainerName) streams LogExtent => ();
    /// Lines of a log, by their numbers.
    log_lines(LogRange) => LogSlice;
    /// Looks through a whole log.
    find_in_log(FindInLog) => FoundInLog;
    /// A container's use over time.
    container_stats(StatsQuery) => StatsHistory;
    /// The use of many containers, once a second.
    watch_stats(WatchStats) streams StatsTick => ();

    /// Opens a terminal in a container; ends with its process.
    open_terminal(OpenTerminal) streams TerminalEvent => ();
    /// Opens a shell where a build failed; its container goes with it.
    open_step_shell(OpenStepShell) streams TerminalEvent => ();
    /// Types into a terminal.
    terminal_input(TerminalInput) => ();
    /// Tells a terminal its size.
    resize_terminal(TerminalSize) => ();
    /// Closes a terminal.
    close_terminal(TerminalSession) => ();

    /// Takes an image name apart.
    dissect_name(DissectName) => Dissection;
    /// Pulls an image.
    pull_image(PullImage) streams PullProgress => Traced<ImageSummary>;
    /// Pushes an image.
    push_image(PushImage) streams PushProgress => Traced<PushedImage>;
    /// Writes images into an archive on disk.
    save_images(SaveImages) => Traced<()>;
    /// Takes in the images of an archive on disk.
    load_images(LoadImages) => Traced<Vec<LoadedImage>>;
    /// Makes an image of a file system: a tar, or a folder.
    import_image(ImportImage) => Traced<ImageSummary>;
    /// Makes the starter image from this machine's own busybox.
    make_starter_image(()) => Traced<ImageSummary>;
    /// Everything about one image.
    inspect_image(ImageName) => ImageDetail;
    /// Checks who signed an image.
    verify_image(VerifyImage) => ImageSignatures;
    /// Gives an image one more name.
    tag_image(TagImage) => Traced<ImageSummary>;
    /// Removes a name, and the image with its last name.
    remove_image(RemoveImage) => Traced<RemovedImage>;
    /// Puts a name into the trash, and the image with its last name.
    trash_image(RemoveImage) => Traced<TrashedImage>;
    /// What is in the trash.
    trash(()) => Trash;
    /// Takes an image out of the trash.
    restore_image(TrashId) => Traced<RestoredImage>;
    /// Removes what is in the trash for good.
    empty_trash(EmptyTrash) => Traced<RemovedImage>;

    /// What each layer of an image or a container does.
    files_summary(FilesQuery) => FilesSummary;
    /// What is in a folder after a layer.
    list_folder(FolderQuery) => Folder;
    /// Finds files by name in all layers.
    search_files(FileSearch) => FoundFiles;
    /// The beginning of a file as a layer has it.
    read_file(ReadFile) => FileContent;
    /// Copies a file out of a layer.
    save_file(SaveFile) => SavedFile;
    /// How the files of two images differ.
    compare_images(CompareImages) => ImageComparison;

    /// What a Dockerfile says: blocks, colors, problems.
    dockerfile_model(DockerfileText) => DockerfileModel;
    /// Changes a Dockerfile without touching the rest of it.
    edit_dockerfile(EditDockerfile) => EditedDockerfile;
    /// What may be written at a place of a Dockerfile.
    complete_dockerfile(CompleteDockerfile) => DockerfileCompletion;

    /// Folders that are built again and again, by name.
    projects(()) => Vec<Project>;
    /// What a folder holds that matters for a build.
    build_folder(FolderPath) => BuildFolder;
    /// Makes a project of a folder.
    create_project(CreateProject) => Project;
    /// Changes how a project is built.
    save_project(SaveProject) => Project;
    /// Forgets a project; its folder stays.
    remove_project(ProjectId) => ();
    /// Reads the Dockerfile of a project.
    read_project_file(ProjectId) => ProjectFile;
    /// Writes it, unless it was changed outside.
    write_project_file(WriteProjectFile) => ProjectFile;
    /// What a build of a text would do.
    forecast(ForecastQuery) => Forecast;
    /// What could be better about a text.
    coach(ForecastQuery) => Coaching;
    /// Builds a text and its proposal, and says how they compare.
    measure_proposal(MeasureProposal) => Measured;
    /// Leaves files out of the builds of a project.
    leave_out(LeaveOut) => ();

    /// Begins to build a project.
    start_build(ProjectId) => BuildSummary;
    /// How a build goes on; ends with it.
    follow_build(BuildId) streams BuildProgress => BuildRecord;
    /// Builds that are kept, newest first.
    builds(BuildsQuery) => Vec<BuildSummary>;
    /// Everything about one build.
    inspect_build(BuildId) => BuildRecord;
    /// What its commands wrote.
    build_output(BuildId) => BuildOutput;

    /// Hashes everything that is kept and follows every name.
    check_store(()) => StoreCheck;
    /// Removes what is damaged and pulls it anew.
    repair_store(()) => Repaired;

    /// The registries that this machine deals with.
    registries(()) => Vec<Registry>;
    /// Signs in to a registry and keeps the sign-in.
    sign_in(SignIn) => Registry;
    /// Forgets a sign-in that this engine keeps.
    sign_out(RegistryName) => Registry;
    /// Tests step by step whether a registry is there and takes the sign-in.
    check_registry(RegistryName) => RegistryCheck;
    /// A page of a registry's repositories, where it tells them.
    list_repositories(RepositoryQuery) => NamePage;
    /// A page of a repository's tags.
    list_tags(TagQuery) => NamePage;

    /// Creates a volume.
    create_volume(CreateVolume) => Traced<Volume>;
    /// Removes a volume that no container uses.
    remove_volume(VolumeName) => Traced<()>;

    /// What could go, and how much that frees.
    prune_receipt(PruneChoice) => PruneReceipt;
    /// Removes what was chosen from a receipt.
    prune(PruneChoice) => Traced<Pruned>;

    /// All networks and who is on them.
    networks(()) => Vec<Network>;
    /// Makes a network.
    create_network(CreateNetwork) => Traced<Network>;
    /// Removes a network on which nothing runs.
    remove_network(NetworkName) => Traced<()>;
    /// Puts a container on a network, running or not.
    connect_network(ConnectNetwork) => Traced<ContainerSummary>;
    /// The ports of a container: what is said, and what is true.
    container_ports(ContainerName) => Vec<PortTruth>;
    /// Tries the way from one container to another, step by step.
    probe_network(ProbeNetwork) => Vec<ProbeStep>;
    /// Takes a container from a network.
    disconnect_network(DisconnectNetwork) => Traced<ContainerSummary>;

    /// Cancels running work.
    cancel_activity(ActivityId) => ();
    /// Forgets all finished work.
    clear_activities(()) => ();
}
