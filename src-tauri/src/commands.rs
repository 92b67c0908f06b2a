//! One function for each row of the contract: wait for the engine, call it, give back its answer.

use tauri::State;
use terrarium_api::*;
use terrarium_engine::Result;

use crate::{host::Host, streams::*};

/// Names every command once, for the handler and for the test against the contract.
macro_rules! handled {
    ($($name:ident),* $(,)?) => {
        #[cfg(test)]
        const HANDLED: &[&str] = &[$(stringify!($name)),*];

        /// Answers all calls of the window.
        pub(crate) fn handler() -> impl Fn(tauri::ipc::Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![cancel_stream, $($name),*]
        }
    };
}

handled! {
    overview, watch_changes, settings, save_settings, disk_usage, recent_events,
    create_container, start_container, stop_container, restart_container, kill_container,
    pause_container, resume_container, remove_container, rename_container, update_container,
    inspect_container, container_size, container_processes, container_isolation,
    watch_log, log_lines, find_in_log, container_stats, container_changes, copy_out, copy_in, commit_container,
    export_container, import_image,
    watch_stats, open_terminal, open_step_shell, terminal_input, resize_terminal, close_terminal, dissect_name,
    pull_image, push_image, save_images, load_images, make_starter_image, inspect_image, tag_image,
    remove_image, trash_image, trash, restore_image, empty_trash, verify_image,
    create_volume, files_summary, list_folder, search_files, read_file, save_file,
    dockerfile_model, edit_dockerfile, complete_dockerfile, projects, build_folder, create_project,
    save_project, remove_project, read_project_file, write_project_file, forecast, coach, measure_proposal, leave_out, start_build,
    follow_build, builds, inspect_build, build_output, compare_images, prune_receipt, prune, check_store, repair_store, registries, sign_in, sign_out,
    check_registry, list_repositories, list_tags,
    remove_volume, networks, create_network, remove_network, connect_network, disconnect_network,
    container_ports, probe_network, cancel_activity, clear_activities,
}

/// A command that takes a request and hands it to the engine's method of the same name.
macro_rules! with_request {
    ($($name:ident($request:ty) => $reply:ty;)*) => { $(
        #[tauri::command]
        async fn $name(host: State<'_, Host>, request: $request) -> Result<$reply> {
            host.engine().await?.$name(request).await
        }
    )* };
}

/// A command that takes nothing.
macro_rules! without_request {
    ($($name:ident => $reply:ty;)*) => { $(
        #[tauri::command]
        async fn $name(host: State<'_, Host>) -> Result<$reply> {
            host.engine().await?.$name().await
        }
    )* };
}

/// A command whose request is only a container's name.
macro_rules! on_container {
    ($($name:ident => $reply:ty;)*) => { $(
        #[tauri::command]
        async fn $name(host: State<'_, Host>, request: ContainerName) -> Result<$reply> {
            host.engine().await?.$name(&request.container).await
        }
    )* };
}

without_request! {
    overview => Overview;
    disk_usage => DiskUsage;
    networks => Vec<Network>;
    recent_events => Vec<LifecycleEvent>;
    registries => Vec<Registry>;
    projects => Vec<Project>;
    check_store => StoreCheck;
    repair_store => Repaired;
    make_starter_image => Traced<ImageSummary>;
    trash => Trash;
}

with_request! {
    log_lines(LogRange) => LogSlice;
    find_in_log(FindInLog) => FoundInLog;
    save_settings(Settings) => Settings;
    create_container(CreateContainer) => Traced<ContainerSummary>;
    stop_container(StopContainer) => Traced<ContainerSummary>;
    restart_container(StopContainer) => Traced<ContainerSummary>;
    kill_container(KillContainer) => Traced<ContainerSummary>;
    remove_container(RemoveContainer) => Traced<()>;
    rename_container(RenameContainer) => Traced<ContainerSummary>;
    update_container(UpdateContainer) => Traced<ContainerSummary>;
    container_stats(StatsQuery) => StatsHistory;
    copy_out(CopyOut) => Traced<Copied>;
    copy_in(CopyIn) => Traced<Copied>;
    commit_container(CommitContainer) => Traced<ImageSummary>;
    export_container(ExportContainer) => Traced<()>;
    import_image(ImportImage) => Traced<ImageSummary>;
    terminal_input(TerminalInput) => ();
    resize_terminal(TerminalSize) => ();
    dissect_name(DissectName) => Dissection;
    save_images(SaveImages) => Traced<()>;
    load_images(LoadImages) => Traced<Vec<LoadedImage>>;
    tag_image(TagImage) => Traced<ImageSummary>;
    verify_image(VerifyImage) => ImageSignatures;
    remove_image(RemoveImage) => Traced<RemovedImage>;
    trash_image(RemoveImage) => Traced<TrashedImage>;
    restore_image(TrashId) => Traced<RestoredImage>;
    empty_trash(EmptyTrash) => Traced<RemovedImage>;
    sign_in(SignIn) => Registry;
    sign_out(RegistryName) => Registry;
    check_registry(RegistryName) => RegistryCheck;
    list_repositories(RepositoryQuery) => NamePage;
    list_tags(TagQuery) => NamePage;
    dockerfile_model(DockerfileText) => DockerfileModel;
    edit_dockerfile(EditDockerfile) => EditedDockerfile;
    complete_dockerfile(CompleteDockerfile) => DockerfileCompletion;
    create_project(CreateProject) => Project;
    save_project(SaveProject) => Project;
    write_project_file(WriteProjectFile) => ProjectFile;
    forecast(ForecastQuery) => Forecast;
    coach(ForecastQuery) => Coaching;
    measure_proposal(MeasureProposal) => Measured;
    leave_out(LeaveOut) => ();
    start_build(ProjectId) => BuildSummary;
    builds(BuildsQuery) => Vec<BuildSummary>;
    create_volume(CreateVolume) => Traced<Volume>;
    files_summary(FilesQuery) => FilesSummary;
    list_folder(FolderQuery) => Folder;
    search_files(FileSearch) => FoundFiles;
    read_file(ReadFile) => FileContent;
    save_file(SaveFile) => SavedFile;
    compare_images(CompareImages) => ImageComparison;
    prune_receipt(PruneChoice) => PruneReceipt;
    prune(PruneChoice) => Traced<Pruned>;
    create_network(CreateNetwork) => Traced<Network>;
    connect_network(ConnectNetwork) => Traced<ContainerSummary>;
    disconnect_network(DisconnectNetwork) => Traced<ContainerSummary>;
    probe_network(ProbeNetwork) => Vec<ProbeStep>;
}

on_container! {
    start_container => Traced<ContainerSummary>;
    pause_container => Traced<ContainerSummary>;
    resume_container => Traced<ContainerSummary>;
    inspect_container => ContainerDetail;
    container_size => ContainerSize;
    container_isolation => Isolation;
    container_changes => ContainerChanges;
    container_processes => ProcessList;
    container_ports => Vec<PortTruth>;
}

#[tauri::command]
async fn settings(host: State<'_, Host>) -> Result<Settings> {
    Ok(host.engine().await?.settings().await)
}

#[tauri::command]
async fn close_terminal(host: State<'_, Host>, request: TerminalSession) -> Result<()> {
    host.engine().await?.close_terminal(&request.session)
}

#[tauri::command]
async fn inspect_image(host: State<'_, Host>, request: ImageName) -> Result<ImageDetail> {
    host.engine().await?.inspect_image(&request.image).await
}

#[tauri::command]
async fn build_folder(host: State<'_, Host>, request: FolderPath) -> Result<BuildFolder> {
    host.engine().await?.build_folder(&request.folder).await
}

#[tauri::command]
async fn remove_project(host: State<'_, Host>, request: ProjectId) -> Result<()> {
    host.engine().await?.remove_project(&request.project).await
}

#[tauri::command]
async fn read_project_file(host: State<'_, Host>, request: ProjectId) -> Result<ProjectFile> {
    host.engine()
        .await?
        .read_project_file(&request.project)
        .await
}

#[tauri::command]
async fn inspect_build(host: State<'_, Host>, request: BuildId) -> Result<BuildRecord> {
    host.engine().await?.inspect_build(&request).await
}

#[tauri::command]
async fn build_output(host: State<'_, Host>, request: BuildId) -> Result<BuildOutput> {
    host.engine().await?.build_output(&request).await
}

#[tauri::command]
async fn remove_volume(host: State<'_, Host>, request: VolumeName) -> Result<Traced<()>> {
    host.engine().await?.remove_volume(&request.name).await
}

#[tauri::command]
async fn remove_network(host: State<'_, Host>, request: NetworkName) -> Result<Traced<()>> {
    host.engine().await?.remove_network(&request.network).await
}

#[tauri::command]
async fn cancel_activity(host: State<'_, Host>, request: ActivityId) -> Result<()> {
    host.engine().await?.activities().cancel(&request.id)
}

#[tauri::command]
async fn clear_activities(host: State<'_, Host>) -> Result<()> {
    host.engine().await?.activities().clear_finished();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_row_of_the_contract_is_handled_and_nothing_else() {
        let handled: BTreeSet<&str> = super::HANDLED.iter().copied().collect();
        let contract: BTreeSet<&str> = terrarium_api::commands::NAMES.iter().copied().collect();
        assert_eq!(handled, contract);
    }
}
