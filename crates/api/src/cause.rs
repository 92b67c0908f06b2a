//! What the engine says of a failure and of the arguments of a step, for a window that says it in its own
//! language: each text with a `{}` for each value. The engine's line stays what everybody else reads.
//!
//! The crates below the engine know no contract, so a text is recognized by its words. A value can be such a
//! text itself.

/// Every text of a cause: its code, and its English. The more special one of two that fit comes first.
pub const CAUSES: &[(&str, &str)] = &[
    ("findOut", "find out what the name means"),
    ("fetchLayer", "fetch blob {} (layer {} of {})"),
    ("fetchBlob", "fetch blob {} ({})"),
    ("pushBlob", "push blob {}"),
    ("pushManifest", "push manifest {}"),
    ("signInTo", "sign in to {}"),
    ("askForSignatures", "ask for the signatures of {}"),
    ("listRepositories", "list the repositories of {}"),
    ("listTags", "list the tags of {}"),
    ("lookUp", "look up {}"),
    ("badAddress", "`{}` is not the address of a registry"),
    ("helper", "run credential helper `{}`: {}"),
    ("reach", "reach {}"),
    ("identity", "verify that {} is who it claims to be"),
    ("wantsSignIn", "{} wants you to sign in: {}"),
    ("denies", "{} denies access to {}: {}"),
    ("noPlatform", "{} has no image for {}, only for {}"),
    ("hasNone", "{} has no {}"),
    ("limitReached", "{} serves no more requests for now"),
    ("answeredStatus", "{} answered {}: {}"),
    ("brokeProtocol", "{} broke the protocol: {}"),
    (
        "otherDigest",
        "content of {} has the digest {} instead of {}",
    ),
    ("sentLess", "{} sent {} of the {} bytes of {}"),
    ("sentMore", "{} sent more than the {} bytes of {}"),
    ("noImage", "{} answered with `{}`, which is no image"),
    ("readManifestOf", "read the manifest of {}"),
    ("blobOf", "blob {} of repository `{}`"),
    ("manifestOf", "manifest {} of repository `{}`"),
    ("tagOf", "tag `{}` of repository `{}`"),
    ("aRepository", "repository `{}`"),
    ("aBlob", "blob {}"),
    ("theRepositories", "list of repositories"),
    ("noAnswerInTime", "no answer in time"),
    ("tooSlow", "it sends too slowly to be waited for"),
    ("refusedConnection", "Connection refused (os error 111)"),
    ("connectionReset", "Connection reset by peer (os error 104)"),
    ("noRoute", "No route to host (os error 113)"),
    ("noNetwork", "Network is unreachable (os error 101)"),
    ("timedOut", "Connection timed out (os error 110)"),
    ("unknownHost", "failed to lookup address information: {}"),
    ("badCertificate", "invalid peer certificate: {}"),
    (
        "otherPart",
        "the server sent another part of the blob than was asked for",
    ),
    (
        "otherSizeThere",
        "{} has {} bytes there, but the manifest says {}",
    ),
    ("otherSize", "{} has {} bytes, but the index says {}"),
    ("noToken", "the token server's answer has no token"),
    ("noTokenServer", "`{}` is not the address of a token server"),
    ("tokenWithoutTls", "the token server {} does without TLS"),
    ("noList", "the list of names is no list"),
    ("noAddress", "`{}` is no address"),
    (
        "noMediaHeader",
        "the media type of the manifest is no header",
    ),
    (
        "uploadLost",
        "the answer to an upload does not say where it goes on",
    ),
    ("tooDeep", "the index of {} is nested too deep"),
    (
        "noDigestHeader",
        "the header Docker-Content-Digest holds no digest",
    ),
    ("redirectNotFollowed", "a redirect was not followed: {}"),
];

/// The arguments of steps that are words, and not the kernel's own.
pub const DETAILS: &[(&str, &str)] = &[
    ("blobsAndSnapshots", "blobs and snapshots"),
    ("untilLetGo", "until the kernel has let it go"),
    ("killAll", "SIGKILL to every process"),
    ("writableLayer", "the writable layer"),
    ("intoTrash", "into the trash"),
    ("files", "files"),
    ("layers", "layers"),
    ("layer", "layer"),
    ("changes", "changes"),
    ("documents", "documents"),
    ("blobs", "blobs"),
    ("snapshots", "snapshots"),
    ("frozen", "frozen"),
    ("thawed", "thawed"),
];

/// The code of the cause that `text` is; none for one that is not listed.
pub fn cause_of(text: &str) -> Option<&'static str> {
    let fits = |template: &str| crate::hint::values(template, text).is_some();
    let found = CAUSES.iter().find(|(_, template)| fits(template));
    found.map(|(code, _)| *code)
}
