//! What a user can do about an error: a code and its values for the window, which has a text in each of
//! its languages, and the English line for everybody else.
//!
//! The crates below the engine know no contract and give the line only, so a code is found by it.

wire! {
    /// A hint that can be said in any language.
    #[derive(Eq)]
    pub struct Advice {
        /// One of [`HINTS`].
        pub code: String,
        /// What stands in the places of its text.
        pub values: Vec<String>,
    }
}

/// Every hint: its code, and its English text with a `{}` for each value. The more special text of two
/// that fit comes first.
pub const HINTS: &[(&str, &str)] = &[
    ("sayWhatRuns", "the image names none: say what shall run"),
    (
        "freeSomeRoom",
        "free some room, for instance by removing images that nothing uses",
    ),
    (
        "volumesFromForm",
        "write it as a container's name, with :ro or :rw behind it",
    ),
    (
        "deviceRuleForm",
        "write it as KIND MAJOR:MINOR RIGHTS, e.g. \"c 13:* rwm\"",
    ),
    (
        "buildToKeep",
        "build it again: the last failure of a project is kept while the engine runs",
    ),
    (
        "shellBelow",
        "build the step on an image with a shell, and copy its result into the small one",
    ),
    ("deviceForm", "write it as /dev/on-host[:/dev/inside[:rwm]]"),
    (
        "containerNameForm",
        "use two or more of the characters a-z A-Z 0-9 _ . - and begin with a letter or digit",
    ),
    (
        "volumeNameForm",
        "use two or more of a-z, A-Z, 0-9, _ . - and begin with a letter or digit",
    ),
    ("userOfImage", "use a number, or a name that the image has"),
    (
        "signalForm",
        "use a name such as SIGTERM, or a number; see signal(7)",
    ),
    (
        "ulimitForm",
        "use a name of setrlimit(2) in lower case, such as nofile",
    ),
    ("unpauseFirst", "unpause it first"),
    (
        "indexIsRebuilt",
        "the index can be deleted while Terrarium is closed: it is rebuilt at the next start",
    ),
    (
        "noShell",
        "the image was built without one; type a program that it has, with its full path",
    ),
    (
        "logIsOff",
        "the container was made with its log switched off; attach to it to see its output",
    ),
    (
        "stopOrForce",
        "stop the container before removing or force remove",
    ),
    ("capabilityNames", "see capabilities(7) for the names"),
    ("removeContainersFirst", "remove these containers first"),
    (
        "otherName",
        "remove or rename that container, or choose another name",
    ),
    (
        "removeOneName",
        "remove one name, or force the removal of all",
    ),
    ("stopThenRemove", "stop and remove these containers first"),
    (
        "removeOrForce",
        "remove these containers first, or force the removal",
    ),
    ("pullFirst", "pull it first, or check its name"),
    (
        "pullAgain",
        "pull again; if it happens again, the registry or a proxy on the way sends wrong bytes",
    ),
    ("noDigestInTag", "leave the part behind `@` away"),
    ("installBusybox", "install the package busybox-static"),
    (
        "subordinateIds",
        "give this user a range of subordinate ids in /etc/subuid and /etc/subgid",
    ),
    ("moreDigits", "give more digits"),
    ("moreDigitsOfId", "give more digits of the id"),
    (
        "seccompForm",
        "give a profile as Docker documents it, or seccomp=unconfined",
    ),
    ("doNotUseImage", "do not use this image; tell who made it"),
    ("createOnHost", "create it on the host, or use a volume"),
    (
        "closeOther",
        "close the other Terrarium window or terrariumd, or choose another --data-root",
    ),
    ("otherPlatform", "choose another tag or platform"),
    (
        "stuckInKernel",
        "a process of it is stuck in the kernel, usually on a file system that does not answer",
    ),
    (
        "joinedMustRun",
        "a container whose namespace is joined must run",
    ),
    (
        "signInOrCheckName",
        "check the name; if the repository is private, sign in to {}",
    ),
    ("signIn", "sign in to {}"),
    (
        "checkSpelling",
        "check the spelling of the name and the tag",
    ),
    (
        "checkNetwork",
        "check the network, the proxy and the registry's name",
    ),
    (
        "giveCertificate",
        "give the registry's CA certificate, or list {} as insecure if you trust the network",
    ),
    (
        "waitSeconds",
        "wait {} seconds, or sign in to {} for a higher limit",
    ),
    ("waitOrSignIn", "wait, or sign in to {} for a higher limit"),
    (
        "choosePlatform",
        "choose one of these platforms, or another tag",
    ),
    (
        "newerTag",
        "pull a newer tag, or have the image pushed again with a current tool",
    ),
    ("platformForm", "write it like linux/amd64 or linux/arm/v7"),
    (
        "digestForm",
        "write it like sha256: and 64 hexadecimal digits",
    ),
    ("writeName", "write `{}`"),
    (
        "leaveScheme",
        "leave `{}` away: `registry.example/team/app:tag`",
    ),
    ("nameInFront", "put a name in front, like `name@sha256:…`"),
    ("digestIs", "a digest is sha256: and 64 hexadecimal digits"),
    (
        "nameLike",
        "write a name like `alpine` or `registry.example/team/app:1.2`",
    ),
    ("installNft", "install nftables"),
    (
        "installPasst",
        "install passt, which connects containers without root",
    ),
    (
        "tunMode",
        "/dev/net/tun must be readable and writable for you (mode 0666)",
    ),
    (
        "lowPort",
        "ports below 1024 need root or a lower net.ipv4.ip_unprivileged_port_start",
    ),
    (
        "otherPort",
        "choose another host port, or leave it empty for any free one",
    ),
    (
        "otherSubnet",
        "give the network a subnet that this machine does not route yet",
    ),
    (
        "disconnectFirst",
        "remove or disconnect its containers first",
    ),
    ("kernelNat", "this kernel may lack nf_tables NAT support"),
    ("absolutePath", "give an absolute path without . and .."),
    (
        "typeName",
        "this registry does not tell its repositories; type a name",
    ),
    ("hostForm", "write a host such as ghcr.io or localhost:5000"),
    ("anotherName", "choose another name"),
    (
        "archiveForm",
        "give an archive of `docker save` or an OCI layout",
    ),
    (
        "pushByTag",
        "push a name with a tag; the registry computes the digest",
    ),
    ("outOfMemory", "it used more memory than there is"),
    (
        "nameDockerfile",
        "name the Dockerfile, relative to the folder of the build",
    ),
    ("networkForm", "use default, none or host"),
    ("epochSeconds", "use seconds since 1970"),
    ("lastWords", "what it wrote last says why"),
    (
        "portFiftyThree",
        "a program in the container may listen on port 53 of all addresses; terrarium-runtime must be there",
    ),
    (
        "submodulesApart",
        "add the submodules' repositories on their own",
    ),
    ("editableSize", "files of up to 1 MiB can be edited here"),
    (
        "cosignKey",
        "give a key that `cosign generate-key-pair` made: ECDSA on P-256, in PEM",
    ),
    ("giveAbsolutePath", "give an absolute path"),
    ("installGit", "install git on this machine"),
    ("maybeRestored", "it may have been restored or expired"),
    (
        "leaveOut",
        "leave out what the image does not need in .dockerignore",
    ),
    ("lookOrOverwrite", "look at what changed, or write over it"),
    (
        "makeItReadable",
        "make it readable, or leave it out in .dockerignore",
    ),
    (
        "makeThemReadable",
        "make them readable, or leave them out in .dockerignore",
    ),
    (
        "subnetForm",
        "a subnet looks like 10.90.0.0/24, and one of IPv6 like fd00:1::/64",
    ),
    (
        "withoutIpv6",
        "make the network without IPv6, or start the machine without ipv6.disable=1",
    ),
    (
        "openInBrowser",
        "open the address in a browser to see whether it is right",
    ),
    ("pullItAgain", "pull it again"),
    (
        "stopOrDisconnect",
        "stop these containers, or disconnect them first",
    ),
    (
        "trashNeedsRoom",
        "the trash needs room too: remove the image for good",
    ),
];

/// What a check of the machine can find, in the form of [`HINTS`].
pub const FINDINGS: &[(&str, &str)] = &[
    ("hasOverlayfs", "the kernel has overlayfs"),
    ("noOverlayfs", "the kernel has not loaded overlayfs"),
    ("noSeccomp", "the kernel has no seccomp filters"),
    (
        "notDelegated",
        "{}, not delegated to this user: limits are not enforced",
    ),
    ("delegated", "{}, delegated to this user"),
    ("noNft", "nft is not installed: ports cannot be published"),
    (
        "noPasta",
        "neither pasta nor slirp4netns is installed: containers reach only each other",
    ),
    (
        "noTap",
        "this user may not open /dev/net/tun: containers reach only each other",
    ),
    (
        "appArmor",
        "AppArmor restricts unprivileged user namespaces",
    ),
    ("switchedOff", "they are switched off"),
    ("noneAllowed", "none are allowed"),
    ("upTo", "up to {}"),
    ("noNewuidmap", "newuidmap is not installed"),
    ("hasRanges", "ranges in /etc/subuid and /etc/subgid"),
    (
        "noRanges",
        "no range in /etc/subuid and /etc/subgid: images with several users do not unpack",
    ),
];

impl Advice {
    /// What was found by a check of the machine; none for a text that is not listed.
    pub fn of_finding(text: &str) -> Option<Self> {
        Self::among(FINDINGS, text)
    }

    /// The hint that `text` is; none for one that is not listed.
    pub fn of(text: &str) -> Option<Self> {
        Self::among(HINTS, text)
    }

    fn among(texts: &[(&str, &str)], text: &str) -> Option<Self> {
        texts.iter().find_map(|(code, template)| {
            Some(Self {
                code: (*code).to_owned(),
                values: values(template, text)?,
            })
        })
    }
}

/// What stands at each `{}` of the template; none when the text is another one.
pub(crate) fn values(template: &str, text: &str) -> Option<Vec<String>> {
    let mut pieces = template.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        let end = match (last, piece) {
            (true, "") => rest.len(),
            (true, piece) => rest.len() - rest.strip_suffix(piece).map(|_| piece.len())?,
            (false, piece) => rest.find(piece)?,
        };
        values.push(rest[..end].to_owned());
        rest = &rest[end + piece.len()..];
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_from_the_text() {
        let check = |template, text, expect: Option<&[&str]>| {
            let expect = expect.map(|list| list.iter().map(|one| (*one).to_owned()).collect());
            assert_eq!(values(template, text), expect, "{text}");
        };
        check("sign in to {}", "sign in to ghcr.io", Some(&["ghcr.io"]));
        check(
            "wait {} s, or ask {} now",
            "wait 30 s, or ask a now",
            Some(&["30", "a"]),
        );
        check("write `{}`", "write `ubuntu`", Some(&["ubuntu"]));
        check("write `{}`", "write `ubuntu", None);
        check("give more digits", "give more digits", Some(&[]));
        check("give more digits", "give more digits of the id", None);
    }

    #[test]
    fn every_hint_is_found_by_its_own_text() {
        for (texts, code, template) in [HINTS, FINDINGS]
            .iter()
            .flat_map(|texts| texts.iter().map(move |(code, text)| (texts, code, text)))
        {
            let text = template.replace("{}", "value");
            let found = Advice::among(texts, &text).unwrap();
            assert_eq!(found.code, *code, "{text}");
        }
    }
}
