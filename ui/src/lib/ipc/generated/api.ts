// Written from the Rust types of crates/api. Do not edit.

export type ActionTrace = { 
/**
 * The action's name in the registry of actions, e.g. `container.start`.
 */
action: string, 
/**
 * The object it acted on, as a person names it.
 */
subject: string, 
/**
 * The equivalent `docker` line.
 */
command: string, 
/**
 * What the kernel was asked to do, in order, as measured.
 */
kernel: Array<Step>, 
/**
 * From the request to the reply.
 */
totalUsec: number, 
/**
 * When the request came.
 */
atMs: number, };

export type Activity = { 
/**
 * Unique within the data root.
 */
id: string, 
/**
 * What kind of work.
 */
kind: ActivityKind, 
/**
 * The object it works on, as the user wrote it.
 */
subject: string, 
/**
 * How it stands.
 */
state: ActivityState, 
/**
 * Known amounts, if any are known.
 */
progress: Progress | null, 
/**
 * When it began.
 */
startedAtMs: number, 
/**
 * When it ended.
 */
finishedAtMs: number | null, 
/**
 * Why it failed.
 */
error: Error | null, 
/**
 * The per-blob view of a pull.
 */
pull: PullProgress | null, };

export type ActivityId = { 
/**
 * Its id.
 */
id: string, };

export type ActivityKind = "pull" | "push" | "makeStarterImage" | "saveImages" | "loadImages" | "importImage" | "buildImage" | "createContainer" | "startContainer" | "stopContainer" | "restartContainer" | "removeContainer" | "removeImage";

export type ActivityState = "running" | "succeeded" | "failed" | "canceled";

export type AddressPlan = { 
/**
 * All of them, `fd00:1::/64`.
 */
subnet: string | null, 
/**
 * The host's address.
 */
gateway: string | null, 
/**
 * The part that addresses are chosen from; all when absent.
 */
range: string | null, };

export type Advice = { 
/**
 * One of [`HINTS`].
 */
code: string, 
/**
 * What stands in the places of its text.
 */
values: Array<string>, };

export type Attachment = { 
/**
 * The network's name.
 */
network: string, 
/**
 * Interface inside.
 */
interface: string, 
/**
 * IPv4 address; empty while the container does not run.
 */
address: string, 
/**
 * Length of the network prefix.
 */
prefixLength: number, 
/**
 * Gateway; empty on an internal network.
 */
gateway: string, 
/**
 * IPv6 address; empty where there is none, or while the container does not run.
 */
ipv6Address: string, 
/**
 * Length of the IPv6 network prefix.
 */
ipv6PrefixLength: number, 
/**
 * IPv6 gateway; empty where there is none.
 */
ipv6Gateway: string, 
/**
 * Hardware address.
 */
mac: string, 
/**
 * The bridge on the host.
 */
bridge: string, 
/**
 * More names that others on it may call.
 */
aliases: Array<string>, };

export type BlobPhase = "waiting" | "downloading" | "verifying" | "unpacking" | "done" | "alreadyHere";

export type BlobProgress = { 
/**
 * Its digest.
 */
digest: string, 
/**
 * Number of the layer from the bottom, 1 first; absent for the config.
 */
layer: number | null, 
/**
 * Bytes as transferred.
 */
sizeBytes: number, 
/**
 * Bytes that have arrived.
 */
downloadedBytes: number, 
/**
 * How it stands.
 */
phase: BlobPhase, 
/**
 * The download.
 */
download: Lapse | null, 
/**
 * Checking size and digest.
 */
verify: Lapse | null, 
/**
 * Unpacking into the snapshot.
 */
unpack: Lapse | null, 
/**
 * Images that share it, when it was here already.
 */
sharedWith: Array<string>, };

export type Block = { 
/**
 * Its number.
 */
node: number, 
/**
 * The stage that it stands in; none before the first `FROM`.
 */
stage: number | null, 
/**
 * In capitals; none where nobody knows it.
 */
keyword: string | null, 
/**
 * As it is written, in one line.
 */
line: string, 
/**
 * The comments right above it, without `#`.
 */
comments: Array<string>, 
/**
 * All of its lines.
 */
range: TextRange, 
/**
 * Its first line, from 1.
 */
firstLine: number, 
/**
 * Its last line.
 */
lastLine: number, 
/**
 * `--name=value`.
 */
flags: Array<BlockFlag>, 
/**
 * The rest.
 */
said: BlockSaid, 
/**
 * Whether it adds files to the image; others only set something.
 */
makesLayer: boolean, };

export type BlockDraft = { 
/**
 * Which one.
 */
keyword: string, 
/**
 * `--name=value`.
 */
flags: Array<BlockFlag>, 
/**
 * The rest.
 */
said: BlockSaid, };

export type BlockFlag = { 
/**
 * Without the dashes.
 */
name: string, 
/**
 * What follows `=`.
 */
value: string | null, };

export type BlockSaid = { "kind": "text", 
/**
 * All of it.
 */
text: string, } | { "kind": "words", 
/**
 * The words.
 */
words: Array<string>, } | { "kind": "list", 
/**
 * Its strings.
 */
words: Array<string>, } | { "kind": "pairs", 
/**
 * The pairs.
 */
pairs: Array<NamedValue>, };

export type BuildFolder = { 
/**
 * Whether it is there.
 */
exists: boolean, 
/**
 * Its Dockerfiles.
 */
dockerfiles: Array<string>, 
/**
 * What fits its files.
 */
template: ProjectTemplate | null, 
/**
 * The file that says so.
 */
because: string | null, 
/**
 * Folders to go on with, for completing the path.
 */
folders: Array<string>, };

export type BuildId = { 
/**
 * Its id.
 */
build: string, };

export type BuildLine = { 
/**
 * The instruction that wrote it.
 */
node: number, 
/**
 * From the start of the build.
 */
atUsec: number, 
/**
 * Without its end; bytes that are no text are replaced.
 */
text: string, };

export type BuildOutput = { 
/**
 * The latest lines, at most 20,000.
 */
lines: Array<BuildLine>, 
/**
 * How many there were before them.
 */
skippedLines: number, };

export type BuildProgress = { 
/**
 * The build.
 */
summary: BuildSummary, 
/**
 * Steps that changed since the last message.
 */
steps: Array<BuildStep>, 
/**
 * Lines since the last message.
 */
lines: Array<BuildLine>, 
/**
 * How many lines were left out because nobody could read that fast.
 */
skippedLines: number, };

export type BuildRecord = { 
/**
 * As in lists.
 */
summary: BuildSummary, 
/**
 * The text that was built.
 */
dockerfile: string, 
/**
 * How.
 */
settings: BuildSettings, 
/**
 * One for each instruction, in the order of the file.
 */
steps: Array<BuildStep>, };

export type BuildSettings = { 
/**
 * The name of the image.
 */
tag: string, 
/**
 * The stage to build; the last one without.
 */
target: string | null, 
/**
 * The platform of the bases; this machine's without.
 */
platform: string | null, 
/**
 * Values of `ARG`.
 */
arguments: { [key in string]: string }, 
/**
 * Whether commands may reach the network.
 */
offline: boolean, 
/**
 * Whether every step runs again.
 */
noCache: boolean, 
/**
 * Whether bases are looked for in their registries even if they are here.
 */
pull: boolean, 
/**
 * What becomes of the result.
 */
result: ResultKind, 
/**
 * The absolute path of the folder or the file that it becomes; nothing for an image.
 */
place: string, };

export type BuildState = "running" | "succeeded" | "failed" | "canceled";

export type BuildStep = { 
/**
 * The instruction.
 */
node: number, 
/**
 * The stage that it stands in; none before the first `FROM`.
 */
stage: number | null, 
/**
 * As it is written, in one line.
 */
line: string, 
/**
 * Its first line in the file, from 1.
 */
firstLine: number, 
/**
 * Its last line.
 */
lastLine: number, 
/**
 * How it stands.
 */
state: StepState, 
/**
 * From the start of the build to its start.
 */
startUsec: number | null, 
/**
 * How long it took.
 */
usec: number | null, 
/**
 * By what the cache knows it.
 */
key: string | null, 
/**
 * The layer that it made.
 */
layer: BuiltLayer | null, 
/**
 * The code that its command ended with.
 */
exitCode: number | null, 
/**
 * The command that failed: program and arguments.
 */
command: Array<string> | null, };

export type BuildSummary = { 
/**
 * Its id.
 */
id: string, 
/**
 * The project that was built; none for builds of other clients.
 */
project: string | null, 
/**
 * The name of the image, or of the Dockerfile where it has none.
 */
subject: string, 
/**
 * How it stands.
 */
state: BuildState, 
/**
 * When it began.
 */
startedAtMs: number, 
/**
 * When it ended.
 */
finishedAtMs: number | null, 
/**
 * Steps that the target needs, as far as they are known.
 */
steps: number, 
/**
 * Of these, done.
 */
done: number, 
/**
 * Of these, taken from the cache.
 */
cached: number, 
/**
 * The id of the image.
 */
image: string | null, 
/**
 * The folder or the file that the result became instead.
 */
place: string | null, 
/**
 * Bytes of the image.
 */
sizeBytes: number | null, 
/**
 * Why it failed.
 */
error: Error | null, 
/**
 * The running activity, to cancel it.
 */
activity: string | null, };

export type BuildsQuery = { 
/**
 * Only those of a project.
 */
project: string | null, };

export type BuiltLayer = { 
/**
 * It and what lies below.
 */
chainId: string, 
/**
 * Its blob.
 */
digest: string, 
/**
 * Bytes of its blob.
 */
sizeBytes: number, };

export type CapabilitySets = { 
/**
 * What the kernel checks.
 */
effective: Array<string>, 
/**
 * What may become effective.
 */
permitted: Array<string>, 
/**
 * What an executed file may pick up.
 */
inheritable: Array<string>, 
/**
 * What no execve can go beyond.
 */
bounding: Array<string>, 
/**
 * What stays across execve without privileged files.
 */
ambient: Array<string>, 
/**
 * All that this kernel knows.
 */
known: Array<string>, };

export type CgroupFacts = { 
/**
 * `v1` or `v2`; absent when it has none of its own.
 */
version: string | null, 
/**
 * The files that are there, with their values.
 */
files: Array<CgroupFile>, 
/**
 * The limits that can be moved now.
 */
limits: Array<LimitFact>, 
/**
 * What the limits did since the start.
 */
events: LimitEvents, };

export type CgroupFile = { 
/**
 * Its name; one of [`CGROUP_FILES`].
 */
name: string, 
/**
 * Its path on the host.
 */
path: string, 
/**
 * What it says, shortened when it is long.
 */
value: string, };

export type Change = { 
/**
 * The revision after this change.
 */
revision: number, 
/**
 * What changed.
 */
change: ChangeKind, };

export type ChangeKind = { "type": "container", 
/**
 * The new state.
 */
value: ContainerSummary, } | { "type": "image", 
/**
 * The new state.
 */
value: ImageSummary, } | { "type": "volume", 
/**
 * The new state.
 */
value: Volume, } | { "type": "activity", 
/**
 * The new state.
 */
value: Activity, } | { "type": "trash", 
/**
 * The new state.
 */
value: TrashSummary, } | { "type": "removed", 
/**
 * Which list.
 */
kind: ResourceKind, 
/**
 * Which row.
 */
id: string, } | { "type": "lagged" };

export type ChangedFile = { 
/**
 * Its path in the image.
 */
path: string, 
/**
 * What happened to it.
 */
change: FileChange, 
/**
 * Bytes last time.
 */
beforeBytes: number | null, 
/**
 * Bytes now.
 */
afterBytes: number | null, 
/**
 * Where the texts begin to differ.
 */
difference: TextDifference | null, 
/**
 * Whether only permissions or the owner differ.
 */
attributesOnly: boolean, };

export type ChangedPath = { 
/**
 * From the root; bytes that are no text are written `\xNN`.
 */
path: string, 
/**
 * What became of it.
 */
change: FileChange, };

export type Check = { 
/**
 * A stable name: `overlayfs`, `userNamespaces`, `subordinateIds`, `cgroup`, `seccomp`, `network`.
 */
name: string, 
/**
 * How it stands.
 */
state: CheckState, 
/**
 * What was found, in English.
 */
detail: string, 
/**
 * The same for every language; none for what has none, such as a path.
 */
finding: Advice | null, 
/**
 * The command that mends it.
 */
fix: string | null, };

export type CheckState = "ok" | "limited" | "missing";

export type Coaching = { 
/**
 * In the order of the file.
 */
proposals: Array<Proposal>, };

export type CommitContainer = { 
/**
 * Id, unique id prefix, or name.
 */
container: string, 
/**
 * A name for the image.
 */
reference: string | null, 
/**
 * Who made it.
 */
author: string | null, 
/**
 * A remark for its history.
 */
comment: string | null, 
/**
 * Instructions of a Dockerfile that change its settings: `CMD`, `ENV`, `LABEL` and so on.
 */
changes: Array<string>, 
/**
 * Whether a running container goes on meanwhile: files may then not fit each other.
 */
keepRunning: boolean, };

export type CompareImages = { 
/**
 * Reference, id or prefix.
 */
left: string, 
/**
 * Reference, id or prefix.
 */
right: string, };

export type CompleteDockerfile = { 
/**
 * The text.
 */
text: string, 
/**
 * The place.
 */
at: number, 
/**
 * The project whose files and images may be named.
 */
project: string | null, };

export type Confinement = { 
/**
 * execve never gives it more rights.
 */
noNewPrivileges: boolean | null, 
/**
 * Its system call filter.
 */
seccomp: SeccompFacts, 
/**
 * Paths of the spec that are hidden now, with the mount that hides them.
 */
maskedPaths: Array<string>, 
/**
 * Paths of the spec that are read-only now.
 */
readonlyPaths: Array<string>, 
/**
 * Paths of the spec for which no mount was found; most are not there at all.
 */
openPaths: Array<string>, };

export type ConnectNetwork = { 
/**
 * Id, prefix or name of the container.
 */
container: string, 
/**
 * Where and how.
 */
endpoint: Endpoint, };

export type ContainerChanges = { 
/**
 * By path; the first few thousand.
 */
changes: Array<ChangedPath>, 
/**
 * How many there are.
 */
total: number, };

export type ContainerDetail = { 
/**
 * Its row in the list.
 */
summary: ContainerSummary, 
/**
 * What was asked for.
 */
request: CreateContainer, 
/**
 * The environment its process got.
 */
env: Array<string>, 
/**
 * The program.
 */
path: string, 
/**
 * Its arguments.
 */
args: Array<string>, 
/**
 * Where it starts.
 */
workingDir: string, 
/**
 * As whom, `user[:group]`.
 */
user: string, 
/**
 * Its host name.
 */
hostname: string, 
/**
 * How often it was restarted by policy.
 */
restartCount: number, 
/**
 * Its health check, the image's settings filled in.
 */
healthCheck: HealthCheck | null, 
/**
 * The health of its last run; absent without a check.
 */
health: Health | null, 
/**
 * The last start, step by step.
 */
timeline: Array<Step>, 
/**
 * What was weakened for it and why.
 */
notes: Array<Note>, 
/**
 * The OCI `config.json` of its last start.
 */
spec: string | null, 
/**
 * Chain ID of the image's top layer.
 */
chainId: string, 
/**
 * Folder of its writable layer.
 */
upperDir: string, 
/**
 * Its log file.
 */
logPath: string, 
/**
 * Its cgroup, relative to the hierarchy's root.
 */
cgroup: string | null, 
/**
 * Digest of the image's manifest.
 */
manifestDigest: string | null, };

export type ContainerName = { 
/**
 * Id, prefix or name.
 */
container: string, };

export type ContainerSize = { 
/**
 * Of its writable layer.
 */
writableBytes: number, 
/**
 * Of the image below, shared with other containers.
 */
imageBytes: number, };

export type ContainerStatus = "creating" | "created" | "running" | "paused" | "restarting" | "stopped";

export type ContainerSummary = { 
/**
 * 64 hexadecimal digits.
 */
id: string, 
/**
 * Unique name.
 */
name: string, 
/**
 * The image as the user wrote it.
 */
image: string, 
/**
 * The image's id.
 */
imageId: string, 
/**
 * Program and arguments.
 */
command: Array<string>, 
/**
 * How it stands.
 */
status: ContainerStatus, 
/**
 * When it was created.
 */
createdAtMs: number, 
/**
 * When it last started.
 */
startedAtMs: number | null, 
/**
 * How and when it last ended.
 */
exit: Exit | null, 
/**
 * What its health checks say while it runs; absent without one.
 */
health: HealthStatus | null, 
/**
 * Host process id of its main process.
 */
pid: number | null, 
/**
 * Published ports, as bound.
 */
ports: Array<PortBinding>, 
/**
 * Its network mode.
 */
network: NetworkMode, 
/**
 * Its address on its first network.
 */
address: string | null, 
/**
 * Its places on networks; without addresses while it does not run.
 */
networks: Array<Attachment>, 
/**
 * What it may use.
 */
limits: Limits, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, 
/**
 * It is on a terminal.
 */
terminal: boolean, 
/**
 * It is removed when it ends.
 */
autoRemove: boolean, 
/**
 * Where its mounts come from, for lists and filters.
 */
mounts: Array<Mount>, };

export type Copied = { 
/**
 * Where it is now.
 */
path: string, 
/**
 * Files and folders.
 */
entries: number, };

export type CopyIn = { 
/**
 * Id, unique id prefix, or name.
 */
container: string, 
/**
 * A path of this machine.
 */
source: string, 
/**
 * A folder in the container; what is there of that name is replaced.
 */
folder: string, };

export type CopyOut = { 
/**
 * Id, unique id prefix, or name.
 */
container: string, 
/**
 * A path in the container.
 */
path: string, 
/**
 * A folder of this machine, in which nothing of that name may be.
 */
folder: string, };

export type Cost = { 
/**
 * How long the step took when it ran last.
 */
usec: number | null, 
/**
 * Bytes that are too many, in the layer that it made last or in the folder of the build.
 */
bytes: number | null, 
/**
 * How many files these are.
 */
files: number | null, };

export type CreateContainer = { 
/**
 * A name; chosen by the engine when absent.
 */
name: string | null, 
/**
 * Image reference, id or unique id prefix.
 */
image: string, 
/**
 * Replaces the image's command.
 */
command: Array<string> | null, 
/**
 * Replaces the image's entrypoint; an empty list clears it.
 */
entrypoint: Array<string> | null, 
/**
 * `NAME=value`, over the image's.
 */
env: Array<string>, 
/**
 * Replaces the image's working directory.
 */
workingDir: string | null, 
/**
 * Replaces the image's user: `user[:group]`.
 */
user: string | null, 
/**
 * Additional groups, by name or number.
 */
groups: Array<string>, 
/**
 * Its host name; the short id when absent.
 */
hostname: string | null, 
/**
 * Its domain name.
 */
domainname: string | null, 
/**
 * Runs on a terminal.
 */
terminal: boolean, 
/**
 * Keeps standard input open.
 */
openStdin: boolean, 
/**
 * Closes standard input when the first client leaves.
 */
stdinOnce: boolean, 
/**
 * Its mounts.
 */
mounts: Array<Mount>, 
/**
 * Containers whose mounts it takes over: `name[:ro|rw]`.
 */
volumesFrom: Array<string>, 
/**
 * Ports to publish.
 */
ports: Array<PortRequest>, 
/**
 * Ports it is said to listen on, `80/tcp`.
 */
exposedPorts: Array<string>, 
/**
 * Its network.
 */
network: NetworkMode, 
/**
 * More about its place there, and more networks.
 */
endpoints: Array<Endpoint>, 
/**
 * DNS servers in place of the host's.
 */
dns: Array<string>, 
/**
 * DNS search domains.
 */
dnsSearch: Array<string>, 
/**
 * DNS resolver options.
 */
dnsOptions: Array<string>, 
/**
 * `name:address` lines for `/etc/hosts`.
 */
extraHosts: Array<string>, 
/**
 * What it may use.
 */
limits: Limits, 
/**
 * When it is started again.
 */
restart: RestartPolicy, 
/**
 * Removed when it ends.
 */
autoRemove: boolean, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, 
/**
 * Root file system is read-only.
 */
readOnly: boolean, 
/**
 * A reaping PID 1 stands before the command.
 */
init: boolean, 
/**
 * All capabilities and devices that the host has.
 */
privileged: boolean, 
/**
 * Capabilities to add.
 */
capAdd: Array<string>, 
/**
 * Capabilities to drop.
 */
capDrop: Array<string>, 
/**
 * `seccomp=unconfined`, `seccomp={json}`, `no-new-privileges`.
 */
securityOptions: Array<string>, 
/**
 * Host devices, `/dev/x[:/dev/y[:rwm]]`.
 */
devices: Array<string>, 
/**
 * More that the device controller allows, `c 7:* rwm`.
 */
deviceRules: Array<string>, 
/**
 * Kernel parameters of its namespaces.
 */
sysctls: { [key in string]: string }, 
/**
 * Resource limits of its processes.
 */
ulimits: Array<Ulimit>, 
/**
 * `host` or `container:ID` in place of an own pid namespace.
 */
pidMode: string | null, 
/**
 * `host`, `shareable` or `container:ID` in place of an own ipc namespace.
 */
ipcMode: string | null, 
/**
 * `host` in place of an own uts namespace.
 */
utsMode: string | null, 
/**
 * Size of `/dev/shm`.
 */
shmBytes: number | null, 
/**
 * Adjusts the kernel's choice in low memory.
 */
oomScoreAdj: number | null, 
/**
 * Signal that asks it to stop, e.g. `SIGTERM`.
 */
stopSignal: string | null, 
/**
 * Grace before it is killed.
 */
stopTimeoutS: number | null, 
/**
 * How it is found out whether it is well; the image's check when absent.
 */
healthCheck: HealthCheck | null, 
/**
 * Log rotation.
 */
log: LogOptions, 
/**
 * Platform of the image, e.g. `linux/arm64`.
 */
platform: string | null, 
/**
 * Size of the terminal at first: rows and columns.
 */
consoleSize: [number, number] | null, };

export type CreateNetwork = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its addresses; a free part of the pool when absent.
 */
subnet: string | null, 
/**
 * The host's address in it; the first one when absent.
 */
gateway: string | null, 
/**
 * The part that addresses are chosen from; all when absent.
 */
range: string | null, 
/**
 * IPv6 addresses beside those of IPv4, if it is to have any.
 */
ipv6: AddressPlan | null, 
/**
 * Its containers reach only each other.
 */
internal: boolean, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, 
/**
 * Driver options; `com.docker.network.driver.mtu` counts.
 */
options: { [key in string]: string }, };

export type CreateProject = { 
/**
 * Its name; that of the folder when empty.
 */
name: string, 
/**
 * The folder, an absolute path. It is made where it is not there.
 */
folder: string, 
/**
 * The Dockerfile, relative to the folder; `Dockerfile` when empty.
 */
dockerfile: string, 
/**
 * Files to begin with, where the folder has no Dockerfile.
 */
template: ProjectTemplate | null, };

export type CreateVolume = { 
/**
 * A name; chosen by the engine when absent.
 */
name: string | null, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, };

export type Credentials = { 
/**
 * User name.
 */
username: string, 
/**
 * Password or token.
 */
password: string, };

export type Damage = { 
/**
 * What is wrong.
 */
kind: DamageKind, 
/**
 * The blob or snapshot.
 */
object: string, 
/**
 * The image that needs it, where that is known.
 */
image: string | null, };

export type DamageKind = "wrongBytes" | "missing" | "noDocument" | "noParent";

export type DisconnectNetwork = { 
/**
 * Id, prefix or name of the container.
 */
container: string, 
/**
 * Name, id or prefix of the network.
 */
network: string, };

export type DiskUsage = { 
/**
 * Unpacked layers, each once.
 */
layersBytes: number, 
/**
 * Blobs as transferred.
 */
blobsBytes: number, 
/**
 * Writable layers of all containers.
 */
containersBytes: number, 
/**
 * All volumes.
 */
volumesBytes: number, 
/**
 * Bytes that would be needed more if nothing were shared.
 */
sharedBytes: number, 
/**
 * Room left on the file system.
 */
freeBytes: number, };

export type DissectName = { 
/**
 * What the user typed so far.
 */
text: string, };

export type Dissection = { 
/**
 * The short form that people type.
 */
familiar: string, 
/**
 * The full form.
 */
canonical: string, 
/**
 * Parts, left to right.
 */
parts: Array<NamePart>, };

export type DockerfileCompletion = { 
/**
 * What it replaces.
 */
range: TextRange, 
/**
 * At most 200.
 */
candidates: Array<TextCandidate>, };

export type DockerfileEdit = { "kind": "insert", 
/**
 * The instruction that will come after it; the count of all to put it at the end.
 */
before: number, 
/**
 * What it says.
 */
draft: BlockDraft, } | { "kind": "remove", 
/**
 * Which.
 */
node: number, } | { "kind": "write", 
/**
 * Which.
 */
node: number, 
/**
 * What it says now.
 */
draft: BlockDraft, } | { "kind": "move", 
/**
 * Which.
 */
node: number, 
/**
 * The instruction that will come after it, counted before the move.
 */
before: number, } | { "kind": "format" };

export type DockerfileModel = { 
/**
 * Its stages, in order.
 */
stages: Array<StageModel>, 
/**
 * Its instructions, in order.
 */
blocks: Array<Block>, 
/**
 * What stands out in the text.
 */
tokens: Array<TextToken>, 
/**
 * Errors and what is questionable, in the order of the text.
 */
problems: Array<TextProblem>, };

export type DockerfileText = { 
/**
 * All of it.
 */
text: string, 
/**
 * The project whose `.dockerignore` and arguments count.
 */
project: string | null, };

export type DocumentFact = { "type": "platforms", 
/**
 * How many.
 */
count: number, } | { "type": "platform", 
/**
 * `os/architecture[/variant]`.
 */
platform: string, } | { "type": "settings", 
/**
 * How many.
 */
count: number, };

export type DocumentKind = "index" | "manifest" | "config";

export type EditDockerfile = { 
/**
 * The text.
 */
text: string, 
/**
 * The change.
 */
edit: DockerfileEdit, };

export type EditedDockerfile = { 
/**
 * All of it.
 */
text: string, 
/**
 * What is new in it.
 */
range: TextRange, };

export type EmptyTrash = { 
/**
 * Ids there; everything when absent.
 */
ids: Array<string> | null, };

export type Endpoint = { 
/**
 * The network's name.
 */
network: string, 
/**
 * More names that others on it may call.
 */
aliases: Array<string>, 
/**
 * What this container alone calls others: `container` or `container:alias`.
 */
links: Array<string>, 
/**
 * A fixed IPv4 address.
 */
address: string | null, 
/**
 * A fixed IPv6 address.
 */
ipv6Address: string | null, 
/**
 * A fixed hardware address.
 */
mac: string | null, };

export type Error = { 
/**
 * The stable code that clients match on.
 */
code: ErrorCode, 
/**
 * What failed on which object: lower case, no period.
 */
message: string, 
/**
 * The chain of reasons, outermost first.
 */
causes: Array<string>, 
/**
 * What the user can do, in English.
 */
hint: string | null, 
/**
 * The same for faces with other languages; absent for a hint that is not listed.
 */
advice: Advice | null, };

export type ErrorCode = "invalidArgument" | "invalidReference" | "noSuchContainer" | "noSuchImage" | "noSuchVolume" | "noSuchExec" | "noSuchNetwork" | "noSuchFile" | "noSuchProject" | "noSuchBuild" | "changedOutside" | "noSuchActivity" | "nameInUse" | "portInUse" | "imageInUse" | "volumeInUse" | "networkInUse" | "wrongState" | "registryUnreachable" | "unauthorized" | "referenceNotFound" | "rateLimited" | "registryFailed" | "contentMismatch" | "unsupportedImage" | "noMatchingPlatform" | "unsafeLayer" | "diskFull" | "commandNotFound" | "commandNotExecutable" | "runtimeFailed" | "unsupported" | "databaseDamaged" | "dataRootLocked" | "canceled" | "internal";

export type Exit = { 
/**
 * Exit code; 128 + n after signal n.
 */
code: number, 
/**
 * The kernel killed it for memory.
 */
oomKilled: boolean, 
/**
 * When.
 */
atMs: number, 
/**
 * Why it could not start, if so.
 */
error: string | null, };

export type ExportContainer = { 
/**
 * Id, unique id prefix, or name.
 */
container: string, 
/**
 * The file; it must not be there yet.
 */
path: string, };

export type FileBefore = { 
/**
 * In which layer.
 */
layer: number, 
/**
 * Permission bits.
 */
mode: number, 
/**
 * Owner.
 */
uid: number, 
/**
 * Group.
 */
gid: number, 
/**
 * Bytes.
 */
sizeBytes: number, 
/**
 * Seconds since 1970.
 */
modifiedSec: number, };

export type FileChange = "same" | "added" | "modified" | "deleted";

export type FileContent = { 
/**
 * The size of the whole file.
 */
sizeBytes: number, 
/**
 * How many of its bytes are shown.
 */
shownBytes: number, 
/**
 * The text, or lines of bytes and what they spell.
 */
text: string, 
/**
 * Whether it is text.
 */
isText: boolean, };

export type FileDifference = { 
/**
 * Its path.
 */
path: string, 
/**
 * From left to right.
 */
change: FileChange, 
/**
 * Bytes on the left.
 */
leftBytes: number | null, 
/**
 * Bytes on the right.
 */
rightBytes: number | null, };

export type FileKind = "file" | "directory" | "symlink" | "device" | "fifo" | "socket";

export type FileRow = { 
/**
 * Its name.
 */
name: string, 
/**
 * What it is.
 */
kind: FileKind, 
/**
 * What the layer did to it.
 */
change: FileChange, 
/**
 * The layer that what is shown is of.
 */
layer: number, 
/**
 * Permission bits.
 */
mode: number, 
/**
 * Owner, as the container sees it.
 */
uid: number, 
/**
 * Group, as the container sees it.
 */
gid: number, 
/**
 * Its bytes, or those of all files in it.
 */
sizeBytes: number, 
/**
 * Seconds since 1970.
 */
modifiedSec: number, 
/**
 * Files in it.
 */
files: number, 
/**
 * Names in it that the layer changed, it included.
 */
changes: number, 
/**
 * Where a symbolic link leads.
 */
target: string | null, 
/**
 * One of several names of a file.
 */
linked: boolean, 
/**
 * What was there before, if it is modified.
 */
before: FileBefore | null, };

export type FileSearch = { 
/**
 * Whose.
 */
of: FilesOf, 
/**
 * A part of the name; of the path if there is a slash in it.
 */
text: string, };

export type FilesOf = { "kind": "image", 
/**
 * Reference, id or prefix.
 */
image: string, } | { "kind": "container", 
/**
 * Name or id.
 */
container: string, } | { "kind": "volume", 
/**
 * Its name.
 */
volume: string, };

export type FilesQuery = { 
/**
 * Whose.
 */
of: FilesOf, };

export type FilesSummary = { 
/**
 * Bottom first.
 */
layers: Array<LayerFiles>, 
/**
 * Bytes of all files of all layers, several names of one file once.
 */
sizeBytes: number, 
/**
 * Of these, what layers above hide.
 */
wastedBytes: number, 
/**
 * The part that is to be seen, 0 to 1.
 */
efficiency: number, 
/**
 * Files that are to be seen at the end.
 */
files: number, 
/**
 * How many names waste something.
 */
wastefulNames: number, 
/**
 * Those that waste most.
 */
wasted: Array<WastedFile>, };

export type FindInLog = { 
/**
 * Container id or name.
 */
container: string, 
/**
 * What a line must contain, in any case; empty for every line.
 */
text: string, 
/**
 * In standard output.
 */
stdout: boolean, 
/**
 * In standard error.
 */
stderr: boolean, 
/**
 * The number of the first line that is looked at.
 */
from: number, };

export type Folder = { 
/**
 * How many rows there are in all.
 */
total: number, 
/**
 * At most 1,000 of them.
 */
files: Array<FileRow>, };

export type FolderPath = { 
/**
 * An absolute path.
 */
folder: string, };

export type FolderQuery = { 
/**
 * Whose.
 */
of: FilesOf, 
/**
 * After which layer.
 */
layer: number, 
/**
 * The folder; `/` for the root.
 */
path: string, 
/**
 * Only what that layer changed, or what holds something that it changed.
 */
changedOnly: boolean, 
/**
 * How many rows to leave out.
 */
offset: number, };

export type Forecast = { 
/**
 * One for each instruction.
 */
steps: Array<StepForecast>, 
/**
 * What would fail, known before anything runs.
 */
problem: Error | null, 
/**
 * At which instruction.
 */
problemNode: number | null, 
/**
 * Bases that have to be pulled first.
 */
missingImages: Array<string>, 
/**
 * Sum of what steps that run took last time.
 */
expectedUsec: number, 
/**
 * How many of these never ran, so that nobody knows.
 */
unknown: number, 
/**
 * How long it took to find out.
 */
usec: number, };

export type ForecastQuery = { 
/**
 * The project.
 */
project: string, 
/**
 * The text, which need not be on disk.
 */
text: string, };

export type FoundFile = { 
/**
 * Its path.
 */
path: string, 
/**
 * What it is in the topmost layer that has it.
 */
kind: FileKind, 
/**
 * Its bytes there.
 */
sizeBytes: number, 
/**
 * The layers that have it or remove it, bottom first.
 */
layers: Array<number>, 
/**
 * Whether it is to be seen at the end.
 */
visible: boolean, };

export type FoundFiles = { 
/**
 * How many names fit.
 */
total: number, 
/**
 * The first 500 of them.
 */
files: Array<FoundFile>, };

export type FoundInLog = { 
/**
 * The edition that the numbers belong to.
 */
edition: number, 
/**
 * Their numbers, in order.
 */
lines: Array<number>, 
/**
 * The number after the last line that was looked at.
 */
end: number, 
/**
 * The answer is full: the rest was not looked at.
 */
more: boolean, };

export type Health = { 
/**
 * How it stands.
 */
status: HealthStatus, 
/**
 * Failures since the last success.
 */
failingStreak: number, 
/**
 * The last checks, oldest first; at most five.
 */
probes: Array<HealthProbe>, };

export type HealthCheck = { 
/**
 * `["NONE"]`, `["CMD", program, …]` or `["CMD-SHELL", text]`.
 */
test: Array<string>, 
/**
 * Time between two checks; 30 s by default.
 */
intervalNs: number, 
/**
 * How long one check may take; 30 s by default.
 */
timeoutNs: number, 
/**
 * How long after the start failures do not count; 0 by default.
 */
startPeriodNs: number, 
/**
 * Time between two checks in that period; 5 s by default.
 */
startIntervalNs: number, 
/**
 * How many failures in a row make it unhealthy; 3 by default.
 */
retries: number, };

export type HealthProbe = { 
/**
 * When it began.
 */
startedAtMs: number, 
/**
 * When it ended.
 */
endedAtMs: number, 
/**
 * 0 is well; -1 if it took too long or could not run.
 */
exitCode: number, 
/**
 * What it wrote, at most 4 KiB.
 */
output: string, };

export type HealthStatus = "starting" | "healthy" | "unhealthy";

export type HistoryStep = { 
/**
 * The instruction that made it.
 */
createdBy: string, 
/**
 * When.
 */
createdAtMs: number | null, 
/**
 * A comment of the builder.
 */
comment: string | null, 
/**
 * Index of its layer; absent for settings only.
 */
layer: number | null, 
/**
 * Unpacked bytes of its layer.
 */
sizeBytes: number, };

export type HostSample = { 
/**
 * Percent of one core, all containers together.
 */
containersCpuPercent: number, 
/**
 * Memory of all containers.
 */
containersMemoryBytes: number, 
/**
 * Percent of one core, the engine's own process.
 */
engineCpuPercent: number, 
/**
 * Resident memory of the engine's own process.
 */
engineMemoryBytes: number, };

export type IdMapping = { 
/**
 * First id inside.
 */
inside: number, 
/**
 * First id on the host.
 */
outside: number, 
/**
 * How many.
 */
count: number, };

export type ImageComparison = { 
/**
 * Layers that both begin with.
 */
sharedLayers: number, 
/**
 * Names only the left one has.
 */
removed: number, 
/**
 * Names only the right one has.
 */
added: number, 
/**
 * Names that differ.
 */
modified: number, 
/**
 * The first 500 of them, by path.
 */
files: Array<FileDifference>, };

export type ImageDetail = { 
/**
 * Its row in the list.
 */
summary: ImageSummary, 
/**
 * What a container of it runs and how.
 */
config: ImageSettings, 
/**
 * Every instruction, bottom first; those without files have no layer.
 */
history: Array<HistoryStep>, 
/**
 * Layers, bottom first.
 */
layers: Array<Layer>, 
/**
 * The documents from the name to the layers, in order.
 */
documents: Array<ImageDocument>, 
/**
 * The names taken apart.
 */
names: Array<Dissection>, };

export type ImageDocument = { 
/**
 * Which one.
 */
kind: DocumentKind, 
/**
 * Its digest.
 */
digest: string, 
/**
 * Its media type.
 */
mediaType: string, 
/**
 * The text, byte for byte.
 */
json: string, };

export type ImageName = { 
/**
 * Reference, id or prefix.
 */
image: string, };

export type ImageSettings = { 
/**
 * `NAME=value`.
 */
env: Array<string>, 
/**
 * Always runs.
 */
entrypoint: Array<string>, 
/**
 * Arguments, or the command when there is no entrypoint.
 */
command: Array<string>, 
/**
 * Where it starts.
 */
workingDir: string, 
/**
 * As whom.
 */
user: string, 
/**
 * Ports it listens on, by its own word: `80/tcp`.
 */
exposedPorts: Array<string>, 
/**
 * Paths that get a volume.
 */
volumes: Array<string>, 
/**
 * Signal that asks it to stop.
 */
stopSignal: string | null, 
/**
 * Labels.
 */
labels: { [key in string]: string }, 
/**
 * CPU architecture.
 */
architecture: string, 
/**
 * Operating system.
 */
os: string, 
/**
 * Variant of the architecture.
 */
variant: string | null, 
/**
 * Who made it, by its own word.
 */
author: string | null, };

export type ImageSignatures = { 
/**
 * The digest that is meant: what is here under this name, or else what the registry has.
 */
digest: string, 
/**
 * Whether it is the image that is here.
 */
isLocal: boolean, 
/**
 * Whether at least one signature is good.
 */
verified: boolean, 
/**
 * One by one.
 */
signatures: Array<SignatureCheck>, };

export type ImageSummary = { 
/**
 * Digest of the config.
 */
id: string, 
/**
 * Digest of the manifest.
 */
manifestDigest: string, 
/**
 * Names with tags, in their familiar form; empty when dangling.
 */
references: Array<string>, 
/**
 * Names with digests, `name@sha256:…`.
 */
repoDigests: Array<string>, 
/**
 * When the image was built, by its own word.
 */
createdAtMs: number | null, 
/**
 * Unpacked bytes of all layers.
 */
sizeBytes: number, 
/**
 * Unpacked bytes of layers that no other image has.
 */
uniqueBytes: number, 
/**
 * Bytes as stored and transferred.
 */
compressedBytes: number, 
/**
 * `os/architecture[/variant]`.
 */
platform: string, 
/**
 * Bottom layer first: what draws the jar.
 */
layers: Array<LayerMark>, 
/**
 * Names of the containers made from it.
 */
usedBy: Array<string>, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, };

export type ImportImage = { 
/**
 * The tar, plain or compressed with gzip or zstd, or the folder.
 */
path: string, 
/**
 * A name for the image.
 */
reference: string | null, 
/**
 * A remark for its history.
 */
comment: string | null, 
/**
 * Instructions of a Dockerfile that change its settings: `CMD`, `ENV`, `LABEL` and so on.
 */
changes: Array<string>, 
/**
 * `os/architecture[/variant]`; this machine's when absent.
 */
platform: string | null, };

export type Incident = { 
/**
 * When it began.
 */
atMs: number, 
/**
 * For how long.
 */
durationMs: number, 
/**
 * Which limit.
 */
kind: IncidentKind, };

export type IncidentKind = "throttled" | "oomKill";

export type IsolatedProcess = { 
/**
 * Process id on the host.
 */
pid: number, 
/**
 * Process id inside.
 */
insidePid: number, 
/**
 * Host process id of its parent.
 */
parentPid: number, 
/**
 * Its parent stands outside of the container.
 */
parentOutside: boolean, 
/**
 * Real user id on the host.
 */
uid: number, 
/**
 * That user as the container calls it; absent when it has no name for it.
 */
insideUid: number | null, 
/**
 * The letter of `/proc/PID/stat`: R, S, D, T, Z …
 */
state: string, 
/**
 * Threads.
 */
threads: number, 
/**
 * Program and arguments.
 */
command: string, 
/**
 * What it does with signals.
 */
signals: SignalSets, 
/**
 * Namespaces in which it differs from the main process.
 */
apart: Array<NamespaceFact>, };

export type Isolation = { 
/**
 * When they were read.
 */
atMs: number, 
/**
 * Namespaces of the host, then of this container, then of the others that run.
 */
views: Array<NamespaceView>, 
/**
 * All its processes, its main process first.
 */
processes: Array<IsolatedProcess>, 
/**
 * Capabilities of its main process.
 */
capabilities: CapabilitySets | null, 
/**
 * What its main process can no longer do.
 */
confinement: Confinement, 
/**
 * What it sees mounted, in the order of the mounts.
 */
mounts: Array<MountFact>, 
/**
 * Its cgroup.
 */
cgroup: CgroupFacts, 
/**
 * Where programs in its network namespace wait for connections.
 */
sockets: Array<ListeningSocket>, 
/**
 * User ids of its user namespace.
 */
uidMap: Array<IdMapping>, 
/**
 * Group ids of its user namespace.
 */
gidMap: Array<IdMapping>, };

export type KeptSignIn = { 
/**
 * Who signs in, unless only a token or a credential helper knows.
 */
username: string | null, 
/**
 * Where the secret is.
 */
place: SignInPlace, };

export type KillContainer = { 
/**
 * Id, prefix or name.
 */
container: string, 
/**
 * Name or number; `SIGKILL` when absent.
 */
signal: string | null, };

export type Lapse = { 
/**
 * Start.
 */
startUsec: number, 
/**
 * End.
 */
endUsec: number | null, };

export type Layer = { 
/**
 * Digest of the blob as transferred.
 */
digest: string, 
/**
 * Digest of the tar within.
 */
diffId: string, 
/**
 * Digest of this layer and all below.
 */
chainId: string, 
/**
 * Media type of the blob.
 */
mediaType: string, 
/**
 * Bytes as transferred.
 */
compressedBytes: number, 
/**
 * Bytes unpacked.
 */
sizeBytes: number, 
/**
 * The instruction that made it, if known.
 */
createdBy: string | null, 
/**
 * References of other images with the same snapshot.
 */
sharedWith: Array<string>, };

export type LayerFiles = { 
/**
 * Names that were not there before.
 */
added: number, 
/**
 * Names with other content or attributes.
 */
modified: number, 
/**
 * Names that are there no more.
 */
deleted: number, 
/**
 * Bytes of its files.
 */
sizeBytes: number, 
/**
 * Of these, what layers above hide.
 */
hiddenBytes: number, };

export type LayerMark = { 
/**
 * Equal chain IDs are the same snapshot.
 */
chainId: string, 
/**
 * Unpacked bytes.
 */
sizeBytes: number, };

export type LeaveOut = { 
/**
 * The project.
 */
project: string, 
/**
 * Lines for `.dockerignore`.
 */
lines: Array<string>, };

export type LifecycleEvent = { 
/**
 * When, in nanoseconds since the Unix epoch.
 */
atNs: number, 
/**
 * `container`, `image`, `volume` or `network`, in Docker's words.
 */
kind: string, 
/**
 * `create`, `start`, `die`, `pull` …, in Docker's words.
 */
action: string, 
/**
 * The object's id.
 */
id: string, 
/**
 * Name, image, exit code and so on, in Docker's keys.
 */
attributes: { [key in string]: string }, };

export type LimitEvents = { 
/**
 * Periods in which the CPU limit stopped it.
 */
throttledPeriods: number | null, 
/**
 * Time for which it was stopped.
 */
throttledUsec: number | null, 
/**
 * Times the memory limit was met.
 */
memoryLimitHits: number | null, 
/**
 * Processes killed for memory.
 */
oomKills: number | null, 
/**
 * Times a new process was refused.
 */
refusedForks: number | null, };

export type LimitFact = { 
/**
 * Which one.
 */
kind: LimitKind, 
/**
 * The kernel's file.
 */
file: string, 
/**
 * What it says.
 */
raw: string, 
/**
 * The limit; absent when there is none.
 */
limit: number | null, 
/**
 * The use now; for the CPU, the time used so far.
 */
used: number | null, 
/**
 * The most that this machine can give.
 */
machine: number, };

export type LimitKind = "memory" | "cpu" | "pids";

export type Limits = { 
/**
 * Memory.
 */
memoryBytes: number | null, 
/**
 * Memory and swap together; -1 is unlimited swap.
 */
memorySwapBytes: number | null, 
/**
 * Soft limit under memory pressure.
 */
memoryReservationBytes: number | null, 
/**
 * CPU in billionths of a core, as `--cpus`.
 */
nanoCpus: number | null, 
/**
 * Relative weight, 1024 by default.
 */
cpuShares: number | null, 
/**
 * CPU time per period.
 */
cpuQuotaUsec: number | null, 
/**
 * The period.
 */
cpuPeriodUsec: number | null, 
/**
 * Cores it may run on, e.g. `0-1,3`.
 */
cpusetCpus: string | null, 
/**
 * Memory nodes it may use.
 */
cpusetMems: string | null, 
/**
 * Processes and threads.
 */
pids: number | null, 
/**
 * Relative block I/O weight, 10 to 1000.
 */
blkioWeight: number | null, };

export type ListeningSocket = { 
/**
 * Its protocol.
 */
protocol: Protocol, 
/**
 * Its address, as the container sees it.
 */
address: string, 
/**
 * Its port.
 */
port: number, 
/**
 * Host process ids of the container's processes that hold it.
 */
pids: Array<number>, };

export type LoadImages = { 
/**
 * The file: of `docker save`, or an OCI layout in a tar.
 */
path: string, };

export type LoadedImage = { 
/**
 * Its id.
 */
id: string, 
/**
 * Names that point to it now.
 */
references: Array<string>, };

export type LogExtent = { 
/**
 * Numbers of two editions have nothing to do with each other.
 */
edition: number, 
/**
 * The number of the first line that is still kept; grows when a file is rotated away.
 */
first: number, 
/**
 * The number after the last line.
 */
end: number, 
/**
 * The lines before `end`, as many of them as are new and fit in a message.
 */
last: Array<LogLine>, 
/**
 * Nothing follows.
 */
ended: boolean, };

export type LogLine = { 
/**
 * When the container wrote it, in milliseconds since the Unix epoch.
 */
atMs: number, 
/**
 * The nanoseconds within that millisecond.
 */
atSubmsNs: number, 
/**
 * Where it wrote it.
 */
stream: LogStream, 
/**
 * The text, with its line feed if it had one.
 */
text: string, };

export type LogOptions = { 
/**
 * Nothing is kept.
 */
off: boolean, 
/**
 * A file is rotated at this size.
 */
maxBytes: number | null, 
/**
 * So many files are kept.
 */
maxFiles: number | null, 
/**
 * Rotated files are compressed.
 */
compress: boolean, };

export type LogRange = { 
/**
 * Container id or name.
 */
container: string, 
/**
 * The number of the first line.
 */
from: number, 
/**
 * How many lines; the answer has fewer where the log ends, and at most a thousand.
 */
count: number, };

export type LogSlice = { 
/**
 * The edition that the numbers belong to.
 */
edition: number, 
/**
 * The number of the first line.
 */
from: number, 
/**
 * The lines.
 */
lines: Array<LogLine>, };

export type LogStream = "stdout" | "stderr";

export type MeasureProposal = { 
/**
 * The project.
 */
project: string, 
/**
 * The text as it is.
 */
before: string, 
/**
 * The text as it is proposed.
 */
after: string, 
/**
 * What is to become better.
 */
kind: ProposalKind, };

export type Measured = { 
/**
 * As it is.
 */
before: Measurement, 
/**
 * As it is proposed.
 */
after: Measurement, };

export type Measurement = { 
/**
 * Bytes of the image's layers.
 */
imageBytes: number, 
/**
 * How long the build took when it was built again: with another file, or with every step anew.
 */
againUsec: number | null, };

export type Motion = "system" | "full" | "reduced";

export type Mount = { 
/**
 * What kind.
 */
kind: MountKind, 
/**
 * Host path, or volume name; empty for a tmpfs and for an anonymous volume.
 */
source: string, 
/**
 * Absolute path inside.
 */
target: string, 
/**
 * Cannot be written through this mount.
 */
readOnly: boolean, 
/**
 * `rprivate` (default), `rslave` or `rshared`.
 */
propagation: string | null, 
/**
 * Size of a tmpfs.
 */
sizeBytes: number | null, 
/**
 * Mode of a tmpfs.
 */
mode: number | null, 
/**
 * A new volume is not filled with what the image has at the target.
 */
noCopy: boolean, };

export type MountFact = { 
/**
 * Where, as the container sees it.
 */
target: string, 
/**
 * What it is for.
 */
origin: MountOrigin, 
/**
 * Type of the file system.
 */
filesystem: string, 
/**
 * Device, or path within the file system that is shown here.
 */
source: string, 
/**
 * Options of this mount.
 */
options: string, 
/**
 * It cannot be written.
 */
readOnly: boolean, 
/**
 * Folders of the layers, topmost first; of an overlay only.
 */
layers: Array<string>, 
/**
 * Folder that takes the writes; of an overlay only.
 */
writableLayer: string | null, };

export type MountKind = "bind" | "volume" | "tmpfs";

export type MountOrigin = "root" | "volume" | "bind" | "memory" | "generated" | "kernel" | "mask" | "readOnly" | "device" | "other";

export type NamePage = { 
/**
 * The names, in the registry's order.
 */
names: Array<string>, 
/**
 * What asks for the next page; none behind the last.
 */
next: string | null, };

export type NamePart = { 
/**
 * Which part.
 */
kind: NamePartKind, 
/**
 * Its text, without separators.
 */
text: string, 
/**
 * Not typed: it stands for a default.
 */
implied: boolean, };

export type NamePartKind = "registry" | "namespace" | "repository" | "tag" | "digest";

export type NamedValue = { 
/**
 * The name.
 */
name: string, 
/**
 * The value, with quotes as they are written.
 */
value: string, };

export type NamespaceFact = { 
/**
 * Its kind.
 */
kind: NamespaceKind, 
/**
 * Its inode: equal means the same. Absent where it must not be read.
 */
inode: number | null, };

export type NamespaceKind = "mnt" | "pid" | "net" | "ipc" | "uts" | "cgroup" | "user" | "time";

export type NamespaceView = { 
/**
 * The container; absent for the host.
 */
container: string | null, 
/**
 * Its name, or the host's.
 */
name: string, 
/**
 * The process whose namespaces they are.
 */
pid: number, 
/**
 * Its program.
 */
command: string, 
/**
 * One row each, always in the same order.
 */
namespaces: Array<NamespaceFact>, };

export type Network = { 
/**
 * 64 hexadecimal digits.
 */
id: string, 
/**
 * Unique name.
 */
name: string, 
/**
 * `bridge`, `host` or `null`.
 */
driver: string, 
/**
 * It exists always and cannot be removed.
 */
builtin: boolean, 
/**
 * Its containers reach only each other.
 */
internal: boolean, 
/**
 * Its addresses, `10.90.0.0/20`; absent before the default bridge is used.
 */
subnet: string | null, 
/**
 * The host's address in it.
 */
gateway: string | null, 
/**
 * The part that addresses are chosen from.
 */
range: string | null, 
/**
 * Its IPv6 addresses, if it has any.
 */
ipv6: AddressPlan | null, 
/**
 * The bridge on the host.
 */
interface: string | null, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, 
/**
 * Driver options, as they were given.
 */
options: { [key in string]: string }, 
/**
 * When it was made; 0 for a builtin one.
 */
createdAtMs: number, 
/**
 * Its containers, running or not.
 */
members: Array<NetworkMember>, };

export type NetworkMember = { 
/**
 * Its id.
 */
container: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its place; without an address while it does not run.
 */
place: Attachment, };

export type NetworkMode = { "type": "bridge" } | { "type": "host" } | { "type": "none" } | { "type": "container", 
/**
 * Its id.
 */
id: string, } | { "type": "named", 
/**
 * Its name.
 */
name: string, };

export type NetworkName = { 
/**
 * Name, id or prefix.
 */
network: string, };

export type Note = { 
/**
 * A stable name, e.g. `capability`.
 */
name: string, 
/**
 * What and why, one sentence.
 */
text: string, };

export type OpenStepShell = { 
/**
 * The build.
 */
build: string, 
/**
 * Rows at first.
 */
rows: number, 
/**
 * Columns at first.
 */
cols: number, };

export type OpenTerminal = { 
/**
 * Container id or name.
 */
container: string, 
/**
 * A command; the best shell of the image when empty.
 */
command: Array<string>, 
/**
 * Joins the container's main process instead of a new one.
 */
attach: boolean, 
/**
 * Rows at first.
 */
rows: number, 
/**
 * Columns at first.
 */
cols: number, };

export type Overview = { 
/**
 * The revision that this overview holds.
 */
revision: number, 
/**
 * All containers, newest first.
 */
containers: Array<ContainerSummary>, 
/**
 * All images, newest first.
 */
images: Array<ImageSummary>, 
/**
 * All named and anonymous volumes.
 */
volumes: Array<Volume>, 
/**
 * Running work, and what finished lately.
 */
activities: Array<Activity>, 
/**
 * What can be taken back.
 */
trash: TrashSummary, 
/**
 * The machine and the engine.
 */
system: SystemInfo, };

export type PortBinding = { 
/**
 * Port inside.
 */
containerPort: number, 
/**
 * Port on the host.
 */
hostPort: number, 
/**
 * Address on the host.
 */
hostAddress: string, 
/**
 * Its protocol.
 */
protocol: Protocol, };

export type PortRequest = { 
/**
 * Port inside.
 */
containerPort: number, 
/**
 * Port on the host; chosen by the kernel when 0.
 */
hostPort: number, 
/**
 * Address on the host; all when absent.
 */
hostAddress: string | null, 
/**
 * Its protocol.
 */
protocol: Protocol, };

export type PortTruth = { 
/**
 * Port inside.
 */
containerPort: number, 
/**
 * Its protocol.
 */
protocol: Protocol, 
/**
 * The image or the user says that the container listens on it.
 */
exposed: boolean, 
/**
 * Where it is published on the host.
 */
published: Array<PortBinding>, 
/**
 * The addresses inside on which a process listens.
 */
listening: Array<string>, 
/**
 * Where the chain from the host to the process breaks.
 */
verdict: PortVerdict, };

export type PortVerdict = "reachable" | "notPublished" | "nobodyListens" | "loopbackOnly" | "ipv4Only" | "notRunning";

export type Privilege = "rootful" | "rootless";

export type ProbeNetwork = { 
/**
 * Id, prefix or name of the container that calls.
 */
from: string, 
/**
 * Id, prefix or name of the container that is called.
 */
to: string, 
/**
 * The TCP port inside the latter.
 */
port: number, };

export type ProbeOutcome = "passed" | "failed" | "skipped";

export type ProbeReason = "noNamesHere" | "noSharedNetwork" | "nameUnknown" | "nameServerSilent" | "noRoute" | "nobodyListens" | "loopbackOnly" | "noAnswer";

export type ProbeStage = "resolve" | "route" | "connect";

export type ProbeStep = { 
/**
 * Which one.
 */
stage: ProbeStage, 
/**
 * How it went.
 */
outcome: ProbeOutcome, 
/**
 * What was found, in the words of the machine: an address, an interface.
 */
found: string, 
/**
 * How long it took.
 */
tookUsec: number, 
/**
 * Why it failed.
 */
reason: ProbeReason | null, };

export type Process = { 
/**
 * Process id on the host.
 */
pid: number, 
/**
 * Process id inside.
 */
insidePid: number, 
/**
 * Host process id of its parent.
 */
parentPid: number, 
/**
 * User id on the host.
 */
uid: number, 
/**
 * Resident memory.
 */
residentBytes: number, 
/**
 * CPU time so far.
 */
cpuUsec: number, 
/**
 * When it started.
 */
startedAtMs: number, 
/**
 * Its controlling terminal, or `?`.
 */
tty: string, 
/**
 * Program and arguments.
 */
command: string, };

export type ProcessList = { 
/**
 * Its processes, in the order of their ids.
 */
processes: Array<Process>, };

export type Progress = { 
/**
 * Done so far, in bytes.
 */
doneBytes: number, 
/**
 * All there is to do, in bytes.
 */
totalBytes: number, };

export type Project = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name, for people.
 */
name: string, 
/**
 * The folder of the build, an absolute path.
 */
folder: string, 
/**
 * The Dockerfile, relative to the folder.
 */
dockerfile: string, 
/**
 * How it is built.
 */
settings: BuildSettings, 
/**
 * When it was made.
 */
createdAtMs: number, 
/**
 * Whether folder and Dockerfile are there.
 */
found: boolean, 
/**
 * Its latest build.
 */
last: BuildSummary | null, };

export type ProjectFile = { 
/**
 * The text.
 */
text: string, 
/**
 * By what a change outside is seen.
 */
version: string, };

export type ProjectId = { 
/**
 * Its id.
 */
project: string, };

export type ProjectTemplate = "empty" | "node" | "python" | "rust" | "go" | "java" | "static";

export type Proposal = { 
/**
 * What kind.
 */
kind: ProposalKind, 
/**
 * The instruction that it is about.
 */
node: number, 
/**
 * What its text names: files, a folder, a tool.
 */
names: Array<string>, 
/**
 * The whole Dockerfile with the change; none where `.dockerignore` is changed.
 */
text: string | null, 
/**
 * Lines that `.dockerignore` gets.
 */
leaveOut: Array<string>, 
/**
 * What it costs as things stand.
 */
cost: Cost, };

export type ProposalKind = "installFirst" | "cacheMount" | "cleanUp" | "leaveOut";

export type Protocol = "tcp" | "udp";

export type PruneChoice = { 
/**
 * Those that are chosen; absent: what is safe to lose.
 */
picked: Array<PruneKey> | null, };

export type PruneItem = { 
/**
 * Which.
 */
key: PruneKey, 
/**
 * What people call it.
 */
name: string, 
/**
 * Why it can go.
 */
reason: PruneReason, 
/**
 * Bytes that are its own.
 */
sizeBytes: number, 
/**
 * Whether it is chosen.
 */
picked: boolean, };

export type PruneKey = { 
/**
 * What it is.
 */
kind: PruneKind, 
/**
 * Its id, that in the trash for what is there; a volume's name.
 */
id: string, };

export type PruneKind = "container" | "image" | "volume" | "trash";

export type PruneReason = "stopped" | "unnamed" | "unused" | "anonymous" | "unmounted" | "trashed";

export type PruneReceipt = { 
/**
 * Everything that nothing needs, chosen or not.
 */
items: Array<PruneItem>, 
/**
 * Bytes on disk that are free again when all that is chosen goes; what chosen images share
 * with others counts only if all of them go.
 */
freedBytes: number, };

export type Pruned = { 
/**
 * How many objects.
 */
removed: number, 
/**
 * Bytes that are free again.
 */
freedBytes: number, 
/**
 * What stayed, and why.
 */
failed: Array<string>, };

export type PullDocument = { 
/**
 * Which one.
 */
kind: DocumentKind, 
/**
 * Its digest.
 */
digest: string, 
/**
 * Its size.
 */
sizeBytes: number, 
/**
 * What is worth knowing of it.
 */
fact: DocumentFact, };

export type PullImage = { 
/**
 * The reference as typed.
 */
reference: string, 
/**
 * `os/architecture[/variant]`; this machine's when absent.
 */
platform: string | null, 
/**
 * Credentials for this pull only.
 */
credentials: Credentials | null, };

export type PullProgress = { 
/**
 * Its activity, for cancel.
 */
activity: string, 
/**
 * The reference in canonical form.
 */
reference: string, 
/**
 * What is going on.
 */
stage: PullStage, 
/**
 * Documents, as soon as they are known.
 */
documents: Array<PullDocument>, 
/**
 * Config and layers, in the order of the manifest.
 */
blobs: Array<BlobProgress>, 
/**
 * Bytes that were downloaded.
 */
downloadedBytes: number, 
/**
 * Bytes that had to be downloaded.
 */
toDownloadBytes: number, 
/**
 * Bytes that were here already.
 */
savedBytes: number, 
/**
 * Since the pull began.
 */
elapsedUsec: number, 
/**
 * The image's id, at the end.
 */
imageId: string | null, 
/**
 * The manifest's digest, as soon as it is known.
 */
manifestDigest: string | null, 
/**
 * At the end: the image was complete and the name pointed to it already.
 */
upToDate: boolean, };

export type PullStage = "resolving" | "fetching" | "committing" | "done";

export type PushBlob = { 
/**
 * Its digest.
 */
digest: string, 
/**
 * Number of the layer from the bottom, 1 first; absent for a config.
 */
layer: number | null, 
/**
 * Bytes to send.
 */
sizeBytes: number, 
/**
 * Bytes that were sent.
 */
pushedBytes: number, 
/**
 * How it stands.
 */
phase: PushPhase, };

export type PushImage = { 
/**
 * The reference, which names the registry too.
 */
reference: string, 
/**
 * Credentials for this push only.
 */
credentials: Credentials | null, };

export type PushPhase = "waiting" | "pushing" | "done" | "alreadyThere" | "mounted";

export type PushProgress = { 
/**
 * Its activity, for cancel.
 */
activity: string, 
/**
 * The reference in familiar form.
 */
reference: string, 
/**
 * Configs and layers.
 */
blobs: Array<PushBlob>, 
/**
 * Bytes that were sent.
 */
pushedBytes: number, 
/**
 * Bytes that have to be sent, as far as is known.
 */
toPushBytes: number, 
/**
 * Bytes that the registry had already.
 */
savedBytes: number, 
/**
 * Since the push began.
 */
elapsedUsec: number, 
/**
 * Digest of what the name points to, at the end.
 */
digest: string | null, };

export type PushedImage = { 
/**
 * The name that points to it now.
 */
reference: string, 
/**
 * Digest of the manifest or index.
 */
digest: string, 
/**
 * Size of that document.
 */
sizeBytes: number, };

export type ReadFile = { 
/**
 * Whose.
 */
of: FilesOf, 
/**
 * The layer that has it.
 */
layer: number, 
/**
 * Its path.
 */
path: string, };

export type Registry = { 
/**
 * Its name in references: `docker.io`, `ghcr.io`, `localhost:5000`.
 */
host: string, 
/**
 * How this user signs in there; none for anonymous.
 */
signIn: KeptSignIn | null, 
/**
 * Its certificate is not checked, and it may do without TLS.
 */
insecure: boolean, 
/**
 * The mirrors that are asked before it.
 */
mirrors: Array<string>, 
/**
 * How many names of images here are of this registry.
 */
names: number, };

export type RegistryCheck = { 
/**
 * Its name in references.
 */
host: string, 
/**
 * The steps that were tried, in their order.
 */
steps: Array<RegistryStep>, };

export type RegistryFinding = { "type": "addresses", 
/**
 * IP addresses.
 */
addresses: Array<string>, } | { "type": "answer", 
/**
 * Scheme, host and port that answered.
 */
address: string, 
/**
 * Whether its certificate was checked; none without TLS.
 */
certificateChecked: boolean | null, } | { "type": "notAsked" } | { "type": "anonymous" } | { "type": "taken", 
/**
 * Who signed in, unless only a token knows.
 */
username: string | null, };

export type RegistryName = { 
/**
 * Its host, with a port where it has one.
 */
registry: string, };

export type RegistryStep = { 
/**
 * Which step.
 */
name: RegistryStepName, 
/**
 * How long it took.
 */
tookUsec: number, 
/**
 * What it found; none when it failed.
 */
found: RegistryFinding | null, 
/**
 * Why it failed.
 */
error: Error | null, };

export type RegistryStepName = "address" | "answer" | "signIn";

export type RemoveContainer = { 
/**
 * Id, prefix or name.
 */
container: string, 
/**
 * Kills it first if it runs.
 */
force: boolean, 
/**
 * Its anonymous volumes go with it.
 */
volumes: boolean, };

export type RemoveImage = { 
/**
 * Reference, id or prefix.
 */
image: string, 
/**
 * Also when it has several names or stopped containers use it.
 */
force: boolean, };

export type RemovedImage = { 
/**
 * Names that are gone.
 */
untagged: Array<string>, 
/**
 * Ids and layers that are gone.
 */
deleted: Array<string>, 
/**
 * Bytes that are free again.
 */
freedBytes: number, };

export type RenameContainer = { 
/**
 * Id, prefix or name.
 */
container: string, 
/**
 * The new name.
 */
name: string, };

export type Repaired = { 
/**
 * What was not as it should be.
 */
found: Array<Damage>, 
/**
 * The images that were pulled anew.
 */
pulled: Array<string>, 
/**
 * What is still not as it should be.
 */
left: Array<Damage>, };

export type RepositoryQuery = { 
/**
 * Its host, with a port where it has one.
 */
registry: string, 
/**
 * [`NamePage::next`] of the page before; none for the first.
 */
page: string | null, };

export type ResourceKind = "container" | "image" | "volume" | "activity";

export type RestartPolicy = { "type": "no" } | { "type": "always" } | { "type": "unlessStopped" } | { "type": "onFailure", 
/**
 * At most so often; 0 is without end.
 */
maxRetries: number, };

export type RestoredImage = { 
/**
 * Its row in the list.
 */
image: ImageSummary, 
/**
 * Names that another image has by now, and keeps.
 */
taken: Array<string>, };

export type ResultKind = "image" | "folder" | "tar" | "archive";

export type Sample = { 
/**
 * When it was taken.
 */
atMs: number, 
/**
 * Percent of one core; 200 is two cores.
 */
cpuPercent: number, 
/**
 * Percent of the enforcement periods in which the CPU limit stopped it.
 */
throttledPercent: number, 
/**
 * Memory that counts against the limit, without reclaimable page cache.
 */
memoryBytes: number, 
/**
 * Page cache within the cgroup.
 */
cacheBytes: number, 
/**
 * The memory limit; absent when there is none.
 */
memoryLimitBytes: number | null, 
/**
 * Read from block devices.
 */
blockReadBytesPerS: number, 
/**
 * Written to block devices.
 */
blockWriteBytesPerS: number, 
/**
 * Received by the container's interfaces.
 */
netInBytesPerS: number, 
/**
 * Sent by the container's interfaces.
 */
netOutBytesPerS: number, 
/**
 * Processes and threads.
 */
pids: number, 
/**
 * Their limit; absent when there is none.
 */
pidsLimit: number | null, 
/**
 * Processes killed for memory since the start.
 */
oomKills: number, };

export type SaveFile = { 
/**
 * Whose.
 */
of: FilesOf, 
/**
 * The layer that has it.
 */
layer: number, 
/**
 * Its path.
 */
path: string, 
/**
 * A file of this machine that does not exist yet, an absolute path.
 */
to: string, };

export type SaveImages = { 
/**
 * References, ids or prefixes.
 */
images: Array<string>, 
/**
 * The file; it must not be there yet.
 */
path: string, };

export type SaveProject = { 
/**
 * Which.
 */
project: string, 
/**
 * Its name.
 */
name: string, 
/**
 * How it is built.
 */
settings: BuildSettings, };

export type SavedFile = { 
/**
 * Where it is.
 */
path: string, 
/**
 * Its size.
 */
sizeBytes: number, };

export type SeccompFacts = { 
/**
 * `disabled`, `strict` or `filter`, as the kernel says.
 */
mode: string | null, 
/**
 * Filters that are stacked.
 */
filters: number | null, 
/**
 * What a call meets that no rule names, e.g. `SCMP_ACT_ERRNO`.
 */
defaultAction: string | null, 
/**
 * System calls that are always allowed.
 */
allowed: number, 
/**
 * System calls that depend on their arguments.
 */
conditional: Array<string>, 
/**
 * System calls of this machine that are refused, by name.
 */
refused: Array<string>, };

export type Settings = { 
/**
 * `ko`, `en`, or the system's when absent.
 */
language: string | null, 
/**
 * Light, dark, or the system's.
 */
theme: Theme, 
/**
 * Motion, or the system's wish.
 */
motion: Motion, };

export type SignIn = { 
/**
 * Its host, with a port where it has one.
 */
registry: string, 
/**
 * Who signs in.
 */
credentials: Credentials, };

export type SignInPlace = { "type": "own", 
/**
 * The path of the file.
 */
path: string, } | { "type": "file", 
/**
 * The path of the file.
 */
path: string, } | { "type": "helper", 
/**
 * Its name without `docker-credential-`.
 */
helper: string, };

export type SignalSets = { 
/**
 * It has a function for them.
 */
caught: Array<number>, 
/**
 * It drops them.
 */
ignored: Array<number>, 
/**
 * They wait until it allows them.
 */
blocked: Array<number>, 
/**
 * They wait now.
 */
pending: Array<number>, };

export type SignatureCheck = { 
/**
 * What it is worth.
 */
verdict: SignatureVerdict, 
/**
 * What the signer called the image; for a good one only.
 */
reference: string | null, };

export type SignatureVerdict = "valid" | "wrongKey" | "otherContent";

export type StageModel = { 
/**
 * Its name, if it has one.
 */
name: string | null, 
/**
 * The image or the stage that it starts from, as it is written.
 */
base: string, 
/**
 * The `FROM`.
 */
node: number, 
/**
 * The stages that it takes from, by their place.
 */
needs: Array<number>, 
/**
 * Whether the target needs it.
 */
needed: boolean, };

export type StatsHistory = { 
/**
 * The samples.
 */
samples: Array<Sample>, 
/**
 * What the figures were read from: file and last value.
 */
sources: Array<StatsSource>, 
/**
 * Throttling, memory kills and refused forks in this range.
 */
incidents: Array<Incident>, };

export type StatsQuery = { 
/**
 * Container id or name.
 */
container: string, 
/**
 * How far back from now.
 */
rangeS: number, 
/**
 * At most so many points; the engine thins them out.
 */
points: number, };

export type StatsRow = { 
/**
 * Container id.
 */
container: string, 
/**
 * Its sample.
 */
sample: Sample, };

export type StatsSource = { 
/**
 * The kernel's file.
 */
file: string, 
/**
 * The key within it, if it has several.
 */
key: string | null, 
/**
 * The last value read.
 */
value: number, };

export type StatsTick = { 
/**
 * One row a container.
 */
rows: Array<StatsRow>, 
/**
 * The whole machine and the engine.
 */
host: HostSample, };

export type Step = { 
/**
 * A stable name, e.g. `pivot_root`.
 */
name: string, 
/**
 * Start, in microseconds since the request.
 */
startUsec: number, 
/**
 * End, in microseconds since the request.
 */
endUsec: number, 
/**
 * Arguments as the kernel got them, e.g. `memory.max = 268435456`.
 */
detail: string, };

export type StepFate = "cached" | "runs" | "settings" | "unneeded" | "fails" | "unknown";

export type StepForecast = { 
/**
 * The instruction.
 */
node: number, 
/**
 * What happens.
 */
fate: StepFate, 
/**
 * Why it runs.
 */
reason: StepReason | null, 
/**
 * How long it took when it ran last.
 */
lastUsec: number | null, 
/**
 * Bytes of the layer that it made last.
 */
lastBytes: number | null, };

export type StepReason = { "kind": "new" } | { "kind": "pull" } | { "kind": "below", 
/**
 * Which.
 */
node: number, } | { "kind": "stage", 
/**
 * The stage.
 */
name: string, } | { "kind": "base" } | { "kind": "part", 
/**
 * What: `command`, `user`, `folder`, `env NAME`, ….
 */
name: string, 
/**
 * Last time.
 */
before: string | null, 
/**
 * Now.
 */
after: string | null, } | { "kind": "files", 
/**
 * How many it takes.
 */
total: number, 
/**
 * How many of them are not as they were.
 */
changed: number, 
/**
 * The first 20.
 */
files: Array<ChangedFile>, } | { "kind": "forgotten" } | { "kind": "noCache" };

export type StepState = "waiting" | "running" | "cached" | "done" | "failed" | "canceled";

export type StopContainer = { 
/**
 * Id, prefix or name.
 */
container: string, 
/**
 * Grace before it is killed; the container's own when absent, -1 waits without end.
 */
timeoutS: number | null, 
/**
 * Signal in place of the container's own.
 */
signal: string | null, };

export type StoreCheck = { 
/**
 * How many bytes were hashed.
 */
hashedBytes: number, 
/**
 * What is not as it should be.
 */
damage: Array<Damage>, };

export type SystemInfo = { 
/**
 * Version of the engine.
 */
version: string, 
/**
 * With which rights it runs.
 */
privilege: Privilege, 
/**
 * Where images, containers and volumes lie.
 */
dataRoot: string, 
/**
 * Where sockets and bundles of running containers lie.
 */
runRoot: string, 
/**
 * The Docker API socket.
 */
socket: string, 
/**
 * The host's name.
 */
hostname: string, 
/**
 * Kernel release.
 */
kernel: string, 
/**
 * Name of the distribution.
 */
operatingSystem: string, 
/**
 * CPU architecture in Go's words, e.g. `amd64`.
 */
architecture: string, 
/**
 * Usable cores.
 */
cpus: number, 
/**
 * Memory of the machine.
 */
memoryBytes: number, 
/**
 * `v2`, `v1` or `hybrid`.
 */
cgroup: string, 
/**
 * How long the engine took from its start until it was usable.
 */
readyUsec: number, 
/**
 * What the engine needs from the machine, each checked.
 */
checks: Array<Check>, 
/**
 * Mirrors of docker.io.
 */
registryMirrors: Array<string>, 
/**
 * Registries that may be used without TLS.
 */
insecureRegistries: Array<string>, 
/**
 * Things that the user should know, e.g. a rebuilt index.
 */
warnings: Array<string>, };

export type TagImage = { 
/**
 * Reference, id or prefix.
 */
image: string, 
/**
 * The new reference.
 */
reference: string, };

export type TagQuery = { 
/**
 * The repository, as an image name without a tag.
 */
repository: string, 
/**
 * [`NamePage::next`] of the page before; none for the first.
 */
page: string | null, };

export type TerminalEvent = { "type": "opened", 
/**
 * Session id.
 */
session: string, 
/**
 * The command that runs.
 */
command: Array<string>, } | { "type": "output", 
/**
 * The bytes.
 */
data: string, } | { "type": "exited", 
/**
 * Its exit code; absent when unknown.
 */
code: number | null, };

export type TerminalInput = { 
/**
 * Session id.
 */
session: string, 
/**
 * The text as UTF-8.
 */
data: string, };

export type TerminalSession = { 
/**
 * Session id.
 */
session: string, };

export type TerminalSize = { 
/**
 * Session id.
 */
session: string, 
/**
 * Rows.
 */
rows: number, 
/**
 * Columns.
 */
cols: number, };

export type TextCandidate = { 
/**
 * As it is written.
 */
text: string, 
/**
 * What it is.
 */
kind: TextCandidateKind, };

export type TextCandidateKind = "keyword" | "flag" | "value" | "stage" | "variable" | "image" | "path";

export type TextDifference = { 
/**
 * The line, from 1.
 */
line: number, 
/**
 * Last time.
 */
before: string, 
/**
 * Now.
 */
after: string, };

export type TextFix = { 
/**
 * What goes away.
 */
range: TextRange, 
/**
 * What comes.
 */
text: string, };

export type TextProblem = { 
/**
 * An error keeps the file from being built.
 */
isError: boolean, 
/**
 * Which one, of [`DOCKERFILE_PROBLEMS`].
 */
code: string, 
/**
 * What it is about.
 */
values: { [key in string]: string }, 
/**
 * What it says, in English.
 */
message: string, 
/**
 * Where.
 */
range: TextRange, 
/**
 * In which line, from 1.
 */
line: number, 
/**
 * In which instruction.
 */
node: number | null, 
/**
 * What settles it.
 */
fix: TextFix | null, };

export type TextRange = { 
/**
 * The first unit.
 */
start: number, 
/**
 * The unit after the last one.
 */
end: number, };

export type TextToken = { 
/**
 * The first unit.
 */
start: number, 
/**
 * The unit after the last one.
 */
end: number, 
/**
 * What it is.
 */
kind: TextTokenKind, };

export type TextTokenKind = "comment" | "directive" | "keyword" | "flag" | "string" | "variable" | "document" | "continuation";

export type Theme = "system" | "light" | "dark";

export type Traced<T> = { 
/**
 * The reply.
 */
value: T, 
/**
 * What was done for it.
 */
trace: ActionTrace, };

export type Trash = { 
/**
 * What was removed last comes first.
 */
images: Array<TrashedImage>, 
/**
 * Bytes that emptying it would free.
 */
freedBytes: number, 
/**
 * So long something stays in it.
 */
keptDays: number, };

export type TrashId = { 
/**
 * Its id there.
 */
id: string, };

export type TrashSummary = { 
/**
 * Images, and single names of images.
 */
images: number, };

export type TrashedImage = { 
/**
 * By which it is restored.
 */
id: string, 
/**
 * The image's id.
 */
imageId: string, 
/**
 * Its names, in their familiar form; empty for an image that had none.
 */
references: Array<string>, 
/**
 * Whether only names went and the image stayed.
 */
namesOnly: boolean, 
/**
 * When it was removed.
 */
removedAtMs: number, 
/**
 * When it goes for good.
 */
expiresAtMs: number, 
/**
 * Unpacked bytes of all layers.
 */
sizeBytes: number, 
/**
 * Bytes that would be free if it alone went for good.
 */
freedBytes: number, 
/**
 * Whether everything of it is still here.
 */
restorable: boolean, };

export type Ulimit = { 
/**
 * Its name in lower case, e.g. `nofile`.
 */
name: string, 
/**
 * Soft limit; -1 is unlimited.
 */
soft: number, 
/**
 * Hard limit; -1 is unlimited.
 */
hard: number, };

export type UpdateContainer = { 
/**
 * Id, prefix or name.
 */
container: string, 
/**
 * Absent fields stay as they are.
 */
limits: Limits, 
/**
 * Limits that are taken away.
 */
lift: Array<LimitKind>, 
/**
 * A new restart policy.
 */
restart: RestartPolicy | null, };

export type VerifyImage = { 
/**
 * The name, as it is pulled.
 */
image: string, 
/**
 * A public key of cosign, in PEM.
 */
key: string, };

export type Volume = { 
/**
 * Unique name.
 */
name: string, 
/**
 * Where its data lies on this machine.
 */
mountpoint: string, 
/**
 * When it was made.
 */
createdAtMs: number, 
/**
 * User's labels.
 */
labels: { [key in string]: string }, 
/**
 * Made for one container without a name.
 */
anonymous: boolean, 
/**
 * Names of the containers that mount it.
 */
usedBy: Array<string>, };

export type VolumeName = { 
/**
 * Its name.
 */
name: string, };

export type WastedFile = { 
/**
 * Its path.
 */
path: string, 
/**
 * The bytes that are hidden.
 */
sizeBytes: number, 
/**
 * The layers that have it or remove it, bottom first.
 */
layers: Array<number>, 
/**
 * Gone at the end; otherwise there in a newer form.
 */
removed: boolean, };

export type WatchStats = { 
/**
 * Container ids; empty means all that run.
 */
containers: Array<string>, };

export type WriteProjectFile = { 
/**
 * Which.
 */
project: string, 
/**
 * The text.
 */
text: string, 
/**
 * The version that was edited; none to write over whatever is there.
 */
version: string | null, };

export interface Commands {
  overview: { request: null; reply: Overview };
  settings: { request: null; reply: Settings };
  save_settings: { request: Settings; reply: Settings };
  disk_usage: { request: null; reply: DiskUsage };
  recent_events: { request: null; reply: Array<LifecycleEvent> };
  create_container: { request: CreateContainer; reply: Traced<ContainerSummary> };
  start_container: { request: ContainerName; reply: Traced<ContainerSummary> };
  stop_container: { request: StopContainer; reply: Traced<ContainerSummary> };
  restart_container: { request: StopContainer; reply: Traced<ContainerSummary> };
  kill_container: { request: KillContainer; reply: Traced<ContainerSummary> };
  pause_container: { request: ContainerName; reply: Traced<ContainerSummary> };
  resume_container: { request: ContainerName; reply: Traced<ContainerSummary> };
  remove_container: { request: RemoveContainer; reply: Traced<null> };
  rename_container: { request: RenameContainer; reply: Traced<ContainerSummary> };
  update_container: { request: UpdateContainer; reply: Traced<ContainerSummary> };
  inspect_container: { request: ContainerName; reply: ContainerDetail };
  container_size: { request: ContainerName; reply: ContainerSize };
  container_processes: { request: ContainerName; reply: ProcessList };
  container_isolation: { request: ContainerName; reply: Isolation };
  container_changes: { request: ContainerName; reply: ContainerChanges };
  copy_out: { request: CopyOut; reply: Traced<Copied> };
  copy_in: { request: CopyIn; reply: Traced<Copied> };
  commit_container: { request: CommitContainer; reply: Traced<ImageSummary> };
  export_container: { request: ExportContainer; reply: Traced<null> };
  log_lines: { request: LogRange; reply: LogSlice };
  find_in_log: { request: FindInLog; reply: FoundInLog };
  container_stats: { request: StatsQuery; reply: StatsHistory };
  terminal_input: { request: TerminalInput; reply: null };
  resize_terminal: { request: TerminalSize; reply: null };
  close_terminal: { request: TerminalSession; reply: null };
  dissect_name: { request: DissectName; reply: Dissection };
  save_images: { request: SaveImages; reply: Traced<null> };
  load_images: { request: LoadImages; reply: Traced<Array<LoadedImage>> };
  import_image: { request: ImportImage; reply: Traced<ImageSummary> };
  make_starter_image: { request: null; reply: Traced<ImageSummary> };
  inspect_image: { request: ImageName; reply: ImageDetail };
  verify_image: { request: VerifyImage; reply: ImageSignatures };
  tag_image: { request: TagImage; reply: Traced<ImageSummary> };
  remove_image: { request: RemoveImage; reply: Traced<RemovedImage> };
  trash_image: { request: RemoveImage; reply: Traced<TrashedImage> };
  trash: { request: null; reply: Trash };
  restore_image: { request: TrashId; reply: Traced<RestoredImage> };
  empty_trash: { request: EmptyTrash; reply: Traced<RemovedImage> };
  files_summary: { request: FilesQuery; reply: FilesSummary };
  list_folder: { request: FolderQuery; reply: Folder };
  search_files: { request: FileSearch; reply: FoundFiles };
  read_file: { request: ReadFile; reply: FileContent };
  save_file: { request: SaveFile; reply: SavedFile };
  compare_images: { request: CompareImages; reply: ImageComparison };
  dockerfile_model: { request: DockerfileText; reply: DockerfileModel };
  edit_dockerfile: { request: EditDockerfile; reply: EditedDockerfile };
  complete_dockerfile: { request: CompleteDockerfile; reply: DockerfileCompletion };
  projects: { request: null; reply: Array<Project> };
  build_folder: { request: FolderPath; reply: BuildFolder };
  create_project: { request: CreateProject; reply: Project };
  save_project: { request: SaveProject; reply: Project };
  remove_project: { request: ProjectId; reply: null };
  read_project_file: { request: ProjectId; reply: ProjectFile };
  write_project_file: { request: WriteProjectFile; reply: ProjectFile };
  forecast: { request: ForecastQuery; reply: Forecast };
  coach: { request: ForecastQuery; reply: Coaching };
  measure_proposal: { request: MeasureProposal; reply: Measured };
  leave_out: { request: LeaveOut; reply: null };
  start_build: { request: ProjectId; reply: BuildSummary };
  builds: { request: BuildsQuery; reply: Array<BuildSummary> };
  inspect_build: { request: BuildId; reply: BuildRecord };
  build_output: { request: BuildId; reply: BuildOutput };
  check_store: { request: null; reply: StoreCheck };
  repair_store: { request: null; reply: Repaired };
  registries: { request: null; reply: Array<Registry> };
  sign_in: { request: SignIn; reply: Registry };
  sign_out: { request: RegistryName; reply: Registry };
  check_registry: { request: RegistryName; reply: RegistryCheck };
  list_repositories: { request: RepositoryQuery; reply: NamePage };
  list_tags: { request: TagQuery; reply: NamePage };
  create_volume: { request: CreateVolume; reply: Traced<Volume> };
  remove_volume: { request: VolumeName; reply: Traced<null> };
  prune_receipt: { request: PruneChoice; reply: PruneReceipt };
  prune: { request: PruneChoice; reply: Traced<Pruned> };
  networks: { request: null; reply: Array<Network> };
  create_network: { request: CreateNetwork; reply: Traced<Network> };
  remove_network: { request: NetworkName; reply: Traced<null> };
  connect_network: { request: ConnectNetwork; reply: Traced<ContainerSummary> };
  container_ports: { request: ContainerName; reply: Array<PortTruth> };
  probe_network: { request: ProbeNetwork; reply: Array<ProbeStep> };
  disconnect_network: { request: DisconnectNetwork; reply: Traced<ContainerSummary> };
  cancel_activity: { request: ActivityId; reply: null };
  clear_activities: { request: null; reply: null };
}

export interface Streams {
  watch_changes: { request: null; message: Change; reply: null };
  watch_log: { request: ContainerName; message: LogExtent; reply: null };
  watch_stats: { request: WatchStats; message: StatsTick; reply: null };
  open_terminal: { request: OpenTerminal; message: TerminalEvent; reply: null };
  open_step_shell: { request: OpenStepShell; message: TerminalEvent; reply: null };
  pull_image: { request: PullImage; message: PullProgress; reply: Traced<ImageSummary> };
  push_image: { request: PushImage; message: PushProgress; reply: Traced<PushedImage> };
  follow_build: { request: BuildId; message: BuildProgress; reply: BuildRecord };
}

export const CGROUP_FILES = [
  "memory.current",
  "memory.max",
  "memory.peak",
  "memory.low",
  "memory.swap.current",
  "memory.swap.max",
  "memory.events",
  "memory.pressure",
  "cpu.max",
  "cpu.weight",
  "cpu.stat",
  "cpu.pressure",
  "cpuset.cpus.effective",
  "io.stat",
  "io.max",
  "io.pressure",
  "pids.current",
  "pids.max",
  "pids.events",
  "cgroup.events",
  "cgroup.freeze",
  "memory.usage_in_bytes",
  "memory.limit_in_bytes",
  "memory.max_usage_in_bytes",
  "memory.soft_limit_in_bytes",
  "memory.memsw.limit_in_bytes",
  "memory.failcnt",
  "memory.oom_control",
  "cpu.cfs_quota_us",
  "cpu.cfs_period_us",
  "cpu.shares",
  "cpuacct.usage",
  "cpuset.cpus",
  "blkio.throttle.io_service_bytes",
  "devices.list",
  "freezer.state",
] as const

export const STEPS = [
  "prepare snapshot",
  "write record",
  "write bundle",
  "write cgroup",
  "network",
  "volume",
  "pidfd_send_signal",
  "kill",
  "wait",
  "freezer",
  "rename record",
  "copy",
  "move reference",
  "read tar",
  "remove bridge",
  "remove entries",
  "reserve addresses",
  "write image",
  "write layer",
  "write tar",
  "remove snapshot",
  "write layers",
  "unpack",
  "write reference",
  "remove reference",
  "unlink",
  "resolve",
  "fetch and unpack",
  "syncfs",
  "push blobs",
  "push manifest",
  "read archive",
  "read manifests",
  "write archive",
  "mkdir",
  "rename",
  "remove",
  "plan",
  "cgroup",
  "clone3",
  "id maps",
  "setns",
  "join cgroups",
  "network devices",
  "sysctl",
  "mount overlay",
  "mount rootfs",
  "mount",
  "devices",
  "console",
  "masks",
  "pivot_root",
  "credentials",
  "seccomp",
  "init",
  "execve",
] as const

export const DOCKERFILE_PROBLEMS = [
  "StageNameCasing",
  "FromAsCasing",
  "NoEmptyContinuation",
  "ConsistentInstructionCasing",
  "DuplicateStageName",
  "ReservedStageName",
  "JSONArgsRecommended",
  "MaintainerDeprecated",
  "UndefinedArgInFrom",
  "WorkdirRelativePath",
  "UndefinedVar",
  "MultipleInstructionsDisallowed",
  "LegacyKeyValueFormat",
  "InvalidBaseImagePlatform",
  "RedundantTargetPlatform",
  "SecretsUsedInArgOrEnv",
  "InvalidDefaultArgInFrom",
  "FromPlatformFlagConstDisallowed",
  "CopyIgnoredFile",
  "InvalidDefinitionDescription",
  "ExposeProtoCasing",
  "ExposeInvalidFormat",
  "empty",
  "unknownInstruction",
  "unknownFlag",
  "duplicateFlag",
  "flagWithoutValue",
  "flagValue",
  "tooFew",
  "tooMany",
  "pairWithoutValue",
  "emptyName",
  "notStrings",
  "notAList",
  "unterminatedHeredoc",
  "duplicateDirective",
  "escapeDirective",
  "stageName",
  "beforeFrom",
  "onbuildOf",
  "duration",
  "healthCheckKind",
  "noSuchStage",
  "destinationNotFolder",
  "mount",
  "expansion",
] as const

export const HINTS = [
  "sayWhatRuns",
  "freeSomeRoom",
  "volumesFromForm",
  "deviceRuleForm",
  "buildToKeep",
  "shellBelow",
  "deviceForm",
  "containerNameForm",
  "volumeNameForm",
  "userOfImage",
  "signalForm",
  "ulimitForm",
  "unpauseFirst",
  "indexIsRebuilt",
  "noShell",
  "logIsOff",
  "stopOrForce",
  "capabilityNames",
  "removeContainersFirst",
  "otherName",
  "removeOneName",
  "stopThenRemove",
  "removeOrForce",
  "pullFirst",
  "pullAgain",
  "noDigestInTag",
  "installBusybox",
  "subordinateIds",
  "moreDigits",
  "moreDigitsOfId",
  "seccompForm",
  "doNotUseImage",
  "createOnHost",
  "closeOther",
  "otherPlatform",
  "stuckInKernel",
  "joinedMustRun",
  "signInOrCheckName",
  "signIn",
  "checkSpelling",
  "checkNetwork",
  "giveCertificate",
  "waitSeconds",
  "waitOrSignIn",
  "choosePlatform",
  "newerTag",
  "platformForm",
  "digestForm",
  "writeName",
  "leaveScheme",
  "nameInFront",
  "digestIs",
  "nameLike",
  "installNft",
  "installPasst",
  "tunMode",
  "lowPort",
  "otherPort",
  "otherSubnet",
  "disconnectFirst",
  "kernelNat",
  "absolutePath",
  "typeName",
  "hostForm",
  "anotherName",
  "archiveForm",
  "pushByTag",
  "outOfMemory",
  "nameDockerfile",
  "networkForm",
  "epochSeconds",
  "lastWords",
  "portFiftyThree",
  "submodulesApart",
  "editableSize",
  "cosignKey",
  "giveAbsolutePath",
  "installGit",
  "maybeRestored",
  "leaveOut",
  "lookOrOverwrite",
  "makeItReadable",
  "makeThemReadable",
  "subnetForm",
  "withoutIpv6",
  "openInBrowser",
  "pullItAgain",
  "stopOrDisconnect",
  "trashNeedsRoom",
] as const

export const FINDINGS = [
  "hasOverlayfs",
  "noOverlayfs",
  "noSeccomp",
  "notDelegated",
  "delegated",
  "noNft",
  "noPasta",
  "noTap",
  "appArmor",
  "switchedOff",
  "noneAllowed",
  "upTo",
  "noNewuidmap",
  "hasRanges",
  "noRanges",
] as const

export const CAUSES = [
  ["findOut", "find out what the name means"],
  ["fetchLayer", "fetch blob {} (layer {} of {})"],
  ["fetchBlob", "fetch blob {} ({})"],
  ["pushBlob", "push blob {}"],
  ["pushManifest", "push manifest {}"],
  ["signInTo", "sign in to {}"],
  ["askForSignatures", "ask for the signatures of {}"],
  ["listRepositories", "list the repositories of {}"],
  ["listTags", "list the tags of {}"],
  ["lookUp", "look up {}"],
  ["badAddress", "`{}` is not the address of a registry"],
  ["helper", "run credential helper `{}`: {}"],
  ["reach", "reach {}"],
  ["identity", "verify that {} is who it claims to be"],
  ["wantsSignIn", "{} wants you to sign in: {}"],
  ["denies", "{} denies access to {}: {}"],
  ["noPlatform", "{} has no image for {}, only for {}"],
  ["hasNone", "{} has no {}"],
  ["limitReached", "{} serves no more requests for now"],
  ["answeredStatus", "{} answered {}: {}"],
  ["brokeProtocol", "{} broke the protocol: {}"],
  ["otherDigest", "content of {} has the digest {} instead of {}"],
  ["sentLess", "{} sent {} of the {} bytes of {}"],
  ["sentMore", "{} sent more than the {} bytes of {}"],
  ["noImage", "{} answered with `{}`, which is no image"],
  ["readManifestOf", "read the manifest of {}"],
  ["blobOf", "blob {} of repository `{}`"],
  ["manifestOf", "manifest {} of repository `{}`"],
  ["tagOf", "tag `{}` of repository `{}`"],
  ["aRepository", "repository `{}`"],
  ["aBlob", "blob {}"],
  ["theRepositories", "list of repositories"],
  ["noAnswerInTime", "no answer in time"],
  ["tooSlow", "it sends too slowly to be waited for"],
  ["refusedConnection", "Connection refused (os error 111)"],
  ["connectionReset", "Connection reset by peer (os error 104)"],
  ["noRoute", "No route to host (os error 113)"],
  ["noNetwork", "Network is unreachable (os error 101)"],
  ["timedOut", "Connection timed out (os error 110)"],
  ["unknownHost", "failed to lookup address information: {}"],
  ["badCertificate", "invalid peer certificate: {}"],
  ["otherPart", "the server sent another part of the blob than was asked for"],
  ["otherSizeThere", "{} has {} bytes there, but the manifest says {}"],
  ["otherSize", "{} has {} bytes, but the index says {}"],
  ["noToken", "the token server's answer has no token"],
  ["noTokenServer", "`{}` is not the address of a token server"],
  ["tokenWithoutTls", "the token server {} does without TLS"],
  ["noList", "the list of names is no list"],
  ["noAddress", "`{}` is no address"],
  ["noMediaHeader", "the media type of the manifest is no header"],
  ["uploadLost", "the answer to an upload does not say where it goes on"],
  ["tooDeep", "the index of {} is nested too deep"],
  ["noDigestHeader", "the header Docker-Content-Digest holds no digest"],
  ["redirectNotFollowed", "a redirect was not followed: {}"],
] as const

export const DETAILS = [
  ["blobsAndSnapshots", "blobs and snapshots"],
  ["untilLetGo", "until the kernel has let it go"],
  ["killAll", "SIGKILL to every process"],
  ["writableLayer", "the writable layer"],
  ["intoTrash", "into the trash"],
  ["files", "files"],
  ["layers", "layers"],
  ["layer", "layer"],
  ["changes", "changes"],
  ["documents", "documents"],
  ["blobs", "blobs"],
  ["snapshots", "snapshots"],
  ["frozen", "frozen"],
  ["thawed", "thawed"],
] as const
