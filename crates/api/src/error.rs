//! Errors as a face receives them: clients match [`ErrorCode`], people read the rest.

use std::fmt;

use crate::Advice;

wire! {
    /// What went wrong, on which object, why, and what to do about it.
    pub struct Error {
        /// The stable code that clients match on.
        pub code: ErrorCode,
        /// What failed on which object: lower case, no period.
        pub message: String,
        /// The chain of reasons, outermost first.
        pub causes: Vec<String>,
        /// What the user can do, in English.
        pub hint: Option<String>,
        /// The same for faces with other languages; absent for a hint that is not listed.
        #[serde(default)]
        pub advice: Option<Box<Advice>>,
    }

    /// The stable code of an [`Error`].
    #[derive(Copy, Eq, Hash)]
    pub enum ErrorCode {
        /// A field of the request does not hold what it must.
        InvalidArgument,
        /// The image name does not follow the reference grammar.
        InvalidReference,
        /// No container has this id or name.
        NoSuchContainer,
        /// No image has this id or name.
        NoSuchImage,
        /// No volume has this name.
        NoSuchVolume,
        /// No exec process has this id.
        NoSuchExec,
        /// No network has this name.
        NoSuchNetwork,
        /// Nothing is at this path.
        NoSuchFile,
        /// No project has this id.
        NoSuchProject,
        /// No build has this id.
        NoSuchBuild,
        /// A file is not any more what was read.
        ChangedOutside,
        /// No activity or session has this id.
        NoSuchActivity,
        /// Another object has this name already.
        NameInUse,
        /// Another socket is bound to this host port.
        PortInUse,
        /// Containers still use this image.
        ImageInUse,
        /// Containers still use this volume.
        VolumeInUse,
        /// Containers still use this network.
        NetworkInUse,
        /// The object is in a state in which this cannot be done.
        WrongState,
        /// The registry could not be reached.
        RegistryUnreachable,
        /// The registry asks for other credentials.
        Unauthorized,
        /// The registry does not know this name or tag.
        ReferenceNotFound,
        /// The registry asks to slow down.
        RateLimited,
        /// The registry broke the protocol or answered with a failure of its own.
        RegistryFailed,
        /// Content does not have the digest or size that its descriptor names.
        ContentMismatch,
        /// The image has a form that this engine does not read.
        UnsupportedImage,
        /// The image has no manifest for this platform.
        NoMatchingPlatform,
        /// The layer tries to reach outside of its root, or is otherwise unsafe.
        UnsafeLayer,
        /// A file system has no room left.
        DiskFull,
        /// The command is not in the image.
        CommandNotFound,
        /// The command is in the image and cannot be executed.
        CommandNotExecutable,
        /// The kernel refused a step of the runtime.
        RuntimeFailed,
        /// This mode, kernel or machine cannot do it.
        Unsupported,
        /// The index cannot be read.
        DatabaseDamaged,
        /// Another host owns the data root.
        DataRootLocked,
        /// The user canceled it.
        Canceled,
        /// A defect of the engine.
        Internal,
    }
}

impl Error {
    /// An error without causes and hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            advice: None,
        }
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.advice = Advice::of(&hint).map(Box::new);
        self.hint = Some(hint);
        self
    }

    /// Adds the chain of sources below `error`.
    #[must_use]
    pub fn because(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
